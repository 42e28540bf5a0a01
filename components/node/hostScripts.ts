import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { bundle, digestOf, Files, filesBelow } from "../bundle";
import { ClusterSpec } from "../spec";
import { runtimeFiles } from "./containerRuntime";
import { kataFiles } from "./kata";
import { downloads, nodeEnvironment } from "./nodeEnvironment";

const host = path.join(__dirname, "host");

/** The scripts, and the files that are the same on every node of every cluster. */
export const hostFiles = filesBelow(host);

/** Where the scripts lie on a node as one script, relative to the login user's home. */
export const bundlePath = ".kata-cluster/bundle.sh";

/** A file that nobody has used for so long goes. */
const monthMilliseconds = 30 * 24 * 3600 * 1000;

/** What is the same on every node of one cluster: its configurations and the settings that the scripts read. */
export function clusterFiles(spec: ClusterSpec): Files {
    return {
        ...runtimeFiles(spec),
        ...kataFiles(spec),
        "node.env": nodeEnvironment(spec),
        downloads: downloads(spec),
    };
}

/**
 * All that is the same on every node, as a file: of a file the state keeps the digest, of a text all of it, twice for
 * each node. The state is written anew at every step of an `up`.
 */
export function hostScripts(spec: ClusterSpec): pulumi.asset.FileAsset {
    const file = files.get(spec) ?? written(bundle(host, { ...hostFiles, ...clusterFiles(spec) }));
    files.set(spec, file);
    return new pulumi.asset.FileAsset(file);
}

/** One file for each cluster, not for each of its nodes. */
const files = new WeakMap<ClusterSpec, string>();

/** The file with that text. It gets its name when it is whole. */
function written(text: string): string {
    const folder = cacheFolder();
    const file = path.join(folder, `${digestOf({ text })}.sh`);
    const beside = fs.mkdtempSync(path.join(folder, "new-"));
    fs.writeFileSync(path.join(beside, "bundle.sh"), text);
    fs.renameSync(path.join(beside, "bundle.sh"), file);
    fs.rmdirSync(beside);
    for (const other of fs.readdirSync(folder).map((name) => path.join(folder, name))) {
        if ((fs.statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < Date.now() - monthMilliseconds) {
            fs.rmSync(other, { recursive: true, force: true });
        }
    }
    return file;
}

/** The user's own, so that nobody else can have put something there. A user without a home gets one that is left behind. */
function cacheFolder(): string {
    const folder = path.join(
        process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"),
        "kata-cluster",
        "scripts",
    );
    try {
        fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
        fs.accessSync(folder, fs.constants.W_OK);
        return folder;
    } catch {
        return fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-scripts-"));
    }
}
