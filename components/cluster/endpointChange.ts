import { Machines } from "../machine/machine";
import { refuseUpdate } from "../refuseUpdate";
import { ClusterSpec } from "../spec";

/**
 * Refuses another control plane endpoint for a live cluster, before anything is touched: every node and certificate has
 * the first one. So a cluster that began without one stays with one control plane. The bundle that is in the state says
 * what it began with.
 */
export function refuseEndpointChange(spec: ClusterSpec, { machines, controlPlaneEndpoint }: Machines) {
    const node = machines[0]!.name;
    return refuseUpdate(`${node}-endpoint`, ({ stdin: before }, { stdin: after }) => {
        if (typeof before !== "string") {
            return undefined;
        }
        const current = endpointIn(before);
        // An address that is not known yet can't be the one that the cluster has.
        const wanted = typeof after === "string" ? endpointIn(after) : controlPlaneEndpoint && "[not known yet]";
        return current === wanted ? undefined : refusal(spec, current, wanted);
    });
}

/** The endpoint in kubeadm's configuration, as a bundle carries it. @internal */
export function endpointIn(bundle: string): string | undefined {
    return /^controlPlaneEndpoint: "?([^"\n]+)"?$/m.exec(bundle)?.[1];
}

function refusal({ name }: ClusterSpec, current: string | undefined, wanted: string | undefined): string {
    const shown = (endpoint: string | undefined) => (endpoint === undefined ? "none" : `"${endpoint}"`);
    return (
        `KataCluster "${name}": kubernetes.controlPlaneEndpoint = ${shown(wanted)}: ` +
        `the cluster began with ${shown(current)}, and every node and certificate of it has that. ` +
        `Allowed: ${shown(current)}. Hint: set it back, or make a new cluster and move the workload there.`
    );
}
