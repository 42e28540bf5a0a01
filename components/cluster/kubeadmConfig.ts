import { stringify } from "yaml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { criSocket } from "../node/containerd";
import { mutatingApi } from "./admission/runtimeClassPolicy";

/** A node that can run Kata carries this label; the RuntimeClass selects it. */
export const kataNodeLabel = { "katacontainers.io/kata-runtime": "true" };

/** Where the nodes keep kubeadm's configuration. */
const path = "files/etc/kata-cluster/kubeadm.yaml";

/**
 * The documents for `kubeadm init`, v1beta4: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
 * `names` are what users call the API server by.
 */
export function kubeadmFiles(spec: ClusterSpec, node: string, names: string[]): Files {
    return { [path]: kubeadmConfig(spec, node, names) };
}

/** @internal */
export function kubeadmConfig(spec: ClusterSpec, node: string, names: string[]): string {
    const documents = [initConfiguration(spec, node), clusterConfiguration(spec, names), kubeletConfiguration()];
    return documents.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
}

const kubeadmVersion = "kubeadm.k8s.io/v1beta4";

function initConfiguration(spec: ClusterSpec, node: string) {
    return {
        apiVersion: kubeadmVersion,
        kind: "InitConfiguration",
        // A join makes a token of its own. kubeadm insists on making one here too, by default for a day.
        bootstrapTokens: [{ ttl: "15m0s", usages: ["signing", "authentication"] }],
        nodeRegistration: {
            name: node,
            criSocket,
            imagePullPolicy: "IfNotPresent",
            imagePullSerial: false,
            kubeletExtraArgs: [
                {
                    name: "node-labels",
                    value: Object.entries(kataNodeLabel)
                        .map(([key, value]) => `${key}=${value}`)
                        .join(","),
                },
            ],
            // An empty list: the only node runs the pods too. Leaving it out would taint the control plane.
            ...(spec.machines.length === 1 ? { taints: [] } : {}),
        },
        timeouts: upperBounds,
    };
}

/** Enough for an emulated machine. kubeadm's own are for real ones, where none of these is ever reached. */
const upperBounds = {
    controlPlaneComponentHealthCheck: "20m0s",
    discovery: "10m0s",
    etcdAPICall: "10m0s",
    kubeletHealthCheck: "20m0s",
    kubernetesAPICall: "10m0s",
    tlsBootstrap: "10m0s",
};

function clusterConfiguration(spec: ClusterSpec, names: string[]) {
    const { kubernetes } = spec;
    const { apiServerArgs } = mutatingApi(kubernetes.version);
    return {
        apiVersion: kubeadmVersion,
        kind: "ClusterConfiguration",
        clusterName: spec.name,
        kubernetesVersion: `v${kubernetes.version}`,
        networking: {
            podSubnet: kubernetes.podCidr,
            serviceSubnet: kubernetes.serviceCidr,
            dnsDomain: "cluster.local",
        },
        apiServer: {
            certSANs: [...new Set([...names, ...kubernetes.certificateNames])].sort(),
            ...(apiServerArgs.length > 0 ? { extraArgs: apiServerArgs } : {}),
        },
        // Keys in a fraction of RSA's time, on slow machines above all.
        encryptionAlgorithm: "ECDSA-P256",
    };
}

function kubeletConfiguration() {
    return {
        apiVersion: "kubelet.config.k8s.io/v1beta1",
        kind: "KubeletConfiguration",
        cgroupDriver: "systemd",
        // A pod's virtual machine boots within one request. The guide's --runtime-request-timeout.
        runtimeRequestTimeout: "15m0s",
        seccompDefault: true,
    };
}
