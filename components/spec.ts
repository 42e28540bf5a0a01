import * as pulumi from "@pulumi/pulumi";
import * as semver from "semver";
import * as args from "./args";
import { containerRuntimes } from "./node/containerRuntime";
import { defaultVersions, flannelImages, kubernetesSet, kubernetesSets, ReleaseName } from "./versions";
import { resolveGcpSpec } from "./machine/gcp/gcpClusterSpec";
import { GcpSpec } from "./machine/gcp/gcpSpec";
import { gcpWarnings } from "./machine/gcp/gcpWarnings";
import { MachineSpec, resolveMachines } from "./machine/machineSpec";
import { Problems } from "./validation/problems";
import { endpoint, imageReference, podRange, positive, rfc1123Label, serviceRange, url } from "./validation/checks";
import { Release, resolveKata, resolveReleases } from "./releases";
import { resolveTrust, TrustSpec } from "./trust";
import { checkPodSpec } from "./validation/podSpec";
import { shaped } from "./validation/shape";

/** A cluster as it is going to be: every default filled in, every value checked. Plain data but for the Inputs. */
export interface ClusterSpec {
    name: string;
    machines: MachineSpec[];
    /** What machines on Google Cloud share, where they are there. */
    gcp?: GcpSpec;
    containerRuntime: args.ContainerRuntime;
    kubernetes: {
        version: string;
        podCidr: string;
        serviceCidr: string;
        cni: args.Cni;
        certificateNames: string[];
        /** As it was given: perhaps without a port. */
        controlPlaneEndpoint?: pulumi.Input<string>;
    };
    kata: KataSpec;
    trust: TrustSpec;
    mirror: { downloads?: string; images?: string };
    releases: Record<ReleaseName, Release>;
    images: { pause: string; flannel: string; flannelCniPlugin: string };
    untrustedPod: UntrustedPodSpec;
    timeouts: Required<args.TimeoutsArgs>;
    allowDisruption: Required<args.AllowDisruptionArgs>;
    /** What is allowed but not wise; shown as warnings. */
    warnings: string[];
}

/** How Kata runs the pods. */
export interface KataSpec {
    hypervisor: args.Hypervisor;
    shim: args.KataShim;
    guestMemoryMib: number;
    emulatedGuestMemoryMib: number;
}

/** The untrusted pod, with its defaults. */
export type UntrustedPodSpec = args.UntrustedPodArgs & Required<Pick<args.UntrustedPodArgs, "name" | "namespace">>;

const kataMemory = { real: 2048, emulated: 512 };

/**
 * Fills in defaults and checks everything, before anything is made.
 *
 * @throws pulumi.InputPropertiesError with all that is wrong, each with its path, the value got, what is allowed, and the fix.
 */
export function resolve(name: string, given: args.KataClusterArgs): ClusterSpec {
    const problems = new Problems(name);
    rfc1123Label(problems, "name", name, 40);
    const input = shaped<args.KataClusterArgs>(problems, "KataCluster", "", given);
    const kubernetes = resolveKubernetes(problems, input.kubernetes ?? {}, input.releases ?? {});
    const set = kubernetesSet(kubernetes.version) ?? kubernetesSets[defaultVersions.kubernetes]!;
    const kata = resolveKata(problems, input.kata ?? {}, input.releases?.kata);
    const machines = resolveMachines(problems, name, input);
    const spec: ClusterSpec = {
        name,
        machines,
        gcp: resolveGcpSpec(problems, name, input, { machines, kubernetes }),
        containerRuntime: problems.oneOf(
            "containerRuntime",
            input.containerRuntime,
            args.ContainerRuntime,
            "containerd",
        ),
        kubernetes,
        kata: {
            hypervisor: kata.hypervisor,
            shim: kata.shim,
            guestMemoryMib: input.kata?.guestMemoryMib ?? kataMemory.real,
            emulatedGuestMemoryMib: input.kata?.guestMemoryMib ?? kataMemory.emulated,
        },
        trust: resolveTrust(problems, input.trust ?? {}, kubernetes.cni),
        mirror: resolveMirror(problems, input.mirror ?? {}),
        releases: resolveReleases(problems, kubernetes.version, set, kata.version, input.releases ?? {}),
        images: { pause: `registry.k8s.io/pause:${set.pause}`, ...resolveFlannel(problems, input.releases ?? {}) },
        untrustedPod: resolveUntrustedPod(problems, input.untrustedPod ?? {}),
        timeouts: resolveTimeouts(problems, input.timeouts ?? {}),
        allowDisruption: resolveDisruptions(input.allowDisruption ?? {}),
        warnings: [...kata.warnings, ...gcpWarnings(machines)],
    };
    spec.warnings.push(...containerRuntimes[spec.containerRuntime].check(problems, spec));
    if (input.kata?.guestMemoryMib !== undefined) {
        problems.check(
            Number.isInteger(input.kata.guestMemoryMib) && input.kata.guestMemoryMib >= 256,
            "kata.guestMemoryMib",
            input.kata.guestMemoryMib,
            "a guest needs room for its kernel and agent",
            "a whole number of MiB from 256 on",
            "leave it out for the default of 2048",
        );
    }
    problems.throwIfAny();
    return spec;
}

