import { quoted } from "../shell";
import { downloadUrl } from "../releases";
import { ClusterSpec } from "../spec";
import { Digests, ReleaseName } from "../versions";
import { containerRuntimes, runtimeNames } from "./containerRuntime";
import { kataPaths } from "./kata";

/** Names under which the scripts know the programs. */
const scriptNames: Record<ReleaseName, string> = {
    containerd: "containerd",
    runc: "runc",
    crio: "crio",
    cniPlugins: "cni-plugins",
    crictl: "crictl",
    kata: "kata",
    kubeadm: "kubeadm",
    kubelet: "kubelet",
    kubectl: "kubectl",
};

/** What is installed whatever the container runtime. */
const always: readonly ReleaseName[] = ["cniPlugins", "crictl", "kata", "kubeadm", "kubelet", "kubectl"];

/** What kubeadm and Kata need at least: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/ */
const minimum = { cpus: 2, memoryMib: 1700, diskGib: 10 };

/** `node.env`: the settings that the scripts read on every node, as shell assignments. Nothing in it is secret. */
export function nodeEnvironment(spec: ClusterSpec): string {
    const { releases } = spec;
    const runtime = containerRuntimes[spec.containerRuntime];
    const kata = kataPaths(spec.kata);
    const settings: Record<string, string | number> = {
        CLUSTER_NAME: spec.name,
        CONTAINER_RUNTIME: spec.containerRuntime,
        CRI_SOCKET: runtime.socket,
        // Of all, for a node that changes from one to another.
        ...Object.fromEntries(
            runtimeNames.map((name) => [`${name.toUpperCase()}_SOCKET`, containerRuntimes[name].socket]),
        ),
        RUNTIME_HANDLERS: runtime.handlers.join(" "),
        ALLOW_RUNTIME_CHANGE: String(spec.allowDisruption.containerRuntime),
        PAUSE_IMAGE: spec.images.pause,
        KUBERNETES_VERSION: spec.kubernetes.version,
        ...Object.fromEntries(
            runtime.releases.map((name) => [`${name.toUpperCase()}_VERSION`, releases[name].version]),
        ),
        CNI_PLUGINS_VERSION: releases.cniPlugins.version,
        CRICTL_VERSION: releases.crictl.version,
        KATA_VERSION: releases.kata.version,
        KATA_SHIM: kata.shim,
        KATA_CONFIGURATION: kata.configuration,
        KATA_MEMORY_MIB: spec.kata.guestMemoryMib,
        KATA_EMULATED_MEMORY_MIB: spec.kata.emulatedGuestMemoryMib,
        MIN_CPUS: minimum.cpus,
        MIN_MEMORY_MIB: minimum.memoryMib,
        MIN_DISK_GIB: minimum.diskGib,
        STEP_TIMEOUT_SECONDS: spec.timeouts.nodeSeconds,
    };
    return assignments(settings);
}

/** `name.env`: what only this node is told. */
export function nodeName(node: string): string {
    return assignments({ NODE_NAME: node });
}

function assignments(settings: Record<string, string | number>): string {
    return Object.entries(settings)
        .map(([key, value]) => `${key}=${quoted(String(value))}\n`)
        .join("");
}

/** `downloads`: a line for each program and architecture, tab separated: name, version, architecture, sha256, URL. */
export function downloads(spec: ClusterSpec): string {
    return [...containerRuntimes[spec.containerRuntime].releases, ...always]
        .flatMap((name) => {
            const release = spec.releases[name];
            const archs = (["amd64", "arm64"] as (keyof Digests)[]).filter((arch) => release.sha256[arch]);
            return archs.map((arch) =>
                [
                    scriptNames[name],
                    release.version,
                    arch,
                    release.sha256[arch],
                    downloadUrl(release, arch, spec.mirror.downloads),
                ].join("\t"),
            );
        })
        .map((line) => line + "\n")
        .join("");
}
