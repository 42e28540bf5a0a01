import * as pulumi from "@pulumi/pulumi";
import { MachinesArgs } from "./machineArgs";

export * from "./machineArgs";

/** Arguments of {@link KataCluster}. */
export interface KataClusterArgs {
    /** The machines that become the cluster's nodes. Exactly one kind is named. */
    machines: MachinesArgs;
    /**
     * The container runtime that the kubelet talks to over CRI, as in "Install a CRI implementation" of the guide. A
     * change on a live stack is refused unless `allowDisruption` names it.
     * Default: "containerd".
     */
    containerRuntime?: ContainerRuntime;
    /** Settings of Kubernetes and of kubeadm. */
    kubernetes?: KubernetesArgs;
    /** Settings of Kata Containers, which runs the untrusted pods. */
    kata?: KataArgs;
    /** Which pods are trusted, and so run beside each other on the node's kernel. All others run in Kata. */
    trust?: TrustArgs;
    /** A private mirror for all downloads and image pulls, for air-gapped sites. Digests are checked all the same. */
    mirror?: MirrorArgs;
    /** Releases to install in place of the pinned upstream ones. */
    releases?: ReleasesArgs;
    /**
     * The untrusted pod that is deployed, and whose isolation is proved, as part of `up`.
     * Default: the guide's pod: `nginx-untrusted` in namespace `default`, image `nginx`.
     */
    untrustedPod?: UntrustedPodArgs;
    /** Upper bounds on the time that each stage may take. */
    timeouts?: TimeoutsArgs;
    /**
     * Changes that stop everything on a node. They are refused at preview unless they are named here.
     * Default: none is allowed.
     */
    allowDisruption?: AllowDisruptionArgs;
}

/** Changes that stop everything on a node. */
export interface AllowDisruptionArgs {
    /**
     * Another `containerRuntime` on the node of a cluster that has just one: all its pods stop, the Kubernetes API is
     * away meanwhile, and it rejoins on the new runtime. With more nodes it is refused all the same: take the workers
     * out first, which drains them, and put them in again.
     * Default: false.
     */
    containerRuntime?: boolean;
}

/** The container runtimes that the guide knows. */
export const ContainerRuntime = {
    /** containerd: https://containerd.io */
    Containerd: "containerd",
    /** CRI-O: https://cri-o.io */
    Crio: "crio",
} as const;
/** The container runtimes that the guide knows. */
export type ContainerRuntime = (typeof ContainerRuntime)[keyof typeof ContainerRuntime];

/** Settings of Kubernetes: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/ */
export interface KubernetesArgs {
    /**
     * Version, `X.Y.Z` without a leading v: 1.36.4, 1.35.8 or 1.34.11, or any with `releases` given for it.
     * Default: "1.36.4".
     */
    version?: string;
    /**
     * Addresses of pods, IPv4 CIDR. kubeadm's `networking.podSubnet`.
     * Default: "10.244.0.0/16".
     */
    podCidr?: string;
    /**
     * Addresses of services, IPv4 CIDR. kubeadm's `networking.serviceSubnet`.
     * Default: "10.96.0.0/12".
     */
    serviceCidr?: string;
    /**
     * The pod network. With `none` you bring one yourself, by `kubeconfig` in the same program: the pod waits for it.
     * Default: "flannel".
     */
    cni?: Cni;
    /**
     * Further names and IP addresses in the API server's certificate. kubeadm's `apiServer.certSANs`.
     * Default: the address under which you reach the API.
     */
    certificateNames?: string[];
    /**
     * Host name or IP address, with an optional `:port`, at which the nodes reach the API of every control plane: a load
     * balancer or a virtual address, which you provide. kubeadm's `controlPlaneEndpoint`. Needed where
     * `machines.existing` has more than one control plane; it can't be changed later.
     * Default: the first control plane's own address, port 6443.
     */
    controlPlaneEndpoint?: pulumi.Input<string>;
}