function resolveKubernetes(
    problems: Problems,
    input: args.KubernetesArgs,
    releases: args.ReleasesArgs,
): ClusterSpec["kubernetes"] {
    const version = input.version ?? defaultVersions.kubernetes;
    const overridden = releases.kubeadm && releases.kubelet && releases.kubectl;
    problems.check(
        semver.valid(version) === version &&
            (version in kubernetesSets || (overridden && kubernetesSet(version) !== undefined)),
        "kubernetes.version",
        version,
        "not a version that can be installed",
        `${Object.keys(kubernetesSets).join(", ")}, or another patch release of these with releases.kubeadm, .kubelet and .kubectl`,
        `use "${defaultVersions.kubernetes}"`,
    );
    const podCidr = input.podCidr ?? "10.244.0.0/16";
    const serviceCidr = input.serviceCidr ?? "10.96.0.0/12";
    podRange(problems, "kubernetes.podCidr", podCidr);
    serviceRange(problems, "kubernetes.serviceCidr", serviceCidr, podCidr);
    const cni = problems.oneOf("kubernetes.cni", input.cni, args.Cni, "flannel");
    const certificateNames = input.certificateNames ?? [];
    certificateNames.forEach((entry, i) =>
        problems.check(
            /^[a-z0-9.:-]+$/.test(entry),
            `kubernetes.certificateNames[${i}]`,
            entry,
            "not a host name or IP address",
            "a DNS name or an IP address, without scheme or port",
            'for example "api.example.com"',
        ),
    );
    endpoint(problems, "kubernetes.controlPlaneEndpoint", input.controlPlaneEndpoint);
    const { controlPlaneEndpoint } = input;
    return { version, podCidr, serviceCidr, cni, certificateNames, controlPlaneEndpoint };
}

function resolveMirror(problems: Problems, input: args.MirrorArgs): ClusterSpec["mirror"] {
    const trimmed = (value: string | undefined) => value?.replace(/\/+$/, "");
    const mirror = { downloads: trimmed(input.downloads), images: trimmed(input.images) };
    for (const key of ["downloads", "images"] as const) {
        if (mirror[key] !== undefined) {
            url(problems, `mirror.${key}`, mirror[key]);
        }
    }
    return mirror;
}

function resolveFlannel(problems: Problems, input: args.ReleasesArgs): Omit<ClusterSpec["images"], "pause"> {
    imageReference(problems, "releases.flannelImage", input.flannelImage);
    imageReference(problems, "releases.flannelCniPluginImage", input.flannelCniPluginImage);
    return {
        flannel: input.flannelImage ?? flannelImages.daemon,
        flannelCniPlugin: input.flannelCniPluginImage ?? flannelImages.cniPlugin,
    };
}

function resolveUntrustedPod(problems: Problems, input: args.UntrustedPodArgs): UntrustedPodSpec {
    checkPodSpec(problems, "untrustedPod", input);
    return { ...input, name: input.name ?? "nginx-untrusted", namespace: input.namespace ?? "default" };
}

function resolveTimeouts(problems: Problems, input: args.TimeoutsArgs): ClusterSpec["timeouts"] {
    const timeouts = {
        machineSeconds: input.machineSeconds ?? 1800,
        nodeSeconds: input.nodeSeconds ?? 3600,
        controlPlaneSeconds: input.controlPlaneSeconds ?? 3600,
        podSeconds: input.podSeconds ?? 1800,
    };
    for (const [key, value] of Object.entries(timeouts)) {
        positive(problems, `timeouts.${key}`, value, 1, "not a number of seconds");
    }
    return timeouts;
}

function resolveDisruptions(input: args.AllowDisruptionArgs): ClusterSpec["allowDisruption"] {
    return { containerRuntime: input.containerRuntime ?? false };
}
