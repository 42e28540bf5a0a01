import * as args from "../../args";
import { nodeSettings } from "../../validation/nodeSettings";
import { Problems } from "../../validation/problems";
import { objectAt, objectsAt, record } from "../../validation/shapes";
import { controlPlaneCount } from "../controlPlaneCount";
import { MachineSpec } from "../machineSpec";
import { checkPoolName } from "./gcpNames";
import { PoolArgs, resolveInstance } from "./instanceSpec";
import { poolZones, zonesOf } from "./zones";

const at = "machines.gcp";
const most = 100;

/** The machines of a pool, before each of them has its number. */
interface Pool {
    here: string;
    /** What their names begin with. */
    prefix: string;
    role: args.NodeRole;
    count: number;
    given: PoolArgs;
}

/** The virtual machines on Google Cloud, control planes first. */
export function resolveGcp(problems: Problems, cluster: string, all: args.KataClusterArgs): MachineSpec[] {
    const input = record(all.machines.gcp);
    const zones = zonesOf(input);
    const guest = record(all.kata).guestMemoryMib;
    const guestMemoryMib = typeof guest === "number" && guest > 0 ? guest : 2048;
    return [controlPlanes(problems, cluster, input), ...workers(problems, cluster, input)].flatMap((pool) =>
        machinesOf(problems, pool, input.region, zones, guestMemoryMib),
    );
}

function controlPlanes(problems: Problems, cluster: string, input: Partial<args.GcpMachinesArgs>): Pool {
    const here = `${at}.controlPlane`;
    const given: PoolArgs = objectAt(problems, here, input.controlPlane);
    const count = given.count ?? 1;
    const good = controlPlaneCount(problems, `${here}.count`, count, count);
    problems.check(
        given.spot === undefined,
        `${here}.spot`,
        given.spot,
        "Google Cloud takes a Spot VM away at any time, and etcd with it",
        "Spot VMs among the workers",
        "remove it",
    );
    return { here, prefix: `${cluster}-control-plane`, role: "control-plane", count: good ? count : 1, given };
}

function workers(problems: Problems, cluster: string, input: Partial<args.GcpMachinesArgs>): Pool[] {
    const pools: PoolArgs[] = objectsAt(problems, `${at}.workerPools`, input.workerPools);
    return pools.map((given, i) => {
        const here = `${at}.workerPools[${i}]`;
        const count = given.count ?? 1;
        const good = problems.check(
            Number.isInteger(count) && count >= 0 && count <= most,
            `${here}.count`,
            count,
            "not a number of machines",
            `a whole number from 0 to ${most}`,
            "leave it out for 1",
        );
        const others = pools.slice(0, i).map((other) => other.name);
        checkPoolName(problems, `${here}.name`, cluster, given.name, good ? count : 1, others);
        return { here, prefix: `${cluster}-${given.name}`, role: "worker", count: good ? count : 0, given };
    });
}

function machinesOf(
    problems: Problems,
    { here, prefix, role, count, given }: Pool,
    region: string | undefined,
    shared: string[],
    guestMemoryMib: number,
): MachineSpec[] {
    const instance = resolveInstance(problems, here, given, role, guestMemoryMib);
    const zones = given.zones === undefined ? shared : poolZones(problems, `${here}.zones`, given.zones, region);
    const settings = nodeSettings(problems, here, {
        labels: objectAt(problems, `${here}.labels`, given.labels) as Record<string, string>,
        taints: objectsAt(problems, `${here}.taints`, given.taints) as args.TaintArgs[],
    });
    return Array.from({ length: count }, (_, i) => ({
        kind: "gcp",
        name: `${prefix}-${i}`,
        role,
        ...settings,
        gcp: { ...instance, zone: zones[i % zones.length]! },
    }));
}
