import { ContainerRuntime } from "../args";
import { ClusterSpec } from "../spec";
import { runtimeNames } from "./containerRuntime";

/** A step of the node bootstrap: a script of the same name in `host/`. */
export type Step =
    | ("preflight" | "kernel" | "metadata" | "kata" | ContainerRuntime | "kubernetes" | "migrate")
    | ("kubeadm" | "images" | "key" | "join");

/**
 * The steps that every node takes, as `host/node.sh` takes them: what a + joins runs at the same time, what a comma joins
 * one after the other. Images are pulled as soon as there is a container runtime, mostly while Kata is unpacked. A node
 * that is to join a cluster makes its key too.
 */
export function installSteps({ containerRuntime, allowDisruption }: ClusterSpec, joins: boolean): string[] {
    const migrates = allowDisruption.containerRuntime;
    const runtime: Step[] = [containerRuntime, ...(migrates ? (["migrate"] as const) : []), "images"];
    const others: Step[][] = [["metadata"], ["kata"], ["kubernetes"], ...(joins ? [["key"] as Step[]] : [])];
    // containerd looks for a shim when a pod starts. CRI-O drops a handler whose shim is not there when it starts itself,
    // and whoever takes over running pods needs all of Kata.
    return containerRuntime === "containerd" && !migrates
        ? ["preflight", "kernel", atOnce([...others, runtime])]
        : ["preflight", "kernel", atOnce(others), atOnce([runtime])];
}

function atOnce(chains: Step[][]): string {
    return chains.map((chain) => chain.join(",")).join("+");
}

/** The steps that a command names. */
export function stepsIn(words: string[]): string[] {
    return words.flatMap((word) => word.split(/[+,]/));
}

/**
 * What undoes them, last one first. The other runtimes too: a change of runtime may have ended half way. A node that
 * joined leaves its cluster first; by then its pods are elsewhere and its Node is deleted.
 */
export function uninstallSteps({ containerRuntime }: ClusterSpec, joins: boolean): Step[] {
    const others = runtimeNames.filter((name) => name !== containerRuntime);
    return [...(joins ? joinSteps : []), "kubernetes", ...others, containerRuntime, "kata", "metadata", "kernel"];
}

/** The step that makes a control plane out of an installed node. */
export const controlPlaneSteps = ["kubeadm"] as const satisfies Step[];

/** The step that makes a member of a cluster out of an installed node. */
export const joinSteps = ["join"] as const satisfies Step[];

/** Every step there is. */
export const allSteps: readonly Step[] = [
    "preflight",
    "kernel",
    "metadata",
    "kata",
    ...runtimeNames,
    "kubernetes",
    "migrate",
    ...controlPlaneSteps,
    "images",
    "key",
    ...joinSteps,
];
