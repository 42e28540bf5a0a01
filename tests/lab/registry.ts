import * as fs from "node:fs";
import * as path from "node:path";
import { Served } from "./mirror";

/** Media type of an image manifest. */
export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** The annotation that carries an image's reference in the index of an OCI image layout. */
export const referenceAnnotation = "org.opencontainers.image.ref.name";

/** The index of an OCI image layout. */
export interface ImageIndex {
    schemaVersion: 2;
    manifests: { mediaType: string; digest: string; size: number; annotations: Record<string, string> }[];
}

/** The images of an OCI image layout: by upstream reference, with the digest. */
export function imagesOf(layout: string): Record<string, string> {
    const index = JSON.parse(fs.readFileSync(path.join(layout, "index.json"), "utf8")) as ImageIndex;
    return Object.fromEntries(index.manifests.map((entry) => [entry.annotations[referenceAnnotation]!, entry.digest]));
}

/**
 * The pull side of the OCI distribution API over an OCI image layout. An image's repository carries the name of its
 * upstream registry: `registry.k8s.io/pause:3.10.2` is tag `3.10.2` of repository `registry.k8s.io/pause`.
 */
export function registryFiles(layout: string): (path: string) => Served | undefined {
    const images = imagesOf(layout);
    const manifests = new Set(Object.values(images));
    const api = { "Docker-Distribution-Api-Version": "registry/2.0" };
    const blob = (digest: string, type: string): Served => ({
        file: path.join(layout, "blobs", ...digest.split(":")),
        tag: digest,
        headers: { ...api, "Content-Type": type, "Docker-Content-Digest": digest },
    });
    return (url) => {
        if (url === "/v2/" || url === "/v2") {
            return {
                file: path.join(layout, "empty.json"),
                tag: "v2",
                headers: { ...api, "Content-Type": "application/json" },
            };
        }
        const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url);
        if (!match) {
            return undefined;
        }
        const [, repository, kind, name] = match as unknown as [string, string, string, string];
        if (kind === "manifests") {
            const digest = manifests.has(name) ? name : images[`${repository}:${name}`];
            return digest ? blob(digest, manifestType) : undefined;
        }
        return /^sha256:[0-9a-f]{64}$/.test(name) ? blob(name, "application/octet-stream") : undefined;
    };
}
