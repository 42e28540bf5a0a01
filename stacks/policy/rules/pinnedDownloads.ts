import * as semver from "semver";
import { Bundle, bundlesOf } from "../bundles";
import { isObject } from "../inputs";
import { Resource, Rule } from "../rule";

const sha256 = /^[0-9a-f]{64}$/;
const sha512 = /^[0-9a-f]{128}$/;
const latest = /(?:^|[^a-z])latest(?:[^a-z]|$)/i;

/** What runs as root on a node, or is its disk, is known before it is fetched. */
export const pinnedDownloads: Rule = {
    name: "pinned-downloads",
    description: "Every download has a version and a digest.",
    enforcement: "mandatory",
    violations: (resource: Resource) => [
        ...bundlesOf(resource).flatMap(unpinnedReleases),
        ...(resource.type === "command:local:Command" ? unpinnedImage(resource.inputs.environment) : []),
    ],
};

/** `downloads` of a node's bundle: name, version, architecture, sha256, URL, tab separated. */
function unpinnedReleases({ path, files }: Bundle): string[] {
    const lines = (files.downloads ?? "").split("\n").filter((line) => line.trim() !== "");
    return lines.flatMap((line) => {
        const [name, version, arch, digest = "", url = ""] = line.split("\t");
        const at = `${path}, downloads, ${name} ${arch ?? ""}`.trimEnd();
        const wrong: string[] = [];
        if (!semver.valid(version)) {
            wrong.push(`${at}: "${version ?? ""}" is not a version. Fix: name one in releases.${name}.version`);
        }
        if (!sha256.test(digest)) {
            wrong.push(
                `${at}: "${digest}" is not a SHA-256. Fix: run sha256sum on the file, and give releases its digest`,
            );
        }
        return [...wrong, ...movingUrl(at, url)];
    });
}

/** The disk image of a virtual machine on this computer. A path is a file that the user has. */
function unpinnedImage(environment: unknown): string[] {
    const variables = isObject(environment) ? environment : {};
    const url = variables.VM_IMAGE_URL;
    if (typeof url !== "string" || url === "" || variables.VM_IMAGE) {
        return [];
    }
    const has = (name: string, digest: RegExp) =>
        digest.test(typeof variables[name] === "string" ? variables[name] : "");
    return [
        ...(has("VM_IMAGE_SHA512", sha512) || has("VM_IMAGE_SHA256", sha256)
            ? []
            : [
                  "environment.VM_IMAGE_URL has no digest beside it. Fix: give machines.local.image a sha512 or a sha256",
              ]),
        ...movingUrl("environment.VM_IMAGE_URL", url),
    ];
}

function movingUrl(at: string, url: string): string[] {
    return !/^https?:\/\/\S+$/.test(url)
        ? [`${at}: "${url}" is not a URL. Fix: give an http or https URL`]
        : latest.test(url)
          ? [`${at}: ${url} is another file tomorrow. Fix: name a version in place of "latest"`]
          : [];
}
