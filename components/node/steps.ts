import { ContainerRuntime } from "../args";
import { ClusterSpec } from "../spec";
import { runtimeNames } from "./containerRuntime";

/** A step of the node bootstrap: a script of the same name in `host/`. */
export type Step = "preflight" | "kernel" | "kata" | ContainerRuntime | "kubernetes" | "migrate" | "kubeadm";

/**
 * The steps that every node takes, in order. Kata comes before the container runtime: CRI-O drops a handler whose shim
 * is not there when it starts.
 */
export function installSteps({ containerRuntime, allowDisruption }: ClusterSpec): Step[] {
    return [
        "preflight",
        "kernel",
        "kata",
        containerRuntime,
        "kubernetes",
        ...(allowDisruption.containerRuntime ? (["migrate"] as const) : []),
    ];
}

/** What undoes them, last one first. The other runtimes too: a change of runtime may have ended half way. */
export function uninstallSteps({ containerRuntime }: ClusterSpec): Step[] {
    const others = runtimeNames.filter((name) => name !== containerRuntime);
    return ["kubernetes", ...others, containerRuntime, "kata", "kernel"];
}

/** The step that makes a control plane out of an installed node. */
export const controlPlaneSteps = ["kubeadm"] as const satisfies Step[];

/** Every step there is. */
export const allSteps: readonly Step[] = [
    "preflight",
    "kernel",
    "kata",
    ...runtimeNames,
    "kubernetes",
    "migrate",
    ...controlPlaneSteps,
];
