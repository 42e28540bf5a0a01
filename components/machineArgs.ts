import * as pulumi from "@pulumi/pulumi";
import { GcpMachinesArgs } from "./gcpArgs";
import { TaintArgs } from "./nodeArgs";

export * from "./gcpArgs";
export * from "./nodeArgs";

/** Where machines come from. Exactly one member is given. */
export interface MachinesArgs {
    /** A QEMU virtual machine on the computer that runs `pulumi`. */
    local?: LocalMachineArgs;
    /** Machines that exist already and take SSH. */
    existing?: ExistingMachinesArgs;
    /** Virtual machines on Google Cloud. */
    gcp?: GcpMachinesArgs;
}

/** A QEMU virtual machine with user networking, whose ports are forwarded on 127.0.0.1 only. */
export interface LocalMachineArgs {
    /**
     * Virtual CPUs. kubeadm wants 2 or more.
     * Default: 2.
     */
    cpus?: number;
    /**
     * Memory in MiB. Kata guests take theirs out of it.
     * Default: 6144.
     */
    memoryMib?: number;
    /**
     * Size of the disk in GiB. It can grow later, not shrink.
     * Default: 30.
     */
    diskGib?: number;
    /**
     * The disk image that the machine boots: Debian 12/13 or Ubuntu 22.04/24.04 with cloud-init.
     * Default: the pinned Debian 12 cloud image.
     */
    image?: MachineImageArgs;
    /**
     * The port on 127.0.0.1 that leads to the machine's SSH server.
     * Default: 22022.
     */
    sshPort?: number;
    /**
     * The port on 127.0.0.1 that leads to the Kubernetes API.
     * Default: 26443.
     */
    apiPort?: number;
    /**
     * How QEMU runs the machine. `auto` takes KVM if a probe guest really starts on it with nested virtualization,
     * else TCG with a warning.
     * Default: "auto".
     */
    accelerator?: Accelerator;
    /**
     * Further virtual machines, which join as workers. They boot the same image, and share a network segment with the
     * control plane that exists on this computer's loopback interface only.
     * Default: none.
     */
    workers?: LocalWorkersArgs;
}

/**
 * Virtual machines that join as workers. Number i is named `CLUSTER-worker-i`, for ever: a smaller count removes the
 * last ones. Its SSH server is at `sshPort + 1 + i` on 127.0.0.1.
 */
export interface LocalWorkersArgs {
    /**
     * How many, from 0 to 100.
     * Default: 0.
     */
    count?: number;
    /**
     * Virtual CPUs of each.
     * Default: 2.
     */
    cpus?: number;
    /**
     * Memory of each in MiB. Kata guests take theirs out of it.
     * Default: 4096.
     */
    memoryMib?: number;
    /**
     * Size of each one's disk in GiB. It can grow later, not shrink.
     * Default: 30.
     */
    diskGib?: number;
    /**
     * Labels of their Nodes.
     * Default: none.
     */
    labels?: { [key: string]: string };
    /**
     * Taints of their Nodes.
     * Default: none.
     */
    taints?: TaintArgs[];
}

/** How QEMU runs a machine: https://www.qemu.org/docs/master/system/introduction.html#virtualisation-accelerators */
export const Accelerator = {
    /** KVM where a probe guest starts, else TCG. */
    Auto: "auto",
    /** Hardware virtualization. */
    Kvm: "kvm",
    /** Emulation, many times slower. */
    Tcg: "tcg",
} as const;
/** How QEMU runs a machine. */
export type Accelerator = (typeof Accelerator)[keyof typeof Accelerator];

/** A disk image: either a path, or a URL with its digest. */
export interface MachineImageArgs {
    /**
     * Path of a qcow2 or raw image on the computer that runs `pulumi`. It is never written to.
     * Default: none.
     */
    path?: string;
    /**
     * URL of a qcow2 or raw image. Needs `sha256` or `sha512`.
     * Default: none.
     */
    url?: string;
    /**
     * SHA-256 of what `url` serves, 64 hexadecimal digits.
     * Default: none.
     */
    sha256?: string;
    /**
     * SHA-512 of what `url` serves, 128 hexadecimal digits.
     * Default: none.
     */
    sha512?: string;
}

