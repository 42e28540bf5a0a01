import * as fs from "node:fs";
import * as path from "node:path";
import { releaseTables } from "../../components/versions";

/** Real releases that a folder holds, by what they take the place of. */
export interface RealReleases {
    /** Kata's archive, and the URL that it is served under. */
    kata?: { file: string; version: string; url: string; shim: "rust" | "go" };
    /** CRI-O's archive, and the URL that it is served under. */
    crio?: { file: string; version: string; url: string };
    /** Folders with provider plugins, by plugin: `command`. */
    plugins: Record<string, string>;
}

/**
 * Looks through a folder of releases that were downloaded or built outside the repository. Files are known by
 * upstream's names: `kata-static-4.1.0-amd64.tar.zst`, `kata-go-static-…`, `cri-o.amd64.v1.36.3.tar.gz`,
 * `pulumi-resource-command`.
 */
export function findRealReleases(folder: string | undefined): RealReleases {
    if (folder === undefined) {
        return { plugins: {} };
    }
    if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
        throw new Error(`releases: no such folder: ${folder}. Fix: name the folder that holds the real releases`);
    }
    const files = fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => path.join(path.resolve(entry.parentPath), entry.name))
        .sort();
    const rust = newest(files, releaseTables.kata.url);
    const go = newest(files, releaseTables.kata.url.replace("/kata-static-", "/kata-go-static-"));
    const plugins = files.flatMap((file) => {
        const name = /^pulumi-resource-([a-z-]+)$/.exec(path.basename(file))?.[1];
        return name ? [[name, path.dirname(file)]] : [];
    });
    return {
        kata: rust ? { ...rust, shim: "rust" } : go && { ...go, shim: "go" },
        crio: newest(files, releaseTables.crio.url),
        plugins: Object.fromEntries(plugins) as Record<string, string>,
    };
}

/** The newest of the files that are named as the asset of a URL with `{version}` and `{arch}`. */
function newest(files: string[], url: string) {
    const [before, after] = path.posix.basename(url).replace("{arch}", "amd64").split("{version}");
    return files
        .map((file) => ({ file, name: path.basename(file) }))
        .filter(({ name }) => name.startsWith(before!) && name.endsWith(after!))
        .map(({ file, name }) => ({ file, version: name.slice(before!.length, name.length - after!.length) }))
        .filter(({ version }) => /^\d+\.\d+\.\d+/.test(version))
        .sort((a, b) => a.version.localeCompare(b.version, "en", { numeric: true }))
        .map(({ file, version }) => ({
            file,
            version,
            url: url.replaceAll("{version}", version).replaceAll("{arch}", "amd64"),
        }))
        .at(-1);
}
