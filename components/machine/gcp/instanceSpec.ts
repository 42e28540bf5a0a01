import * as args from "../../args";
import { positive } from "../../validation/checks";
import { Problems } from "../../validation/problems";
import { booleanAt } from "../../validation/shapes";
import { GcpInstanceSpec } from "./gcpSpec";
import { machineFamilies, MachineFamily, MachineType, parseMachineType, suitableFamilies } from "./machineFamilies";

/** What a pool can have, of control planes or of workers. */
export type PoolArgs = Partial<args.GcpControlPlaneArgs & args.GcpWorkerPoolArgs>;

const fallback = "n2-standard-4";
const cpuPlatforms = ["Intel Haswell", "Intel Broadwell", "Intel Skylake"];
const leastDiskGib = 20;

/** The virtual machines of a pool: what they have, wherever they are. */
export function resolveInstance(
    problems: Problems,
    here: string,
    pool: PoolArgs,
    role: args.NodeRole,
    guestMemoryMib: number,
): Omit<GcpInstanceSpec, "zone"> {
    const machineType = pool.machineType ?? fallback;
    const parsed = parseMachineType(machineType);
    problems.check(
        parsed,
        `${here}.machineType`,
        machineType,
        "not a machine type",
        "a name such as gcloud compute machine-types list shows",
        `use "${fallback}"`,
    );
    const type = parsed ?? { family: "n2" };
    const family = machineFamilies[type.family] ?? {};
    checkFamily(problems, `${here}.machineType`, machineType, type, family);
    checkSize(problems, `${here}.machineType`, machineType, type, role, guestMemoryMib);
    const imageFamily = problems.oneOf(
        `${here}.imageFamily`,
        pool.imageFamily,
        args.GcpImageFamily,
        "ubuntu-2404-lts-amd64",
    );
    const imageProject = String(imageFamily).startsWith("debian") ? "debian-cloud" : "ubuntu-os-cloud";
    const worker = role === "worker";
    return {
        machineType,
        minCpuPlatform: cpuPlatform(problems, here, pool.minCpuPlatform, type.family),
        image: `projects/${imageProject}/global/images/family/${imageFamily}`,
        diskGib: diskSize(problems, `${here}.diskGib`, pool.diskGib),
        diskType: diskType(problems, `${here}.diskType`, pool.diskType, type.family, family),
        nicType: family.gvnicOnly ? "GVNIC" : undefined,
        onHostMaintenance: family.stopsForMaintenance ? "TERMINATE" : undefined,
        spot: worker && booleanAt(problems, `${here}.spot`, pool.spot, false),
        deletionProtection: !worker && booleanAt(problems, `${here}.deletionProtection`, pool.deletionProtection, true),
    };
}

function checkFamily(
    problems: Problems,
    here: string,
    value: string,
    { family: name, custom, bareMetal }: MachineType,
    family: MachineFamily,
) {
    const allowed = `types of the families ${suitableFamilies.join(", ")}`;
    problems.check(
        family.nested !== false,
        here,
        value,
        `family ${name} has no nested virtualization, for ${family.why}, and Kata can start no virtual machine`,
        allowed,
        `use "${fallback}"`,
    );
    problems.check(
        !bareMetal,
        here,
        value,
        "a bare metal machine has another network interface and no nested virtualization to turn on",
        allowed,
        "use the same type without -metal",
    );
    problems.check(
        !custom || family.custom || !(name in machineFamilies) || family.nested === false,
        here,
        value,
        `family ${name} has no custom machine types`,
        "custom types of n1, n2 and n4",
        `use "${fallback}"`,
    );
}

/** kubeadm wants 2 CPUs; the node and a guest want memory. What is not known is judged on the node. */
function checkSize(
    problems: Problems,
    here: string,
    value: string,
    { family, vcpus, memoryMib, custom }: MachineType,
    role: args.NodeRole,
    guestMemoryMib: number,
) {
    const own = role === "worker" ? 1024 : 2048;
    const least = own + guestMemoryMib;
    problems.check(
        vcpus === undefined || vcpus >= 2,
        here,
        value,
        "kubeadm wants 2 CPUs or more",
        "2 vCPUs or more",
        `use "${fallback}"`,
    );
    problems.check(
        memoryMib === undefined || memoryMib >= least,
        here,
        value,
        `${memoryMib} MiB of memory are too little for a ${role} of ${own} MiB and a guest of ${guestMemoryMib} MiB`,
        `${least} MiB or more`,
        `use "${fallback}"`,
    );
    const ratio = machineFamilies[family]?.custom;
    if (!custom || !ratio || vcpus === undefined || memoryMib === undefined) {
        return;
    }
    const most = custom === "ext" ? Infinity : ratio[1];
    const gibPerCpu = memoryMib / 1024 / vcpus;
    problems.check(
        vcpus % 2 === 0 && memoryMib % 256 === 0 && gibPerCpu >= ratio[0] && gibPerCpu <= most,
        here,
        value,
        `no custom machine type of family ${family}`,
        `an even number of vCPUs, and for each from ${ratio[0]} to ${ratio[1]} GiB, in steps of 256 MiB` +
            (custom === "ext" ? ", or more with -ext" : ""),
        `for example "${family}-custom-4-8192"`,
    );
}

function cpuPlatform(problems: Problems, here: string, value: string | undefined, family: string): string | undefined {
    const n1 = family === "n1";
    problems.check(
        value === undefined || (n1 && cpuPlatforms.includes(value)),
        `${here}.minCpuPlatform`,
        value,
        n1 ? "nested virtualization needs Haswell or newer" : `every machine of family ${family} is new enough`,
        n1 ? cpuPlatforms.map((one) => `"${one}"`).join(", ") : "nothing but for N1",
        "leave it out",
    );
    return n1 ? (value ?? cpuPlatforms[0]) : undefined;
}

function diskSize(problems: Problems, here: string, value: number | undefined): number {
    const size = value ?? 50;
    positive(problems, here, size, leastDiskGib, "images and Kata do not fit below that");
    problems.check(
        !(size > 65536),
        here,
        size,
        "no disk is that large",
        "a whole number of GiB up to 65536",
        "leave it out for 50",
    );
    return size;
}

function diskType(
    problems: Problems,
    here: string,
    value: args.GcpDiskType | undefined,
    name: string,
    { disks }: MachineFamily,
): args.GcpDiskType {
    const chosen = problems.oneOf(here, value, args.GcpDiskType, disks?.[0] ?? "pd-balanced");
    const known = Object.values(args.GcpDiskType).includes(chosen);
    problems.check(
        !known || !disks || disks.includes(chosen),
        here,
        value,
        `family ${name} does not boot from it`,
        (disks ?? []).map((one) => `"${one}"`).join(", "),
        `leave it out for "${disks?.[0]}"`,
    );
    return chosen;
}
