import { ContainerRuntime } from "../args";
import { ClusterSpec } from "../spec";
import { runtimeNames } from "./containerRuntime";

/** A step of the node bootstrap: a script of the same name in `host/`. */
export type Step =
    | ("preflight" | "kernel" | "metadata" | "kata" | ContainerRuntime | "kubernetes" | "migrate")
    | ("kubeadm" | "images" | "key" | "join");

/**
 * The steps that every node takes, in order. Kata comes before the container runtime: CRI-O drops a handler whose shim
 * is not there when it starts. A node that is to join a cluster makes its key too, and pulls its pods' images while the
 * control plane is made.
 */
export function installSteps({ containerRuntime, allowDisruption }: ClusterSpec, joins: boolean): Step[] {
    return [
        "preflight",
        "kernel",
        "metadata",
        "kata",
        "kubernetes",
        containerRuntime,
        ...(allowDisruption.containerRuntime ? (["migrate"] as const) : []),
        ...(joins ? (["images", "key"] as const) : []),
    ];
}

/** Steps as `host/node.sh` takes them: what does not wait for each other is joined by a +. */
export function stepsAtOnce(steps: Step[]): string[] {
    const independent: Step[][] = [
        // containerd looks for a shim when a pod starts.
        ["metadata", "kata", "kubernetes", "containerd"],
        ["images", "key"],
    ];
    return steps.reduce<string[]>((words, step) => {
        const before = words.at(-1)?.split("+") ?? [];
        return independent.some((group) => [...before, step].every((one) => group.includes(one as Step)))
            ? [...words.slice(0, -1), [...before, step].filter((one) => one !== "").join("+")]
            : [...words, step];
    }, []);
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
