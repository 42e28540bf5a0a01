import * as semver from "semver";
import { stringify } from "smol-toml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { Problems } from "../validation/problems";
import { kataConfiguration, kataPaths } from "./kata";
import { mirroredRegistries } from "./registries";

/** The CRI socket of CRI-O, as the kubelet and kubeadm name it. */
export const crioSocket = "unix:///var/run/crio/crio.sock";

/** The runtime handlers that every node has. CRI-O has no annotation that names one (since 1.14). */
export const crioHandlers = ["runc", "kata"] as const;

/** Where the programs of CRI-O's release are: a folder of our own, for containerd has another runc. */
const programs = "/usr/local/libexec/crio";

/** CRI-O's images and containers; not in /var/lib/containers, which other tools share. */
const storage = { root: "/var/lib/crio/storage", runroot: "/run/crio/storage" };

const signaturePolicy = "/etc/crio/policy.json";

/** The files of CRI-O that depend on the spec. */
export function crioFiles(spec: ClusterSpec): Files {
    return {
        "files/etc/crio/crio.conf.d/50-kata.conf": crioConfig(spec),
        // As in CRI-O's own release. What a node's other tools trust is left alone.
        [`files${signaturePolicy}`]: '{ "default": [{ "type": "insecureAcceptAnything" }] }\n',
        "files/etc/containers/registries.conf.d/50-kata-cluster.conf": registriesConfig(spec.mirror.images),
    };
}

/**
 * The drop-in that holds all of CRI-O's settings. CRI-O ignores a key that it does not know without a word, and drops a
 * handler that it finds wrong with a warning; so the scripts ask the running CRI-O for each line of it.
 * https://github.com/cri-o/cri-o/blob/v1.36.3/docs/crio.conf.5.md
 */
export function crioConfig(spec: ClusterSpec): string {
    const handlers: Record<(typeof crioHandlers)[number], object> = {
        runc: {
            runtime_type: "oci",
            runtime_path: `${programs}/runc`,
            runtime_root: "/run/runc",
            monitor_path: `${programs}/conmon`,
            monitor_cgroup: "system.slice",
            monitor_env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        kata: {
            runtime_type: "vm",
            runtime_path: kataPaths(spec.kata).shim,
            runtime_root: "/run/vc",
            runtime_config_path: kataConfiguration,
            // A privileged container must not see the node's devices.
            privileged_without_host_devices: true,
            // An emulated guest takes minutes to boot. Known since 1.35; before, the kubelet's own limit is all there is.
            ...(semver.gte(spec.releases.crio.version, "1.35.0") ? { container_create_timeout: 600 } : {}),
        },
    };
    return stringify({
        crio: {
            ...storage,
            storage_driver: "overlay",
            // Kata's shim has mounts of its own, and must see the root file systems that CRI-O mounts later.
            storage_option: ["overlay.skip_mount_home=true"],
            api: { listen: crioSocket.replace("unix://", "") },
            runtime: {
                // CRI-O's own choice is crun. It keeps that as a handler, and drops it for want of the program.
                default_runtime: "runc",
                cgroup_manager: "systemd",
                // As containerd has it, so that the same pods run on both: a process need not be root for port 80.
                default_sysctls: ["net.ipv4.ip_unprivileged_port_start=0"],
                pinns_path: `${programs}/pinns`,
                runtimes: handlers,
            },
            image: { pause_image: spec.images.pause, signature_policy: signaturePolicy },
            network: { network_dir: "/etc/cni/net.d", plugin_dirs: ["/opt/cni/bin"] },
        },
    });
}

/**
 * Short names such as the guide's `nginx` are Docker Hub's, and images come from the mirror first.
 * https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 */
function registriesConfig(mirror: string | undefined): string {
    const from = (registry: string, url: URL) => ({
        location: registry,
        mirror: [{ location: `${url.host}/${registry}`, insecure: url.protocol === "http:" }],
    });
    return stringify({
        "unqualified-search-registries": ["docker.io"],
        ...(mirror === undefined
            ? {}
            : { registry: mirroredRegistries.map((registry) => from(registry, new URL(mirror))) }),
    });
}

/** Checks what only CRI-O asks for; gives what is allowed but not wise. */
export function checkCrio(problems: Problems, spec: ClusterSpec): string[] {
    const { images } = spec.mirror;
    if (images !== undefined && URL.canParse(images)) {
        problems.check(
            new URL(images).pathname === "/",
            "mirror.images",
            images,
            "CRI-O names a registry by host and port alone",
            "a URL without a path",
            `use "${new URL(images).origin}", or containerRuntime "containerd"`,
        );
    }
    return checkSkew(problems, spec.releases.crio.version, spec.kubernetes.version);
}

/** CRI-O is released with Kubernetes, minor by minor, and supports one to either side at most. */
function checkSkew(problems: Problems, crio: string, kubernetes: string): string[] {
    const [own, wanted] = [semver.parse(crio), semver.parse(kubernetes)];
    if (!own || !wanted) {
        return [];
    }
    const skew = own.major === wanted.major ? Math.abs(own.minor - wanted.minor) : Infinity;
    const minor = `${wanted.major}.${wanted.minor}`;
    problems.check(
        skew <= 1,
        "releases.crio.version",
        crio,
        `Kubernetes ${kubernetes} does not work with this CRI-O`,
        `${minor}.x`,
        `give the release of CRI-O ${minor}, or leave it out`,
    );
    return skew === 1
        ? [`releases.crio.version = "${crio}": made for another Kubernetes than ${kubernetes}; ${minor}.x is safer.`]
        : [];
}
