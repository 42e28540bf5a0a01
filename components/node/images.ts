import { NodeRole } from "../args";
import { ClusterSpec } from "../spec";
import { podImages } from "../workload/podImages";

/** A node, as far as it decides which pods will run on it. */
export interface NodePlace {
    name: string;
    role: NodeRole;
    /** Whether it joins a cluster that is there, and is not the one that it begins on. */
    joins: boolean;
}

/** `images`: those that a node's pods will want and that kubeadm does not pull for them, a line for each. */
export function nodeImages(spec: ClusterSpec, { role, joins }: NodePlace): string {
    const { kubernetes, images, untrustedPod } = spec;
    // What is not trusted is not even unpacked on a control plane that has workers.
    const forUntrusted = role === "worker" || spec.machines.length === 1;
    const wanted = [
        // A control plane's are known to kubeadm: images.sh asks it.
        ...(joins && role === "worker" ? [images.pause, `registry.k8s.io/kube-proxy:v${kubernetes.version}`] : []),
        ...(kubernetes.cni === "flannel" ? [images.flannelCniPlugin, images.flannel] : []),
        ...(forUntrusted ? podImages(untrustedPod) : []),
    ];
    return [...new Set(wanted)].map((image) => `${image}\n`).join("");
}