/** Pod networks that can be installed. */
export const Cni = {
    /** flannel, by VXLAN: https://github.com/flannel-io/flannel */
    Flannel: "flannel",
    /** None: you bring one. */
    None: "none",
} as const;
/** Pod networks that can be installed. */
export type Cni = (typeof Cni)[keyof typeof Cni];

/** Settings of Kata Containers: https://github.com/kata-containers/kata-containers/tree/main/docs */
export interface KataArgs {
    /**
     * Version: 4.1.0 or 3.32.0, or any from 3.31.0 on with `releases.kata` given for it. Below 4.0.0 a warning names
     * the advisories.
     * Default: "4.1.0".
     */
    version?: string;
    /**
     * The hypervisor that runs a pod's virtual machine. `dragonball` needs the Rust shim.
     * Default: "qemu".
     */
    hypervisor?: Hypervisor;
    /**
     * Which of Kata's shims runs the pods. 4.1.0 carries the Rust one (runtime-rs) only.
     * Default: "rust" from 4.0.0 on, else "go".
     */
    shim?: KataShim;
    /**
     * Memory of a pod's virtual machine in MiB, before the pod's own limits. Kata's `default_memory`.
     * Default: 2048, and 512 on a node that is itself emulated.
     */
    guestMemoryMib?: number;
}

/** Hypervisors that Kata can run a pod on. */
export const Hypervisor = {
    /** QEMU. */
    Qemu: "qemu",
    /** Cloud Hypervisor. */
    CloudHypervisor: "clh",
    /** Dragonball, which is part of the Rust shim. */
    Dragonball: "dragonball",
} as const;
/** Hypervisors that Kata can run a pod on. */
export type Hypervisor = (typeof Hypervisor)[keyof typeof Hypervisor];

/** Kata's two shims: runtime-rs, and the older one in Go. */
export const KataShim = {
    /** runtime-rs. */
    Rust: "rust",
    /** The older one, in Go. */
    Go: "go",
} as const;
/** Kata's two shims. */
export type KataShim = (typeof KataShim)[keyof typeof KataShim];

/**
 * Trust in pods. A pod says of itself that it is untrusted by the annotation `io.kubernetes.cri.untrusted-workload:
 * "true"`, as in the guide, or by `runtimeClassName: kata`; both work on every container runtime. It then runs in a
 * virtual machine, and what would give it a part of its node is refused by the API server: host namespaces, hostPath
 * and other node volumes, hostPort, privileged containers, added capabilities, annotations that configure the runtime.
 */
export interface TrustArgs {
    /**
     * Trust in a pod that says nothing of itself: the guide's `default_workload_trust`. With `untrusted`, every pod
     * outside `trustedNamespaces` runs in Kata, whatever it says.
     * Default: "trusted".
     */
    defaultWorkloadTrust?: WorkloadTrust;
    /**
     * Namespaces beside `kube-system`, and `kube-flannel` where flannel is installed, whose pods are trusted by
     * default: those of node agents, of storage drivers, or of a pod network that you bring. Only cluster
     * administrators can make, change or delete them.
     * Default: none.
     */
    trustedNamespaces?: string[];
}

/** Levels of trust in a pod, in the guide's words: `trusted` pods run on runc, `untrusted` ones in Kata. */
export const WorkloadTrust = {
    /** On runc, beside others on the node's kernel. */
    Trusted: "trusted",
    /** In Kata, on a kernel of its own. */
    Untrusted: "untrusted",
} as const;
/** Levels of trust in a pod. */
export type WorkloadTrust = (typeof WorkloadTrust)[keyof typeof WorkloadTrust];

/** A private mirror. */
export interface MirrorArgs {
    /**
     * URL below which each download `https://host/path` is served as `<downloads>/host/path`.
     * Default: none.
     */
    downloads?: string;
    /**
     * URL of a registry which serves image `registry.k8s.io/pause` as repository `registry.k8s.io/pause`. CRI-O takes
     * one without a path only.
     * Default: none.
     */
    images?: string;
}

