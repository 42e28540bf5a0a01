import * as os from "node:os";
import * as path from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { SemVer } from "semver";
import { dependencies } from "../../package.json";

const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "kata-cluster");

/** The Pulumi CLI: the one on PATH if it fits, else one that was built here, else the pinned one, downloaded. */
export async function pulumiCommand(log: (line: string) => void, built?: string): Promise<PulumiCommand> {
    try {
        return await PulumiCommand.get({});
    } catch {
        if (built) {
            return PulumiCommand.get({ root: built });
        }
        const version = dependencies["@pulumi/pulumi"];
        log(`No Pulumi CLI that fits is on PATH: installing ${version} …`);
        return PulumiCommand.install({ version: new SemVer(version), root: path.join(cache, "pulumi", version) });
    }
}
