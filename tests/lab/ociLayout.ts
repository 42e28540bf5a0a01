import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { cached, fileDigest } from "./cache";
import { run } from "./command";
import { ImageIndex, manifestType, referenceAnnotation } from "./registry";
import { pack } from "./releases";

/** A layer of an image: a packed folder. */
export interface Layer {
    file: string;
    digest: string;
    /** Digest of the layer before it was compressed. */
    diffId: string;
    size: number;
}

/** An image: its layers, lowest first, and how its containers start. */
export interface Image {
    layers: Layer[];
    config: {
        Entrypoint?: string[];
        Cmd?: string[];
        User?: string;
        StopSignal?: string;
        ExposedPorts?: Record<string, object>;
    };
}

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Packs a folder as a layer. zstd, for unpacking is most of the work on an emulated node. */
export async function packLayer(name: string, from: unknown, fill: (folder: string) => Promise<void>): Promise<Layer> {
    const entry = await cached({ name: `layer-${name}`, settings: from }, async (target) => {
        const root = path.join(target, "root");
        fs.mkdirSync(root);
        await fill(root);
        const tar = path.join(target, "layer.tar");
        await pack(root, fs.readdirSync(root).sort(), tar);
        const file = path.join(target, "layer.tar.zst");
        await run("zstd", ["-q", "-12", "-T0", tar, "-o", file]);
        const described = {
            digest: `sha256:${await fileDigest(file)}`,
            diffId: `sha256:${await fileDigest(tar)}`,
            size: fs.statSync(file).size,
        };
        fs.writeFileSync(path.join(target, "layer.json"), JSON.stringify(described));
        fs.rmSync(tar);
        fs.rmSync(root, { recursive: true });
    });
    const described = JSON.parse(fs.readFileSync(path.join(entry, "layer.json"), "utf8")) as Omit<Layer, "file">;
    return { ...described, file: path.join(entry, "layer.tar.zst") };
}

/**
 * Writes images as one OCI image layout: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 *
 * @returns the layout's folder
 */
export async function writeLayout(images: Record<string, Image>): Promise<string> {
    const settings = Object.entries(images).map(([reference, { config, layers }]) => [
        reference,
        config,
        layers.map(({ digest }) => digest),
    ]);
    return cached({ name: "images", settings }, async (layout) => {
        const blobs = path.join(layout, "blobs", "sha256");
        fs.mkdirSync(blobs, { recursive: true });
        const add = (value: unknown) => {
            const text = JSON.stringify(value);
            const hex = createHash("sha256").update(text).digest("hex");
            fs.writeFileSync(path.join(blobs, hex), text);
            return { digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
        };
        const index: ImageIndex = { schemaVersion: 2, manifests: [] };
        for (const [reference, image] of Object.entries(images)) {
            const described = add(manifest(image, add));
            image.layers.forEach(({ file, digest }) => link(file, path.join(blobs, digest.replace("sha256:", ""))));
            index.manifests.push({
                mediaType: manifestType,
                ...described,
                annotations: { [referenceAnnotation]: reference },
            });
        }
        fs.writeFileSync(path.join(layout, "index.json"), JSON.stringify(index, undefined, 2));
        fs.writeFileSync(path.join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
        fs.writeFileSync(path.join(layout, "empty.json"), "{}");
    });
}

function manifest({ layers, config }: Image, add: (value: unknown) => { digest: string; size: number }) {
    const described = add({
        // The same image has the same digest wherever and whenever it is built.
        created: "1970-01-01T00:00:00Z",
        architecture: "amd64",
        os: "linux",
        config: { Env: [searchPath], WorkingDir: "/", ...config },
        rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    });
    return {
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: "application/vnd.oci.image.config.v1+json", ...described },
        layers: layers.map(({ digest, size }) => ({
            mediaType: "application/vnd.oci.image.layer.v1.tar+zstd",
            digest,
            size,
        })),
    };
}

function link(from: string, to: string) {
    if (!fs.existsSync(to)) {
        fs.linkSync(from, to);
    }
}
