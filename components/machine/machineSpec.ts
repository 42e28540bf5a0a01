import * as args from "../args";
import { NodeSettings } from "../validation/nodeSettings";
import { Problems } from "../validation/problems";
import { resolveExisting } from "./existingMachineSpec";
import { resolveGcp } from "./gcp/gcpMachineSpec";
import { GcpInstanceSpec } from "./gcp/gcpSpec";
import { LocalMachineSpec, resolveLocal } from "./localMachineSpec";

/** What every machine has, wherever it comes from. */
export interface NodeSpec extends NodeSettings {
    /** Name of the machine, of its node and of its resources. */
    name: string;
    role: args.NodeRole;
}

/** One machine, by where it comes from. */
export type MachineSpec = NodeSpec &
    (
        | { kind: "local"; local: LocalMachineSpec }
        | { kind: "existing"; existing: args.ExistingMachineArgs }
        | { kind: "gcp"; gcp: GcpInstanceSpec }
    );

/** What resolves each kind of machines. */
const kinds = {
    local: resolveLocal,
    existing: resolveExisting,
    gcp: resolveGcp,
};

/** Fills in defaults for the machines and checks them. Control planes come first. */
export function resolveMachines(problems: Problems, cluster: string, input: args.KataClusterArgs): MachineSpec[] {
    const given = Object.entries(input.machines ?? {})
        .filter(([, value]) => value !== undefined)
        .map(([key]) => key);
    const [kind] = given;
    const single = problems.check(
        given.length === 1 && kind! in kinds,
        "machines",
        given.join(", ") || undefined,
        "exactly one kind of machine is needed",
        Object.keys(kinds).join(" or "),
        "machines: { local: {} } makes a virtual machine on this computer",
    );
    return single ? kinds[kind as keyof typeof kinds](problems, cluster, input) : [];
}
