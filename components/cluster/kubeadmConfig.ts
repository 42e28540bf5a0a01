import { stringify } from "yaml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { mutatingApi } from "./admission/runtimeClassPolicy";
import * as kubeadm from "./nodeRegistration";

/** What the API is called by. */
export interface ApiNames {
    /** By users and nodes, for the certificate. */
    names: string[];
    /** `host:port` at which the nodes reach every control plane. */
    endpoint?: string;
}

/** The documents for `kubeadm init`, on the control plane that the cluster begins on. */
export function initFiles(spec: ClusterSpec, node: kubeadm.NodeDescription, api: ApiNames): Files {
    return {
        [`files${kubeadm.directory}/kubeadm.yaml`]: kubeadmConfig(spec, node, api),
        ...emulatedPatches({ elections: api.endpoint !== undefined }),
    };
}

/**
 * The scripts install these only on a node that is itself emulated: its control plane is slow to answer while a pod's
 * virtual machine boots beside it, and would be killed for that, which makes it slower still. For the same reason the
 * members of etcd, and those who hold a lease, would hold one election after the other. One that is alone has nobody to
 * elect, and would only begin later.
 */
export function emulatedPatches({ elections }: { elections: boolean }): Files {
    const patient = { timeoutSeconds: 60, failureThreshold: 60 };
    const probes = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"].map((name) => [
        `files${kubeadm.patches}/${name}+strategic.yaml`,
        stringify({ spec: { containers: [{ name, livenessProbe: patient }] } }),
    ]);
    const flags = Object.entries(elections ? patientElections : {}).map(([name, values]) => [
        `files${kubeadm.patches}/${name}+json.yaml`,
        stringify(values.map((value) => ({ op: "add", path: "/spec/containers/0/command/-", value }))),
    ]);
    return Object.fromEntries([...probes, ...flags]) as Files;
}

/** Twenty times etcd's own times, as everything takes. Seen: answers of etcd after ten seconds. */
const patientLeases = [
    "--leader-elect-lease-duration=120s",
    "--leader-elect-renew-deadline=80s",
    "--leader-elect-retry-period=10s",
];
const patientElections = {
    etcd: ["--heartbeat-interval=2000", "--election-timeout=20000"],
    "kube-controller-manager": patientLeases,
    "kube-scheduler": patientLeases,
};

/** @internal */
export function kubeadmConfig(spec: ClusterSpec, node: kubeadm.NodeDescription, api: ApiNames): string {
    const documents = [initConfiguration(spec, node), clusterConfiguration(spec, api), kubeletConfiguration()];
    return documents
        .map((document) => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }))
        .join("---\n");
}

function initConfiguration(spec: ClusterSpec, node: kubeadm.NodeDescription) {
    return {
        apiVersion: kubeadm.kubeadmVersion,
        kind: "InitConfiguration",
        // No node joins with a token. kubeadm insists on making one, by default for a day. This one is over before anybody
        // could know it, and the controller manager then takes it away.
        bootstrapTokens: [{ ttl: "1s", usages: ["signing", "authentication"] }],
        ...kubeadm.localApiEndpoint(node),
        nodeRegistration: kubeadm.nodeRegistration(spec, node),
        patches: { directory: kubeadm.patches },
        timeouts: kubeadm.upperBounds,
    };
}

/**
 * A control plane of one has nobody to elect. It would end itself whenever the API is too slow to renew its lease. Only
 * one without an endpoint stays of one for ever.
 */
const withoutElection = { extraArgs: [{ name: "leader-elect", value: "false" }] };

function clusterConfiguration(spec: ClusterSpec, { names, endpoint }: ApiNames) {
    const { kubernetes } = spec;
    const { apiServerArgs } = mutatingApi(kubernetes.version);
    return {
        apiVersion: kubeadm.kubeadmVersion,
        kind: "ClusterConfiguration",
        clusterName: spec.name,
        kubernetesVersion: `v${kubernetes.version}`,
        ...(endpoint === undefined ? {} : { controlPlaneEndpoint: endpoint }),
        networking: {
            podSubnet: kubernetes.podCidr,
            serviceSubnet: kubernetes.serviceCidr,
            dnsDomain: "cluster.local",
        },
        ...(endpoint === undefined ? { controllerManager: withoutElection, scheduler: withoutElection } : {}),
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
