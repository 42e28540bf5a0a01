import { stringify } from "yaml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { containerRuntimes } from "../node/containerRuntime";
import { mutatingApi } from "./admission/runtimeClassPolicy";

/** A node that can run Kata carries this label; the RuntimeClass selects it. */
export const kataNodeLabel = { "katacontainers.io/kata-runtime": "true" };

/** Where the nodes keep kubeadm's configuration, and the patches of static pods that kubeadm is to take. */
const directory = "/etc/kata-cluster";
const patches = `${directory}/kubeadm-patches`;

/**
 * The documents for `kubeadm init`, v1beta4: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
 * `names` are what users call the API server by.
 */
export function kubeadmFiles(spec: ClusterSpec, node: string, names: string[]): Files {
    return {
        [`files${directory}/kubeadm.yaml`]: kubeadmConfig(spec, node, names),
        ...emulatedPatches(),
    };
}

/**
 * The scripts install these only on a node that is itself emulated: its control plane is slow to answer while a pod's
 * virtual machine boots beside it, and would be killed for that, which makes it slower still.
 */
function emulatedPatches(): Files {
    const patient = { timeoutSeconds: 60, failureThreshold: 60 };
    const components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    return Object.fromEntries(
        components.map((name) => [
            `files${patches}/${name}+strategic.yaml`,
            stringify({ spec: { containers: [{ name, livenessProbe: patient }] } }),
        ]),
    );
}

/** @internal */
export function kubeadmConfig(spec: ClusterSpec, node: string, names: string[]): string {
    const documents = [initConfiguration(spec, node), clusterConfiguration(spec, names), kubeletConfiguration()];
    return documents
        .map((document) => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }))
        .join("---\n");
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
            criSocket: containerRuntimes[spec.containerRuntime].socket,
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
        patches: { directory: patches },
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

/** A control plane of one has nobody to elect. It would end itself whenever the API is too slow to renew its lease. */
const withoutElection = { extraArgs: [{ name: "leader-elect", value: "false" }] };

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
        ...(spec.machines.length === 1 ? { controllerManager: withoutElection, scheduler: withoutElection } : {}),
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
