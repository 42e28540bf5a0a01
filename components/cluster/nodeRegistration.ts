import { TaintArgs } from "../args";
import { containerRuntimes } from "../node/containerRuntime";
import { ClusterSpec } from "../spec";

/** A node that can run Kata carries this label; the RuntimeClass selects it. */
export const kataNodeLabel = { "katacontainers.io/kata-runtime": "true" };

/** The version of kubeadm's documents: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/ */
export const kubeadmVersion = "kubeadm.k8s.io/v1beta4";

/** Where the nodes keep kubeadm's configuration, and the patches that kubeadm is to take. */
export const directory = "/etc/kata-cluster";
export const patches = `${directory}/kubeadm-patches`;

/** A node as kubeadm is told of it, with everything known. */
export interface NodeDescription {
    name: string;
    labels: Record<string, string>;
    taints: TaintArgs[];
    internalAddress?: string;
}

/** How a node is made known to the cluster. */
export function nodeRegistration(spec: ClusterSpec, node: NodeDescription) {
    const labels = Object.entries({ ...kataNodeLabel, ...node.labels }).sort();
    return {
        name: node.name,
        criSocket: containerRuntimes[spec.containerRuntime].socket,
        imagePullPolicy: "IfNotPresent",
        imagePullSerial: false,
        kubeletExtraArgs: [
            { name: "node-labels", value: labels.map(([key, value]) => `${key}=${value}`).join(",") },
            ...(node.internalAddress === undefined ? [] : [{ name: "node-ip", value: node.internalAddress }]),
        ],
        // Even an empty list: without it a control plane would get kubeadm's own taint, which comes with the first
        // worker and goes with the last (host/members.sh).
        taints: node.taints.map(({ key, value, effect }) => ({ key, ...(value ? { value } : {}), effect })),
    };
}

/** Where a control plane's API server listens: `localAPIEndpoint`. */
export function localApiEndpoint({ internalAddress }: NodeDescription) {
    return internalAddress === undefined ? {} : { localAPIEndpoint: { advertiseAddress: internalAddress } };
}

/** Enough for an emulated machine. kubeadm's own are for real ones, where none of these is ever reached. */
export const upperBounds = {
    controlPlaneComponentHealthCheck: "20m0s",
    discovery: "10m0s",
    etcdAPICall: "10m0s",
    kubeletHealthCheck: "20m0s",
    kubernetesAPICall: "10m0s",
    tlsBootstrap: "10m0s",
};