/** Releases to install in place of the pinned upstream ones. */
export interface ReleasesArgs {
    /** containerd: an archive with `bin/`. */
    containerd?: ReleaseArgs;
    /** runc: the binary, for containerd. */
    runc?: ReleaseArgs;
    /** CRI-O: an archive with `crio`, `pinns`, `conmon` and `runc` in `bin/`. Its minor version is Kubernetes'. */
    crio?: ReleaseArgs;
    /** CNI plugins: an archive of the plugins. */
    cniPlugins?: ReleaseArgs;
    /** crictl: an archive of the binary. */
    crictl?: ReleaseArgs;
    /** Kata Containers: a `kata-static` archive, zstd. */
    kata?: ReleaseArgs;
    /** kubeadm: the binary. */
    kubeadm?: ReleaseArgs;
    /** kubelet: the binary. */
    kubelet?: ReleaseArgs;
    /** kubectl: the binary. */
    kubectl?: ReleaseArgs;
    /**
     * Image of flanneld.
     * Default: flannel 0.28.4, by digest.
     */
    flannelImage?: string;
    /**
     * Image that installs flannel's CNI plugin.
     * Default: flannel-cni-plugin 1.9.1-flannel1, by digest.
     */
    flannelCniPluginImage?: string;
}

/** One release: what to download, and its digests. */
export interface ReleaseArgs {
    /** Version, without a leading v. */
    version: string;
    /**
     * URL, in which `{version}` and `{arch}` (amd64, arm64) are filled in.
     * Default: upstream's.
     */
    url?: string;
    /** SHA-256 by architecture. At least one is given. */
    sha256: DigestsArgs;
}

/** Digests by architecture, 64 hexadecimal digits each. */
export interface DigestsArgs {
    /**
     * For x86-64.
     * Default: none.
     */
    amd64?: string;
    /**
     * For 64-bit Arm.
     * Default: none.
     */
    arm64?: string;
}

/** Upper bounds in seconds. They are generous, for an emulated machine is many times slower than a real one. */
export interface TimeoutsArgs {
    /**
     * Making a machine, until it takes SSH.
     * Default: 1800.
     */
    machineSeconds?: number;
    /**
     * Installing everything on a node; and again as long for its joining, and for its leaving.
     * Default: 3600.
     */
    nodeSeconds?: number;
    /**
     * `kubeadm init`, and `kubeadm join` of a further control plane.
     * Default: 3600.
     */
    controlPlaneSeconds?: number;
    /**
     * A pod or a DaemonSet until it is ready.
     * Default: 1800.
     */
    podSeconds?: number;
}

/** The untrusted pod: `nginx-untrusted.yaml` of the guide, or your own. */
export interface UntrustedPodArgs {
    /**
     * Name of the pod.
     * Default: "nginx-untrusted".
     */
    name?: string;
    /**
     * Namespace of the pod. It must exist.
     * Default: "default".
     */
    namespace?: pulumi.Input<string>;
    /**
     * Labels of the pod.
     * Default: none.
     */
    labels?: pulumi.Input<{ [key: string]: pulumi.Input<string> }>;
    /**
     * Annotations, beside `io.kubernetes.cri.untrusted-workload: "true"`.
     * Default: none.
     */
    annotations?: pulumi.Input<{ [key: string]: pulumi.Input<string> }>;
    /**
     * Image of the only container. Not with `spec`.
     * Default: "nginx".
     */
    image?: pulumi.Input<string>;
    /**
     * A whole PodSpec (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec), in
     * place of `image`. Host namespaces, hostPath volumes, privileged containers and another RuntimeClass than `kata`
     * are refused.
     * Default: none.
     */
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the schema has no other word for a foreign type
    spec?: pulumi.Input<any>;
    /**
     * Seconds that the pod may take to become Ready.
     * Default: 1800.
     */
    timeoutSeconds?: number;
}
