import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { RunningServer, serveFiles } from "../../lab/mirror";
import { packLayer, writeLayout } from "../../lab/ociLayout";
import { imagesOf, registryFiles } from "../../lab/registry";

interface Manifest {
    config: { digest: string; size: number };
    layers: { digest: string; size: number }[];
}

describe("lab: registry", () => {
    const cacheBefore = process.env.XDG_CACHE_HOME;
    const reference = "registry.k8s.io/coredns/coredns:v1";
    let folder: string;
    let layout: string;
    let server: RunningServer;

    before(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-registry-"));
        process.env.XDG_CACHE_HOME = folder;
        const layer = await packLayer("test", 1, (root) =>
            Promise.resolve(fs.writeFileSync(path.join(root, "file"), "content")),
        );
        layout = await writeLayout({
            [reference]: { layers: [layer], config: { Entrypoint: ["/file"] } },
            "docker.io/library/nginx:latest": { layers: [layer, layer], config: {} },
        });
        server = await serveFiles(registryFiles(layout));
    });

    after(async () => {
        await server.close();
        if (cacheBefore === undefined) {
            delete process.env.XDG_CACHE_HOME;
        } else {
            process.env.XDG_CACHE_HOME = cacheBefore;
        }
        fs.rmSync(folder, { recursive: true });
    });

    const get = (where: string) => fetch(`http://127.0.0.1:${server.port}/v2/${where}`);
    const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

    it("says that it is one", async () => {
        assert.equal((await get("")).status, 200);
    });

    it("gives an image by tag, as containerd asks for it through a mirror", async () => {
        const response = await get("registry.k8s.io/coredns/coredns/manifests/v1?ns=registry.k8s.io");
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), "application/vnd.oci.image.manifest.v1+json");
        const bytes = new Uint8Array(await response.arrayBuffer());
        assert.equal(response.headers.get("docker-content-digest"), digestOf(bytes));
        assert.equal(imagesOf(layout)[reference], digestOf(bytes));
    });

    it("gives an image by digest, and every blob that it names", async () => {
        const response = await get(`registry.k8s.io/coredns/coredns/manifests/${imagesOf(layout)[reference]}`);
        const manifest = (await response.json()) as Manifest;
        for (const { digest, size } of [manifest.config, ...manifest.layers]) {
            const blob = new Uint8Array(
                await (await get(`registry.k8s.io/coredns/coredns/blobs/${digest}`)).arrayBuffer(),
            );
            assert.equal(digestOf(blob), digest);
            assert.equal(blob.length, size);
        }
        const described = await get(`registry.k8s.io/coredns/coredns/blobs/${manifest.config.digest}`);
        const { config } = (await described.json()) as { config: { Entrypoint: string[] } };
        assert.deepEqual(config.Entrypoint, ["/file"]);
    });

    it("has nothing else", async () => {
        const missing = [
            "registry.k8s.io/coredns/coredns/manifests/v2",
            "coredns/manifests/v1",
            `x/blobs/sha256:${"0".repeat(64)}`,
            "x/blobs/sha256:..%2f..%2findex.json",
            "x/blobs/..%2f..%2findex.json",
        ];
        for (const where of missing) {
            assert.equal((await get(where)).status, 404, where);
        }
    });
});
