/** What a node is to the cluster. */
export const NodeRole = {
    /** It runs etcd and the Kubernetes API. */
    ControlPlane: "control-plane",
    /** It runs pods. */
    Worker: "worker",
} as const;
/** What a node is to the cluster. */
export type NodeRole = (typeof NodeRole)[keyof typeof NodeRole];

/** A taint of a Node: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
export interface TaintArgs {
    /** A qualified name, `example.com/dedicated`. */
    key: string;
    /**
     * At most 63 letters, digits, `-`, `_` and `.`.
     * Default: none.
     */
    value?: string;
    /** What becomes of pods that do not tolerate it. */
    effect: TaintEffect;
}

/** What becomes of pods that do not tolerate a taint. */
export const TaintEffect = {
    /** They are not scheduled to the node. */
    NoSchedule: "NoSchedule",
    /** They are scheduled to it where no other node takes them. */
    PreferNoSchedule: "PreferNoSchedule",
    /** They are not scheduled to it, and those that run there are evicted. */
    NoExecute: "NoExecute",
} as const;
/** What becomes of pods that do not tolerate a taint. */
export type TaintEffect = (typeof TaintEffect)[keyof typeof TaintEffect];
