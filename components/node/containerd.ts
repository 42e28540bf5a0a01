import { stringify } from "smol-toml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { kataConfiguration, kataPaths } from "./kata";
import { mirroredRegistries } from "./registries";

/** The CRI socket of containerd, as the kubelet and kubeadm name it. */
export const containerdSocket = "unix:///run/containerd/containerd.sock";

/**
 * The runtime handlers that every node has. `untrusted` is the one that containerd takes for a pod with the annotation
 * `io.kubernetes.cri.untrusted-workload: "true"`; it is Kata under another name.
 */
export const containerdHandlers = ["runc", "kata", "untrusted"] as const;

const registryDirectory = "/etc/containerd/certs.d";

/** The files of containerd that depend on the spec. */
export function containerdFiles(spec: ClusterSpec): Files {
    const mirrors = spec.mirror.images === undefined ? [] : mirroredRegistries;
    return {
        "files/etc/containerd/config.toml": containerdConfig(spec),
        ...Object.fromEntries(
            mirrors.map((registry) => [
                `files${registryDirectory}/${registry}/hosts.toml`,
                registryHosts(registry, spec.mirror.images!),
            ]),
        ),
    };
}

/**
 * The whole `config.toml`, version 3, which every containerd 2.x reads. There are no drop-ins: 2.3.0 to 2.3.4 refuse
 * to start on one of a higher version, and a file without `imports` reads none.
 * https://github.com/containerd/containerd/blob/v2.3.4/docs/cri/config.md
 */
export function containerdConfig(spec: ClusterSpec): string {
    const kata = {
        runtime_type: "io.containerd.kata.v2",
        runtime_path: kataPaths(spec.kata).shim,
        // A privileged container must not see the node's devices.
        privileged_without_host_devices: true,
        // No annotation of a pod reaches Kata: they have been the way to the node (CVE-2026-50540, CVE-2026-44210).
        pod_annotations: [],
        container_annotations: [],
        options: { ConfigPath: kataConfiguration },
    };
    const handlers: Record<(typeof containerdHandlers)[number], object> = {
        runc: { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } },
        kata,
        untrusted: kata,
    };
    return stringify({
        version: 3,
        root: "/var/lib/containerd",
        state: "/run/containerd",
        plugins: {
            "io.containerd.cri.v1.images": {
                pinned_images: { sandbox: spec.images.pause },
                registry: { config_path: registryDirectory },
            },
            "io.containerd.cri.v1.runtime": {
                cni: { bin_dirs: ["/opt/cni/bin"], conf_dir: "/etc/cni/net.d" },
                containerd: { default_runtime_name: "runc", runtimes: handlers },
            },
        },
    });
}

/** https://github.com/containerd/containerd/blob/v2.3.4/docs/hosts.md */
function registryHosts(registry: string, mirror: string): string {
    const upstream = registry === "docker.io" ? "https://registry-1.docker.io" : `https://${registry}`;
    return stringify({
        server: upstream,
        host: { [`${mirror}/v2/${registry}`]: { capabilities: ["pull", "resolve"], override_path: true } },
    });
}
