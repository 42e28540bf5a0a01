import * as pulumi from "@pulumi/pulumi";
import { ContainerRuntime } from "../args";
import { refuseUpdate } from "../refuseUpdate";
import { ClusterSpec } from "../spec";
import { runtimeNames } from "./containerRuntime";
import { stepsIn } from "./steps";

/**
 * Refuses, at preview and at `up`, to install another container runtime on a node that has one, unless the user has
 * allowed what that does to the node's pods. The command that is in the state says which one it has.
 */
export function refuseRuntimeChange(node: string, spec: ClusterSpec): pulumi.ResourceHookBinding {
    return refuseUpdate(`${node}-container-runtime`, ({ create }) => {
        const current = installedRuntime(typeof create === "string" ? create : "");
        // Each node would be changed at the same time as the others, and none drained to another.
        const allowed = spec.allowDisruption.containerRuntime && spec.machines.length === 1;
        return current && current !== spec.containerRuntime && !allowed ? refusal(spec, node, current) : undefined;
    });
}

/** The container runtime among the steps that a command runs. @internal */
export function installedRuntime(command: string): ContainerRuntime | undefined {
    const steps = stepsIn(command.split(" "));
    return runtimeNames.find((name) => steps.includes(name));
}

function refusal({ name, containerRuntime, machines }: ClusterSpec, node: string, current: ContainerRuntime): string {
    const alone = machines.length === 1;
    const lone = machines.filter(({ role }) => role === "control-plane").length === 1;
    const api = alone ? ", and the Kubernetes API with them, for it is the only control plane" : "";
    const instead = alone
        ? "or set allowDisruption: { containerRuntime: true }"
        : lone
          ? "or take the workers out of the program first, which drains them, change the control plane with " +
            "allowDisruption: { containerRuntime: true }, and put the workers in again"
          : "for several control planes are not changed one after the other";
    return (
        `KataCluster "${name}": containerRuntime = "${containerRuntime}": node ${node} runs ${current}, ` +
        `and a change stops all its pods${api}. Allowed: "${current}". ` +
        `Hint: make a new cluster with ${containerRuntime} and move the workload there, ${instead}.`
    );
}
