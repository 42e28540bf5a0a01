import * as path from "node:path";
import { releaseTables } from "../../components/versions";
import { cached, cacheRoot, knownDigest } from "./cache";
import { run } from "./command";
import { goBuild } from "./goBuilds";

/** One released file, as the lab serves it. */
export interface ReleasedFile {
    version: string;
    /** Upstream's URL of it. */
    url: string;
    sha256: { amd64: string };
    /** Where it lies on this computer. */
    file: string;
}

type Log = (line: string) => void;

/** The names under which a node downloads programs, with the table that has their upstream URL. */
const tables = {
    containerd: releaseTables.containerd,
    runc: releaseTables.runc,
    "cni-plugins": releaseTables.cniPlugins,
    crictl: releaseTables.crictl,
    kata: releaseTables.kata,
    kubeadm: releaseTables.kubeadm,
    kubelet: releaseTables.kubelet,
    kubectl: releaseTables.kubectl,
};

/** A name under which a node downloads a program. */
export type DownloadName = keyof typeof tables;

/** Builds what a node downloads but for Kata, each file with upstream's name and layout. */
export async function buildReleases(log: Log): Promise<Record<Exclude<DownloadName, "kata">, ReleasedFile>> {
    const containerd = await goBuild("containerd", log);
    const runc = await goBuild("runc", log);
    const cniPlugins = await goBuild("cni-plugins", log);
    const crictl = await goBuild("crictl", log);
    const kubernetes = await goBuild("kubernetes", log);
    const bare = (name: DownloadName, program: string) =>
        release(name, kubernetes.version, kubernetes.program(program));
    return {
        containerd: await archive("containerd", containerd.version, containerd.folder, ["bin"], log),
        runc: await release("runc", runc.version, runc.program("runc")),
        "cni-plugins": await archive(
            "cni-plugins",
            cniPlugins.version,
            path.join(cniPlugins.folder, "bin"),
            ["."],
            log,
        ),
        crictl: await archive("crictl", crictl.version, path.join(crictl.folder, "bin"), ["crictl"], log),
        kubeadm: await bare("kubeadm", "kubeadm"),
        kubelet: await bare("kubelet", "kubelet"),
        kubectl: await bare("kubectl", "kubectl"),
    };
}

/** A file as the release of a program: under its upstream URL, with its digest. */
export async function release(name: DownloadName, version: string, file: string): Promise<ReleasedFile> {
    const url = tables[name].url.replaceAll("{version}", version).replaceAll("{arch}", "amd64");
    return { version, url, sha256: { amd64: await knownDigest(file) }, file };
}

async function archive(name: DownloadName, version: string, folder: string, members: string[], log: Log) {
    const entry = await cached(
        { name: `${name}-archive-${version}`, settings: path.relative(cacheRoot(), folder) },
        async (target) => {
            log(`lab: packing ${name} ${version}`);
            await pack(folder, members, path.join(target, "archive.tar.gz"));
        },
    );
    return release(name, version, path.join(entry, "archive.tar.gz"));
}

/** Packs files so that the same files give the same archive, byte for byte, whoever packs them and when. */
export async function pack(folder: string, members: string[], target: string) {
    const compress = target.endsWith(".gz") ? "gzip -n -6" : target.endsWith(".zst") ? "zstd -q -10 -T0" : "cat";
    const names = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
    await run("tar", [...names, `--use-compress-program=${compress}`, "-C", folder, "-cf", target, ...members]);
}
