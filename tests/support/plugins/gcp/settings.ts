/** What `settings.json` in the fake cloud's folder says. A test may change it while it runs. */
export interface CloudSettings {
    /** Constraints of the organization that are in effect: `compute.disableNestedVirtualization`. */
    constraints?: string[];
    /**
     * Seconds from an instance's creation until its guest agent has published its host key.
     * @default 2
     */
    bootSeconds?: number;
    /**
     * What stands for an instance that has nested virtualization. Any other is a relay: an SSH server that only
     * forwards, as a bastion does.
     * @default nothing: it exists on paper only
     */
    nodes?: EndpointNodes | VmNodes;
}

/** SSH servers of a test. */
export interface EndpointNodes {
    kind: "endpoints";
    /** By the instance's name in the Pulumi program. */
    endpoints: Record<string, Endpoint>;
}

/** An SSH server on 127.0.0.1. */
export interface Endpoint {
    sshPort: number;
    /** `ssh-ed25519 AAAA…` */
    hostKey: string;
    /** Port on 127.0.0.1 of a Kubernetes API. */
    apiPort?: number;
}

/** Virtual machines on this computer, made by `components/machine/local/vm.sh`, whatever the instance's own size is. */
export interface VmNodes {
    kind: "vms";
    /** Path of a bootable image with cloud-init, qcow2. */
    image: string;
    cpus: number;
    memoryMib: number;
    diskGib: number;
    timeoutSeconds: number;
}
