import { GcpDiskType } from "../../gcpArgs";

/** A family of machine types; Google calls it a machine series. */
export interface MachineFamily {
    /** Whether it has nested virtualization, as published. Nothing where that says neither. */
    nested?: boolean;
    /** Why it has none, or why that is not known. */
    why?: string;
    /** Boot disks that it takes, the default first. Nothing where that is not known. */
    disks?: GcpDiskType[];
    /** Has no network interface but gVNIC. */
    gvnicOnly?: boolean;
    /** Can't be moved to another host while it runs: it stops for maintenance. */
    stopsForMaintenance?: boolean;
    /** Arm, which the bastion's image is not for. */
    arm?: boolean;
    /** GiB of memory for each vCPU, by the class in the middle of a type's name: `standard` of `n2-standard-4`. */
    memory?: Record<string, number>;
    /** Least and most GiB of memory for each vCPU of a custom machine type, where it has some. */
    custom?: [least: number, most: number];
}

const persistent: GcpDiskType[] = ["pd-balanced", "pd-ssd", "pd-standard"];
const both: GcpDiskType[] = ["pd-balanced", "pd-ssd", "hyperdisk-balanced"];
const hyperdisk: GcpDiskType[] = ["hyperdisk-balanced"];

const amd = { nested: false, why: "it has AMD processors" };
const arm = { nested: false, why: "it has Arm processors", arm: true };
const memoryOptimized = { nested: false, why: "it is memory-optimized" };
const shared = { nested: false, why: "it has a shared core" };
const gpus = { why: "Google's documents disagree for machines with GPUs", stopsForMaintenance: true };

/**
 * The families that are known, by these documents of Google Cloud:
 *
 * - nested virtualization: https://cloud.google.com/compute/docs/instances/nested-virtualization/overview#restrictions
 * - vCPUs, memory, disks: https://cloud.google.com/compute/docs/machine-resource and the pages of each family
 * - Hyperdisk: https://cloud.google.com/compute/docs/disks/hyperdisks#machine-type-support
 * - network interface: https://cloud.google.com/compute/docs/networking/using-gvnic
 */
export const machineFamilies: Record<string, MachineFamily> = {
    n1: {
        ...{ nested: true, disks: persistent, custom: [0.9, 6.5] },
        memory: { standard: 3.75, highmem: 6.5, highcpu: 0.9 },
    },
    n2: { nested: true, disks: persistent, custom: [0.5, 8], memory: { standard: 4, highmem: 8, highcpu: 1 } },
    n4: {
        ...{ nested: true, disks: hyperdisk, gvnicOnly: true, custom: [2, 8] },
        memory: { standard: 4, highmem: 8, highcpu: 2 },
    },
    c2: { nested: true, disks: persistent, memory: { standard: 4 } },
    c3: { nested: true, disks: both, gvnicOnly: true, memory: { standard: 4, highmem: 8, highcpu: 2 } },
    c4: { nested: true, disks: hyperdisk, gvnicOnly: true, memory: { standard: 3.75, highmem: 7.75, highcpu: 2 } },
    z3: { nested: true, disks: both, gvnicOnly: true, stopsForMaintenance: true, memory: { highmem: 8 } },
    h3: {
        ...{ why: "Google does not say", disks: both.filter((disk) => disk !== "pd-ssd"), gvnicOnly: true },
        ...{ stopsForMaintenance: true, memory: { standard: 4 } },
    },
    a2: { ...gpus, disks: persistent },
    a3: { ...gpus, disks: both, gvnicOnly: true },
    a4: { ...gpus, disks: hyperdisk, gvnicOnly: true },
    g2: { ...gpus, disks: ["pd-balanced", "pd-ssd"], memory: { standard: 4 } },
    e2: { nested: false, why: "it is E2", disks: persistent },
    f1: { ...shared, disks: persistent },
    g1: { ...shared, disks: persistent },
    n2d: { ...amd, disks: persistent },
    n4d: { ...amd, disks: hyperdisk },
    c2d: { ...amd, disks: persistent },
    c3d: { ...amd, disks: both },
    c4d: { ...amd, disks: hyperdisk },
    t2d: { ...amd, disks: persistent },
    h4d: { ...amd, disks: hyperdisk },
    g4: { ...amd, disks: hyperdisk },
    t2a: { ...arm, disks: persistent },
    c4a: { ...arm, disks: hyperdisk },
    n4a: { ...arm, disks: hyperdisk },
    a4x: { ...arm, disks: hyperdisk },
    m1: memoryOptimized,
    m2: memoryOptimized,
    m3: memoryOptimized,
    m4: memoryOptimized,
    x4: memoryOptimized,
};

/** Those that have nested virtualization for sure. */
export const suitableFamilies = Object.keys(machineFamilies).filter((name) => machineFamilies[name]!.nested);

/** What the name of a machine type says. */
export interface MachineType {
    family: string;
    /** Nothing where it is not known. */
    vcpus?: number;
    memoryMib?: number;
    /** Where it is a custom type: with extended memory or not. */
    custom?: "ext" | "plain";
    /** Without a hypervisor of Google's. */
    bareMetal?: boolean;
}

/** Reads the name of a machine type, `n2-standard-4` or `n2-custom-4-8192`. Nothing where it is none. */
export function parseMachineType(type: unknown): MachineType | undefined {
    if (typeof type !== "string" || !/^[a-z][a-z0-9]*(-[a-z0-9]+)+$/.test(type) || type.length > 63) {
        return undefined;
    }
    const custom = /^(?:([a-z][a-z0-9]*)-)?custom-(\d+)-(\d+)(-ext)?$/.exec(type);
    if (custom) {
        const [, family = "n1", vcpus, memoryMib, ext] = custom;
        return { family, vcpus: Number(vcpus), memoryMib: Number(memoryMib), custom: ext ? "ext" : "plain" };
    }
    const [family, category, count, ...rest] = type.split("-");
    const memory = machineFamilies[family!]?.memory;
    const bareMetal = rest.includes("metal");
    if (memory?.[category!] === undefined || !/^\d+$/.test(count ?? "")) {
        return { family: family!, bareMetal };
    }
    const vcpus = Number(count);
    return { family: family!, vcpus, memoryMib: Math.round(vcpus * memory[category!]! * 1024), bareMetal };
}
