import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { bundle, digestOf, filesBelow } from "../bundle";

const host = path.join(__dirname, "host");

/** The files that are the same on every node. */
export const hostFiles = filesBelow(host);

/** Where they lie on a node as one script, relative to the login user's home. */
export const bundlePath = ".kata-cluster/bundle.sh";

let written: string | undefined;

/**
 * The scripts as a file: of a file the state keeps the digest, of a text all of it, twice for each node. The state is
 * written anew at every step of an `up`.
 */
export function hostScripts(): pulumi.asset.FileAsset {
    written ??= write(bundle(host, hostFiles));
    return new pulumi.asset.FileAsset(written);
}

function write(text: string): string {
    const folder = cacheFolder();
    const file = path.join(folder, `${digestOf({ text })}.sh`);
    const beside = fs.mkdtempSync(path.join(folder, "new-"));
    fs.writeFileSync(path.join(beside, "bundle.sh"), text);
    fs.renameSync(path.join(beside, "bundle.sh"), file);
    fs.rmdirSync(beside);
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
