import * as pulumi from "@pulumi/pulumi";
import { TaintArgs } from "./nodeArgs";

/**
 * Machines on Google Cloud and all that they need there: a network of their own, firewall rules, a way out to the
 * internet, addresses, and virtual machines with nested virtualization and no service account.
 */
export interface GcpMachinesArgs {
    /**
     * Project to make everything in.
     * @default the provider's, `gcp:project`
     */
    project?: string;
    /** Region, as `gcloud compute regions list` names it: `europe-west4`. */
    region: string;
    /**
     * Zones of the region. The machines of every pool are spread over them in this order, one after the other.
     * @default the region's zone b, which every region has
     */
    zones?: string[];
    /** The control planes. */
    controlPlane?: GcpControlPlaneArgs;
    /**
     * Pools of machines that join as workers.
     * @default none: the control plane runs the pods
     */
    workerPools?: GcpWorkerPoolArgs[];
    /** The network. */
    network?: GcpNetworkArgs;
    /** How the machines are reached by SSH. */
    ssh: GcpSshArgs;
    /** How you reach the Kubernetes API. */
    api: GcpApiArgs;
    /**
     * Labels of every resource that can have some: https://cloud.google.com/compute/docs/labeling-resources
     * @default `kata-cluster: NAME`, which is always there too
     */
    labels?: { [key: string]: string };
}

/** What the machines of a pool have. */
export interface GcpPoolArgs {
    /**
     * Machine type. Its family must have nested virtualization: of Intel, not E2 and not memory-optimized.
     * https://cloud.google.com/compute/docs/instances/nested-virtualization/overview#restrictions
     * @default "n2-standard-4"
     */
    machineType?: string;
    /**
     * Least CPU platform, for N1 only, where nested virtualization needs Haswell.
     * @default "Intel Haswell" for N1
     */
    minCpuPlatform?: string;
    /**
     * Family of public images, Debian or Ubuntu LTS. The image is taken when a machine is made; a newer one of its
     * family changes no machine that is there.
     * @default "ubuntu-2404-lts-amd64"
     */
    imageFamily?: GcpImageFamily;
    /**
     * Size of the boot disk in GiB. Another size makes another machine in place of the old one, as another `diskType`
     * does.
     * @default 50
     */
    diskGib?: number;
    /**
     * Type of the boot disk.
     * @default "hyperdisk-balanced" for the families that take no Persistent Disk, else "pd-balanced"
     */
    diskType?: GcpDiskType;
    /**
     * Zones of this pool, in place of `machines.gcp.zones`.
     * @default `machines.gcp.zones`
     */
    zones?: string[];
    /** Labels of the Nodes. */
    labels?: { [key: string]: string };
    /** Taints of the Nodes. */
    taints?: TaintArgs[];
}

/** The control planes. Number i is named `CLUSTER-control-plane-i`, for ever. */
export interface GcpControlPlaneArgs extends GcpPoolArgs {
    /**
     * How many: 1, 3 or 5. More than one are reached through a load balancer. A cluster that began with one stays with
     * one, for its nodes know its address.
     * @default 1
     */
    count?: number;
    /**
     * Whether Google Cloud refuses to delete the machines, also for a change that would replace them: etcd is on them.
     * Set it to false, `pulumi up`, and then destroy.
     * @default true
     */
    deletionProtection?: boolean;
}

/** A pool of workers. Number i is named `CLUSTER-POOL-i`, for ever: a smaller count removes the last ones. */
export interface GcpWorkerPoolArgs extends GcpPoolArgs {
    /** Name of the pool, a DNS label: `worker`. */
    name: string;
    /**
     * How many, from 0 to 100.
     * @default 1
     */
    count?: number;
    /**
     * Whether they are Spot VMs: cheap, and taken away by Google Cloud at any time.
     * https://cloud.google.com/compute/docs/instances/spot
     * @default false
     */
    spot?: boolean;
}

/** The network that is made for the machines. */
export interface GcpNetworkArgs {
    /**
     * The machines' addresses, IPv4 CIDR, a private range that overlaps neither pods nor services. They have no
     * secondary ranges: pods are on flannel's overlay.
     * @default "10.80.0.0/20"
     */
    subnetCidr?: string;
    /**
     * Addresses for the load balancer in front of several control planes, IPv4 CIDR of /26 or larger.
     * @default "10.80.16.0/23"
     */
    proxySubnetCidr?: string;
    /**
     * Allows `0.0.0.0/0`, and all of a shorter prefix than /8, in `ssh.sourceRanges` and `api.sourceRanges`: anybody on
     * the internet may then try to log in, and reaches the Kubernetes API.
     * @default false
     */
    dangerouslyAllowTheWholeInternet?: boolean;
}

/** How the machines are reached by SSH. None but the bastion ever has a public address for it. */
export interface GcpSshArgs {
    /**
     * By which way. `bastion`: a small machine with a public address, through which the others are reached. `iap`: the
     * same without a public address; you run `gcloud compute start-iap-tunnel BASTION 22
     * --local-host-port=localhost:PORT` beside Pulumi. `direct`: by their internal addresses, for a Pulumi that runs in
     * the network or is connected to it.
     * @default "bastion"
     */
    via?: GcpSshPath;
    /** For `bastion` and `direct`: the ranges, IPv4 CIDR, that port 22 takes connections from. */
    sourceRanges?: string[];
    /**
     * For `iap`: the port on 127.0.0.1 that the tunnel listens on.
     * @default 22122
     */
    tunnelPort?: number;
    /**
     * Machine type of the bastion. It needs no nested virtualization.
     * @default "e2-micro"
     */
    bastionMachineType?: string;
    /**
     * Login user. It may use sudo without a password.
     * @default "kata"
     */
    user?: string;
    /**
     * Your private key in PEM or OpenSSH form, with `publicKey`. It is kept as a secret.
     * @default a key that is made at the first `up`, and kept as a secret
     */
    privateKey?: pulumi.Input<string>;
    /** The public key that belongs to `privateKey`, `ssh-ed25519 AAAA…`. */
    publicKey?: pulumi.Input<string>;
}

/** How you reach the Kubernetes API. */
export interface GcpApiArgs {
    /**
     * Whether it has a public address. Else it is reached by its internal one, by a Pulumi that runs in the network or is
     * connected to it.
     * @default true
     */
    public?: boolean;
    /** The ranges, IPv4 CIDR, that port 6443 takes connections from, beside the nodes. */
    sourceRanges: string[];
}

/** Ways to a machine's SSH server. */
export const GcpSshPath = { Bastion: "bastion", Iap: "iap", Direct: "direct" } as const;
/** Ways to a machine's SSH server. */
export type GcpSshPath = (typeof GcpSshPath)[keyof typeof GcpSshPath];

/** Families of public images: `gcloud compute images list`. */
export const GcpImageFamily = {
    Ubuntu2404: "ubuntu-2404-lts-amd64",
    Ubuntu2204: "ubuntu-2204-lts",
    Debian12: "debian-12",
    Debian13: "debian-13",
} as const;
/** Families of public images. */
export type GcpImageFamily = (typeof GcpImageFamily)[keyof typeof GcpImageFamily];

/** Types of boot disk: https://cloud.google.com/compute/docs/disks */
export const GcpDiskType = {
    Balanced: "pd-balanced",
    Ssd: "pd-ssd",
    Standard: "pd-standard",
    HyperdiskBalanced: "hyperdisk-balanced",
} as const;
/** Types of boot disk. */
export type GcpDiskType = (typeof GcpDiskType)[keyof typeof GcpDiskType];
