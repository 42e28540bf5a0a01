import { Machines } from "../machine/machine";
import { refuseUpdate } from "../refuseUpdate";
import { ClusterSpec } from "../spec";

/**
 * Refuses another control plane endpoint for a live cluster, before anything is touched: every node and certificate has
 * the first one. So a cluster that began without one stays with one control plane. The node's settings in the state say
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

/** The endpoint in kubeadm's configuration, as a node's settings carry it. @internal */
export function endpointIn(settings: string): string | undefined {
    return /^controlPlaneEndpoint: "?([^"\n]+)"?$/m.exec(settings)?.[1];
}

function refusal({ name, gcp }: ClusterSpec, current: string | undefined, wanted: string | undefined): string {
    const shown = (endpoint: string | undefined) => (endpoint === undefined ? "none" : `"${endpoint}"`);
    // There the number of control planes decides whether there is one.
    const counted = gcp && (current === undefined) !== (wanted === undefined);
    const argument = counted
        ? `machines.gcp.controlPlane.count = ${gcp.controlPlanes}`
        : `kubernetes.controlPlaneEndpoint = ${shown(wanted)}`;
    const began = !counted ? shown(current) : current === undefined ? "1" : "several behind a load balancer";
    const allowed = !counted ? shown(current) : current === undefined ? "1" : "3 or 5";
    return (
        `KataCluster "${name}": ${argument}: ` +
        `the cluster began with ${began}, and every node and certificate of it has the address that goes with that. ` +
        `Allowed: ${allowed}. Hint: set it back, or make a new cluster and move the workload there.`
    );
}
