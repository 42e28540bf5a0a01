import * as args from "../../args";
import { nodeSettings } from "../../validation/nodeSettings";
import { Problems } from "../../validation/problems";
import { MachineSpec } from "../machineSpec";
import { GcpInstanceSpec, GcpSpec } from "./gcpSpec";
import { familyName, machineFamilies } from "./machineFamilies";

const at = "machines.gcp";

/** The virtual machines on Google Cloud, control planes first. */
export function resolveGcp(problems: Problems, cluster: string, all: args.KataClusterArgs): MachineSpec[] {
    const input = all.machines.gcp!;
    const zones = input.zones ?? [firstZone(input)];
    const controlPlane = input.controlPlane ?? {};
    const pools = input.workerPools ?? [];
    return [
        ...machinesOf(problems, `${at}.controlPlane`, `${cluster}-control-plane`, "control-plane", {
            pool: { deletionProtection: true, ...controlPlane },
            zones: controlPlane.zones ?? zones,
        }),
        ...pools.flatMap((pool, i) =>
            machinesOf(problems, `${at}.workerPools[${i}]`, `${cluster}-${pool.name}`, "worker", {
                pool,
                zones: pool.zones ?? zones,
            }),
        ),
    ];
}

/** What the machines share. Nothing where they are of another kind. */
export function resolveGcpSpec(problems: Problems, cluster: string, all: args.KataClusterArgs): GcpSpec | undefined {
    const input = all.machines?.gcp;
    if (!input) {
        return undefined;
    }
    const { ssh, api, network = {} } = input;
    const { privateKey, publicKey } = ssh;
    return {
        project: input.project,
        region: input.region,
        controlPlanes: input.controlPlane?.count ?? 1,
        subnetCidr: network.subnetCidr ?? "10.80.0.0/20",
        proxySubnetCidr: network.proxySubnetCidr ?? "10.80.16.0/23",
        ssh: {
            via: problems.oneOf(`${at}.ssh.via`, ssh.via, args.GcpSshPath, "bastion"),
            sourceRanges: ssh.sourceRanges ?? [],
            tunnelPort: ssh.tunnelPort ?? 22122,
            bastionMachineType: ssh.bastionMachineType ?? "e2-micro",
            bastionZone: (input.zones ?? [firstZone(input)])[0]!,
            user: ssh.user ?? "kata",
            keys: privateKey && publicKey ? { privateKey, publicKey } : undefined,
        },
        api: { public: api.public ?? true, sourceRanges: api.sourceRanges },
        labels: { ...input.labels, "kata-cluster": cluster },
    };
}

type Pool = args.GcpPoolArgs & { count?: number; spot?: boolean; deletionProtection?: boolean };

function machinesOf(
    problems: Problems,
    here: string,
    prefix: string,
    role: args.NodeRole,
    { pool, zones }: { pool: Pool; zones: string[] },
): MachineSpec[] {
    const settings = nodeSettings(problems, here, pool);
    const instance = instanceOf(pool);
    return Array.from({ length: pool.count ?? 1 }, (_, i) => ({
        kind: "gcp",
        name: `${prefix}-${i}`,
        role,
        ...settings,
        gcp: { ...instance, zone: zones[i % zones.length]! },
    }));
}

function instanceOf(pool: Pool): Omit<GcpInstanceSpec, "zone"> {
    const machineType = pool.machineType ?? "n2-standard-4";
    const family = machineFamilies[familyName(machineType)] ?? {};
    const imageFamily = pool.imageFamily ?? "ubuntu-2404-lts-amd64";
    const imageProject = imageFamily.startsWith("debian") ? "debian-cloud" : "ubuntu-os-cloud";
    return {
        machineType,
        minCpuPlatform: familyName(machineType) === "n1" ? (pool.minCpuPlatform ?? "Intel Haswell") : undefined,
        image: `projects/${imageProject}/global/images/family/${imageFamily}`,
        diskGib: pool.diskGib ?? 50,
        diskType: pool.diskType ?? (family.hyperdiskOnly ? "hyperdisk-balanced" : "pd-balanced"),
        nicType: family.gvnicOnly ? "GVNIC" : undefined,
        spot: pool.spot ?? false,
        deletionProtection: pool.deletionProtection ?? false,
    };
}

/** Every region has a zone b. */
function firstZone({ region }: args.GcpMachinesArgs): string {
    return `${region}-b`;
}
