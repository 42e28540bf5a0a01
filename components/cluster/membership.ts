import * as pulumi from "@pulumi/pulumi";
import { certificateNames, hostOf, Machine, Machines } from "../machine/machine";
import { Membership } from "../node/nodeBootstrap";
import { ClusterSpec } from "../spec";
import { refuseEndpointChange } from "./endpointChange";
import { controlPlaneJoinFiles, workerJoinFiles } from "./joinConfig";
import { initFiles } from "./kubeadmConfig";
import { NodeDescription } from "./nodeRegistration";

/** How each machine becomes a node: the first one begins the cluster, the others join it. */
export function memberships(spec: ClusterSpec, made: Machines): Membership[] {
    return made.machines.map((machine, i): Membership => {
        const node = described(machine);
        if (i === 0) {
            const files = pulumi.all([node, apiNames(made)]).apply(([one, api]) => initFiles(spec, one, api));
            return { files, joins: false, refusals: refuseEndpointChange(spec, made) };
        }
        const joinFiles = machine.role === "worker" ? workerJoinFiles : controlPlaneJoinFiles;
        return { files: node.apply((one) => joinFiles(spec, one)), joins: true };
    });
}

function described({ name, labels, taints, internalAddress }: Machine): pulumi.Output<NodeDescription> {
    return pulumi.output(internalAddress).apply((known) => ({ name, labels, taints, internalAddress: known }));
}

/** The names of every control plane, for one certificate is as good as another. */
function apiNames({ machines, controlPlaneEndpoint }: Machines) {
    const controlPlanes = machines.filter(({ role }) => role === "control-plane");
    const names = pulumi.all(controlPlanes.map((machine) => certificateNames(machine)));
    const addresses = pulumi.all(controlPlanes.map((machine) => pulumi.output(machine.internalAddress)));
    return pulumi
        .all([names, addresses, controlPlaneEndpoint])
        .apply(([called, internal, endpoint]: [string[][], (string | undefined)[], string | undefined]) => ({
            names: [...called.flat(), ...internal, endpoint && hostOf(endpoint)].filter((one) => one !== undefined),
            endpoint,
        }));
}