/** Machines that exist already. On delete they are reset: what was installed is removed, the machine stays. */
export interface ExistingMachinesArgs {
    /**
     * The control plane's machines: 1, 3 or 5. The first one is where the cluster begins: it stays the first. With more
     * than one, `kubernetes.controlPlaneEndpoint` leads to all of them.
     */
    controlPlanes: ExistingMachineArgs[];
    /**
     * The machines that join as workers. With none, the pods run on the control planes.
     * Default: none.
     */
    workers?: ExistingMachineArgs[];
}

/** A machine that takes SSH by a user who is root or has password-free sudo. */
export interface ExistingMachineArgs {
    /**
     * The node's name: an RFC 1123 label. The machine's resources are named after it, so give names where machines
     * may leave the middle of a list.
     * Default: the cluster's name, then `-control-plane-` or `-worker-` and its place in the list, from 0.
     */
    name?: string;
    /** Host name or IP address at which both SSH and the Kubernetes API are reached. */
    address: pulumi.Input<string>;
    /**
     * SSH port.
     * Default: 22.
     */
    port?: number;
    /**
     * Login user.
     * Default: "root".
     */
    user?: string;
    /**
     * Private key in PEM or OpenSSH form. It is kept as a secret. One of `privateKey` and `password` is needed.
     * Default: none.
     */
    privateKey?: pulumi.Input<string>;
    /**
     * Password of the private key. It is kept as a secret.
     * Default: none.
     */
    privateKeyPassword?: pulumi.Input<string>;
    /**
     * Login password. It is kept as a secret.
     * Default: none.
     */
    password?: pulumi.Input<string>;
    /**
     * The machine's public host key as in known_hosts, `ssh-ed25519 AAAA…`. Needed unless `hostKeyPolicy` says else.
     * Default: none.
     */
    hostKey?: pulumi.Input<string>;
    /**
     * What to trust. `trust-on-first-use` takes the key that the machine shows at the first `up`, and pins that.
     * Default: "pinned".
     */
    hostKeyPolicy?: HostKeyPolicy;
    /** A bastion through which the machine is reached. */
    bastion?: BastionArgs;
    /**
     * Host name or IP address, with an optional `:port`, under which you reach the Kubernetes API.
     * It is asked of the first control plane only.
     * Default: `kubernetes.controlPlaneEndpoint`, or else `address`, port 6443.
     */
    apiAddress?: pulumi.Input<string>;
    /**
     * The IP address by which the nodes reach this one: kubelet's `--node-ip`, and what a control plane advertises.
     * Default: the address of the interface that has the default route.
     */
    internalAddress?: pulumi.Input<string>;
    /**
     * Labels of its Node.
     * Default: none.
     */
    labels?: { [key: string]: string };
    /**
     * Taints of its Node. A control plane has kubeadm's own too, `node-role.kubernetes.io/control-plane:NoSchedule`,
     * while the cluster has workers.
     * Default: none.
     */
    taints?: TaintArgs[];
}

/** What is trusted as a machine's identity. */
export const HostKeyPolicy = {
    /** The key that is given, and no other. */
    Pinned: "pinned",
    /** The key that the machine shows at the first `up`. */
    TrustOnFirstUse: "trust-on-first-use",
} as const;
/** What is trusted as a machine's identity. */
export type HostKeyPolicy = (typeof HostKeyPolicy)[keyof typeof HostKeyPolicy];

/** An SSH host that connections to a machine go through. */
export interface BastionArgs {
    /** Host name or IP address. */
    address: pulumi.Input<string>;
    /**
     * SSH port.
     * Default: 22.
     */
    port?: number;
    /**
     * Login user.
     * Default: "root".
     */
    user?: string;
    /**
     * Private key in PEM or OpenSSH form. It is kept as a secret. One of `privateKey` and `password` is needed.
     * Default: none.
     */
    privateKey?: pulumi.Input<string>;
    /**
     * Password of the private key. It is kept as a secret.
     * Default: none.
     */
    privateKeyPassword?: pulumi.Input<string>;
    /**
     * Login password. It is kept as a secret.
     * Default: none.
     */
    password?: pulumi.Input<string>;
    /** The bastion's public host key, `ssh-ed25519 AAAA…`. */
    hostKey: pulumi.Input<string>;
}
