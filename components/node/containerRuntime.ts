import { ContainerRuntime } from "../args";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { Problems } from "../validation/problems";
import { ReleaseName } from "../versions";
import { containerdFiles, containerdHandlers, containerdSocket } from "./containerd";
import { checkCrio, crioFiles, crioHandlers, crioSocket } from "./crio";

/** All that differs between the container runtimes. Its name is also that of its script, its step and its service. */
export interface RuntimeTraits {
    /** The CRI socket, as the kubelet and kubeadm name it. */
    socket: string;
    /** The runtime handlers that every node has. */
    handlers: readonly string[];
    /**
     * The runtime handler of RuntimeClass `kata`. On containerd it is `untrusted`, which is Kata under another name:
     * that is the only handler which containerd takes beside the guide's annotation, so a pod may have both, and every
     * pod in a virtual machine gets its overhead. CRI-O knows no such rule.
     * https://github.com/containerd/containerd/blob/v2.3.4/internal/cri/config/config.go#L731
     */
    kataHandler: string;
    /** The releases that it is installed from. */
    releases: readonly ReleaseName[];
    /** Its files that depend on the spec. */
    files: (spec: ClusterSpec) => Files;
    /** Checks what only it asks for; gives what is allowed but not wise. */
    check: (problems: Problems, spec: ClusterSpec) => string[];
}

/** The container runtimes, by name. */
export const containerRuntimes: Record<ContainerRuntime, RuntimeTraits> = {
    containerd: {
        socket: containerdSocket,
        handlers: containerdHandlers,
        kataHandler: "untrusted",
        releases: ["containerd", "runc"],
        files: containerdFiles,
        check: () => [],
    },
    crio: {
        socket: crioSocket,
        handlers: crioHandlers,
        kataHandler: "kata",
        releases: ["crio"],
        files: crioFiles,
        check: checkCrio,
    },
};

/** The names of the container runtimes. */
export const runtimeNames = Object.keys(containerRuntimes) as ContainerRuntime[];

/** The files of the chosen runtime, and what points crictl at it. */
export function runtimeFiles(spec: ClusterSpec): Files {
    const { socket, files } = containerRuntimes[spec.containerRuntime];
    return {
        "files/etc/crictl.yaml": `runtime-endpoint: ${socket}\nimage-endpoint: ${socket}\ntimeout: 60\n`,
        ...files(spec),
    };
}
