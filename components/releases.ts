import * as semver from "semver";
import * as args from "./args";
import { Problems } from "./validation/problems";
import { url } from "./validation/checks";
import {
    defaultVersions,
    Digests,
    KubernetesSet,
    minimumKata,
    ReleaseName,
    releaseTables,
    saferKata,
} from "./versions";

/** One program at one version: where it is downloaded from, and its digests. */
export interface Release {
    version: string;
    /** `{version}` is filled in, `{arch}` is left for the node to fill in. */
    url: string;
    sha256: Digests;
}

/** Kata's version and how it runs pods. */
export interface ResolvedKata {
    version: string;
    hypervisor: args.Hypervisor;
    shim: args.KataShim;
    warnings: string[];
}

/** Checks Kata's version and hypervisor, and chooses the shim. */
export function resolveKata(problems: Problems, input: args.KataArgs, release?: args.ReleaseArgs): ResolvedKata {
    const version = input.version ?? release?.version ?? defaultVersions.kata;
    const known = Object.keys(releaseTables.kata.sha256);
    const valid = problems.check(
        semver.valid(version) === version && (known.includes(version) || release?.version === version),
        "kata.version",
        version,
        "no release of it is pinned",
        `${known.join(", ")}, or any from ${minimumKata} on with releases.kata of the same version`,
        `use "${defaultVersions.kata}"`,
    );
    const safe =
        valid &&
        problems.check(
            semver.gte(version, minimumKata),
            "kata.version",
            version,
            "a pod can take over its node: CVE-2026-44210, CVE-2026-47243",
            `${minimumKata} or newer`,
            `use "${defaultVersions.kata}"`,
        );
    const hypervisor = problems.oneOf("kata.hypervisor", input.hypervisor, args.Hypervisor, "qemu");
    const rustByDefault = !safe || semver.gte(version, saferKata);
    const shim = problems.oneOf("kata.shim", input.shim, args.KataShim, rustByDefault ? "rust" : "go");
    problems.check(
        hypervisor !== "dragonball" || shim === "rust",
        "kata.hypervisor",
        hypervisor,
        "it is built into the Rust shim",
        '"qemu" or "clh" with kata.shim "go"',
        'set kata.shim to "rust"',
    );
    problems.check(
        !(shim === "go" && valid && semver.gte(version, "4.1.0") && !release),
        "kata.shim",
        shim,
        "the kata-static release has carried the Rust shim only since 4.1.0",
        '"rust", or "go" with a kata-go-static archive in releases.kata',
        'leave it out for "rust"',
    );
    const warnings =
        safe && semver.lt(version, saferKata)
            ? [
                  `kata.version = "${version}": CVE-2026-50540 is open below ${saferKata}. No pod annotation is passed on to Kata here, which closes the known way in; ${defaultVersions.kata} is safer.`,
              ]
            : [];
    return { version, hypervisor, shim, warnings };
}

/** The releases to install: the user's where there are any, else the pinned ones. */
export function resolveReleases(
    problems: Problems,
    kubernetes: string,
    set: KubernetesSet,
    kata: string,
    input: args.ReleasesArgs,
): Record<ReleaseName, Release> {
    const versions: Record<ReleaseName, string> = {
        containerd: defaultVersions.containerd,
        runc: defaultVersions.runc,
        crio: set.crio,
        cniPlugins: defaultVersions.cniPlugins,
        crictl: set.crictl,
        kata,
        kubeadm: kubernetes,
        kubelet: kubernetes,
        kubectl: kubernetes,
    };
    const entries = (Object.keys(versions) as ReleaseName[]).map((name) => {
        const own = input[name];
        const release: Release = own
            ? { version: own.version, url: own.url ?? releaseTables[name].url, sha256: { ...own.sha256 } }
            : {
                  version: versions[name],
                  url: releaseTables[name].url,
                  sha256: releaseTables[name].sha256[versions[name]] ?? {},
              };
        if (own) {
            checkRelease(problems, name, own, versions[name]);
        }
        return [name, { ...release, url: release.url.replaceAll("{version}", release.version) }] as const;
    });
    return Object.fromEntries(entries) as Record<ReleaseName, Release>;
}

const followsKubernetes: ReleaseName[] = ["kubeadm", "kubelet", "kubectl"];

function checkRelease(problems: Problems, name: ReleaseName, own: args.ReleaseArgs, expected: string) {
    const at = `releases.${name}`;
    problems.check(
        semver.valid(own.version) === own.version,
        `${at}.version`,
        own.version,
        "not a version",
        "X.Y.Z without a leading v",
        `for example "${expected}"`,
    );
    problems.check(
        !followsKubernetes.includes(name) || own.version === expected,
        `${at}.version`,
        own.version,
        `kubeadm, kubelet and kubectl are of kubernetes.version ${expected}`,
        `"${expected}"`,
        "change kubernetes.version, or give the release of that version",
    );
    if (own.url !== undefined) {
        url(problems, `${at}.url`, own.url);
    }
    const given: Record<string, string | undefined> = { ...own.sha256 };
    const digests = Object.entries(given).filter(([, digest]) => digest !== undefined);
    problems.check(
        digests.length > 0 &&
            digests.every(([arch, digest]) => /^(amd64|arm64)$/.test(arch) && /^[0-9a-f]{64}$/.test(digest ?? "")),
        `${at}.sha256`,
        own.sha256,
        "a download is verified before it is used",
        "{ amd64: 64 lower-case hexadecimal digits } and/or { arm64: … }",
        "run sha256sum on the file",
    );
}

/** The URL to fetch a release from, through the mirror if there is one. `{arch}` is filled in. */
export function downloadUrl(release: Release, arch: keyof Digests, mirror?: string): string {
    const upstream = release.url.replaceAll("{arch}", arch);
    return mirror === undefined ? upstream : `${mirror}/${upstream.replace(/^https?:\/\//, "")}`;
}
