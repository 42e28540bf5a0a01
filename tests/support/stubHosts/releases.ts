import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { ReleasesArgs } from "../../../components/args";
import { downloadUrl } from "../../../components/releases";
import { defaultVersions, kubernetesSets, ReleaseName, releaseTables } from "../../../components/versions";
import { RunningServer, Served, serveFiles } from "../../lab/mirror";

/** Releases that are served at a mirror, and how a cluster is told of them. */
export interface StubReleases {
    releases: ReleasesArgs;
    mirror: { downloads: string };
    server: RunningServer;
}

const set = kubernetesSets[defaultVersions.kubernetes]!;
const versions: Record<ReleaseName, string> = {
    ...{ containerd: defaultVersions.containerd, runc: defaultVersions.runc, kata: defaultVersions.kata },
    ...{ cniPlugins: defaultVersions.cniPlugins, crictl: set.crictl, crio: set.crio },
    ...{
        kubeadm: defaultVersions.kubernetes,
        kubelet: defaultVersions.kubernetes,
        kubectl: defaultVersions.kubernetes,
    },
};

/** Serves the small releases of `make.sh` below the URLs of the real ones, with the digests that they have. */
export async function serveReleases(folder: string): Promise<StubReleases> {
    const served = new Map<string, Served>();
    const lines = fs.readFileSync(path.join(folder, "releases"), "utf8").trim().split("\n");
    const releases = lines.map((line) => {
        const [listed, , file] = line.split("\t") as [string, string, string];
        const name = listed.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()) as ReleaseName;
        const whole = path.join(folder, "www", file);
        const tag = createHash("sha256").update(fs.readFileSync(whole)).digest("hex");
        const sha256 = { amd64: tag, arm64: tag };
        const url = releaseTables[name].url.replaceAll("{version}", versions[name]);
        for (const arch of ["amd64", "arm64"] as const) {
            served.set(downloadUrl({ version: versions[name], url, sha256 }, arch, ""), { file: whole, tag });
        }
        return [name, { version: versions[name], sha256 }] as const;
    });
    const server = await serveFiles((requested) => served.get(requested));
    return {
        releases: Object.fromEntries(releases),
        mirror: { downloads: `http://127.0.0.1:${server.port}` },
        server,
    };
}
