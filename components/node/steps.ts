/** The steps that every node takes, in order; each is a script of the same name in `host/`. */
export const installSteps = ["preflight", "kernel", "containerd", "kata", "kubernetes"] as const;

/** The step that makes a control plane out of an installed node. */
export const controlPlaneSteps = ["kubeadm"] as const;

/** A step of the node bootstrap. */
export type Step = (typeof installSteps)[number] | (typeof controlPlaneSteps)[number];

/** The same steps, last one first, but for those that change nothing. */
export function inReverse(steps: readonly Step[]): Step[] {
    return steps.filter((step) => step !== "preflight").reverse();
}
