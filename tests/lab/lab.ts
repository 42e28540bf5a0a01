import * as path from "node:path";
import { ContainerRuntime } from "../../components/args";
import { defaultVersions, flannelImages, kubernetesSet, releaseTables } from "../../components/versions";
import { knownDigest } from "./cache";
import { goBuild, pinnedVersion } from "./goBuilds";
import { needHostPackages } from "./hostPackages";
import { buildImages } from "./images";
import { buildKataStandIn } from "./kata/build";
import { buildMachineImage, debianSuite } from "./machineImage";
import { Served, serveFiles } from "./mirror";
import { findPlugins, Plugin, pluginFolders } from "./plugins";
import { findRealReleases, RealReleases } from "./realReleases";
import { imagesOf, registryFiles } from "./registry";
import { buildReleases, DownloadName, release, ReleasedFile } from "./releases";

/** What the lab has built: everything that a cluster needs where only package registries are reached. */
export interface Lab {
    /** Without a leading v. */
    kubernetesVersion: string;
    /** By download name: upstream's URL, which the mirror serves under `/host/path`, and the digest of the lab's file. */
    releases: Record<DownloadName, LabRelease> & { crio?: LabRelease };
    /** The shim that the lab's Kata release holds. */
    kataShim: "rust" | "go";
    /** Path of a bootable VM disk, qcow2. */
    image: string;
    /** Folder with `bin/pulumi`. */
    pulumi: string;
    /** Folders to put on PATH, with provider plugins; empty where the real ones are installed. */
    plugins: string[];
    /** Path of kubectl. */
    kubectl: string;
    /** Upstream reference, by tag: the same with the digest that the lab serves. */
    images: Record<string, string>;
    /** One line for each part: what it is, and whether it is real, built from upstream's source, or a stand-in. */
    parts: string[];
    /** What {@link serveLab} serves. */
    mirror: { files: Record<string, { file: string; sha256: string }>; layout: string };
}

/** A release as arguments name it. */
export interface LabRelease {
    version: string;
    url: string;
    sha256: { amd64: string };
}

/** Settings of {@link buildLab}. */
export interface LabOptions {
    log: (line: string) => void;
    /** The container runtime that the cluster is to have. CRI-O is there only as a real release. */
    containerRuntime?: string;
    /** A folder of real releases, which take the place of the lab's stand-ins. */
    real?: string;
}

/** Builds the lab from package registries, or takes from the cache what was built before. */
export async function buildLab({ log, containerRuntime, real }: LabOptions): Promise<Lab> {
    const found = findRealReleases(real);
    needCrio(found, containerRuntime);
    await needHostPackages(log);
    // The short ones first: what fails on this computer fails early.
    const image = await buildMachineImage(log);
    const kata = await kataRelease(found, log);
    const releases = { ...(await buildReleases(log)), kata, ...(await crioRelease(found, log)) };
    const layout = await buildImages(log);
    const pulumi = await goBuild("pulumi", log);
    const plugins = findPlugins(found.plugins);
    const files: ReleasedFile[] = Object.values(releases);
    return {
        kubernetesVersion: releases.kubelet.version,
        releases: Object.fromEntries(
            Object.entries(releases).map(([name, { version, url, sha256 }]) => [name, { version, url, sha256 }]),
        ) as Lab["releases"],
        kataShim: found.kata?.shim ?? "rust",
        image,
        pulumi: pulumi.folder,
        plugins: pluginFolders(plugins),
        kubectl: releases.kubectl.file,
        images: Object.fromEntries(
            Object.entries(imagesOf(layout)).map(([reference, digest]) => [reference, `${reference}@${digest}`]),
        ),
        parts: describe(found, plugins, real),
        mirror: {
            files: Object.fromEntries(
                files.map(({ url, file, sha256 }) => [mirrorPath(url), { file, sha256: sha256.amd64 }]),
            ),
            layout,
        },
    };
}

