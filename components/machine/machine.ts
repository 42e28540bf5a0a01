import * as pulumi from "@pulumi/pulumi";
import { types } from "@pulumi/command";

/** What the later stages need of a machine, wherever it comes from. */
export interface Machine {
    /** Name of the machine and of its node. */
    name: string;
    /** How to reach it by SSH. */
    connection: pulumi.Input<types.input.remote.ConnectionArgs>;
    /** `host:port` under which the user reaches a Kubernetes API that runs on it. */
    apiAddress: pulumi.Input<string>;
    /**
     * The resource that the machine lives and dies with, for machines that we made. What is installed on such a
     * machine is never removed step by step. An existing machine has none: its steps are undone on delete.
     */
    owner?: pulumi.Resource;
    /** What must be there before the machine can be reached. */
    dependsOn: pulumi.Resource[];
}

/** What users call an API server on this machine by, for its certificate. */
export function certificateNames(machine: Machine): pulumi.Output<string[]> {
    return pulumi.output(machine.apiAddress).apply((address) => {
        const host = address.replace(/:\d+$/, "");
        return host === "127.0.0.1" ? [host, "localhost"] : [host];
    });
}
