import * as pulumi from "@pulumi/pulumi";
import { types } from "@pulumi/command";
import { NodeRole, TaintArgs } from "../machineArgs";

/** What the later stages need of a machine, wherever it comes from. */
export interface Machine {
    /** Name of the machine and of its node. */
    name: string;
    /** What its node is to the cluster. */
    role: NodeRole;
    /** Labels of its Node, beside those that every node gets. */
    labels: Record<string, string>;
    /** Taints of its Node. */
    taints: TaintArgs[];
    /** The node's own address among the nodes. Without it kubelet takes the one with the default route. */
    internalAddress?: pulumi.Input<string>;
    /** How to reach it by SSH. */
    connection: pulumi.Input<types.input.remote.ConnectionArgs>;
    /** `host:port` under which the user reaches a Kubernetes API that runs on it. */
    apiAddress: pulumi.Input<string>;
    /**
     * The resource that the machine lives and dies with, for machines that we made. What is installed on such a
     * machine is never removed step by step. An existing machine has none: its steps are undone on delete.
     */
    owner?: pulumi.Resource;
    /**
     * Which start of the machine is wanted, where we start it: 1 is the first. After another one its API serves only some
     * time after SSH does.
     */
    boot?: number;
    /** What must be there before the machine can be reached. */
    dependsOn: pulumi.Resource[];
}

/** The machines of a cluster. */
export interface Machines {
    /** Control planes come first. */
    machines: Machine[];
    /**
     * `host:port` at which the nodes reach the API of every control plane. Without one they take that of the only
     * control plane.
     */
    controlPlaneEndpoint?: pulumi.Input<string>;
}

/** What users call an API server on this machine by, for its certificate. */
export function certificateNames(machine: Machine): pulumi.Output<string[]> {
    return pulumi.output(machine.apiAddress).apply((address) => {
        const host = hostOf(address);
        return host === "127.0.0.1" ? [host, "localhost"] : [host];
    });
}

/** An address with the API's own port where it names none. */
export function withApiPort(address: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.output(address).apply((given) => (/:\d+$/.test(given) ? given : `${given}:6443`));
}

/** The host of `host:port`. */
export function hostOf(address: string): string {
    return address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}