/**
 * Serves the lab on the loopback interface until it is closed.
 *
 * @returns URLs for `mirror`, with the host as a QEMU guest with user networking sees it
 */
export async function serveLab(
    lab: Lab,
    ports: { downloads?: number; images?: number } = {},
): Promise<{ downloads: string; images: string; close(): Promise<void> }> {
    const downloads = await serveFiles((url): Served | undefined => {
        const served = lab.mirror.files[url];
        return served && { file: served.file, tag: served.sha256 };
    }, ports.downloads);
    const images = await serveFiles(registryFiles(lab.mirror.layout), ports.images).catch(async (error: unknown) => {
        await downloads.close();
        throw error;
    });
    return {
        downloads: `http://10.0.2.2:${downloads.port}`,
        images: `http://10.0.2.2:${images.port}`,
        close: async () => {
            await Promise.all([downloads.close(), images.close()]);
        },
    };
}

async function kataRelease({ kata }: RealReleases, log: LabOptions["log"]): Promise<ReleasedFile> {
    if (kata) {
        log(`lab: real Kata Containers ${kata.version} from ${kata.file}`);
        return { ...kata, sha256: { amd64: await knownDigest(kata.file) } };
    }
    const { tarball, version } = await buildKataStandIn(log);
    return release("kata", version, tarball);
}

/** @throws if CRI-O is wanted and not there: no package registry has it, so the lab has no stand-in for it. */
function needCrio({ crio }: RealReleases, containerRuntime: string | undefined) {
    if (containerRuntime === ContainerRuntime.Crio && !crio) {
        const archive = path.posix.basename(releaseTables.crio.url).replace("{arch}", "amd64");
        const { crio: version } = kubernetesSet(defaultVersions.kubernetes)!;
        throw new Error(
            `CRI-O cannot be had here: only package registries are reached, and none has it. ` +
                `Fix: --releases FOLDER with CRI-O's own ${archive.replace("{version}", version)} in it, ` +
                `or --container-runtime containerd`,
        );
    }
}

async function crioRelease({ crio }: RealReleases, log: LabOptions["log"]): Promise<{ crio?: ReleasedFile }> {
    if (!crio) {
        return {};
    }
    log(`lab: real CRI-O ${crio.version} from ${crio.file}`);
    return { crio: { ...crio, sha256: { amd64: await knownDigest(crio.file) } } };
}

/** `https://host/path` is served as `/host/path`. */
function mirrorPath(url: string): string {
    const { host, pathname } = new URL(url);
    return `/${host}${pathname}`;
}

function describe({ kata, crio }: RealReleases, plugins: Plugin[], real: string | undefined): string[] {
    const built = (["containerd", "runc", "cni-plugins", "crictl", "kubernetes", "etcd", "coredns", "flannel"] as const)
        .map((name) => `${name} ${pinnedVersion(name)}`)
        .join(", ");
    const version = /:([^:@]+)@/.exec(flannelImages.cniPlugin)![1];
    return [
        kata
            ? `Kata Containers ${kata.version}: real, ${path.basename(kata.file)} of ${real}`
            : "Kata Containers: a stand-in of tests/lab/kata, with real virtual machines but not Kata's own programs",
        ...(crio ? [`CRI-O ${crio.version}: real, ${path.basename(crio.file)} of ${real}`] : []),
        ...plugins.map(
            ({ name, folder, standIn }) =>
                `pulumi-resource-${name}: ${standIn ? "a stand-in of tests/support/plugins" : `real, ${folder ?? "installed"}`}`,
        ),
        `${built}: upstream's source of these versions, built here from Go modules; not the released binaries and images`,
        `flannel-cni-plugin ${version}: the flannel plugin of CNI plugins ${pinnedVersion("flannel-cni-plugin")}, the last that had it`,
        `nginx:latest: Debian ${debianSuite}'s nginx, not the official image`,
        `machine image: Debian ${debianSuite}, made here from packages; not the released cloud image`,
    ];
}
