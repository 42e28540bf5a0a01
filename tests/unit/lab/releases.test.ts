import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { defaultVersions, flannelImages, kubernetesSets } from "../../../components/versions";
import { fileDigest } from "../../lab/cache";
import { pinnedVersion } from "../../lab/goBuilds";
import { buildLab } from "../../lab/lab";
import { findRealReleases } from "../../lab/realReleases";
import { pack } from "../../lab/releases";
import { dependencies } from "../../../package.json";

describe("lab: CRI-O", () => {
    it("is asked for in plain words where it cannot be had, before anything is built", async () => {
        const lines: string[] = [];
        await assert.rejects(
            buildLab({ log: (line) => lines.push(line), containerRuntime: "crio" }),
            /^Error: CRI-O cannot be had here: .* Fix: --releases FOLDER with CRI-O's own cri-o\.amd64\.v1\.36\.3\.tar\.gz in it, or --container-runtime containerd$/,
        );
        assert.deepEqual(lines, []);
    });
});

describe("lab: releases", () => {
    let folder: string;

    beforeEach(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-releases-"));
    });

    afterEach(() => fs.rmSync(folder, { recursive: true }));

    it("are of the versions that are installed by default", () => {
        assert.equal(pinnedVersion("kubernetes"), defaultVersions.kubernetes);
        assert.equal(pinnedVersion("containerd"), defaultVersions.containerd);
        assert.equal(pinnedVersion("runc"), defaultVersions.runc);
        assert.equal(pinnedVersion("cni-plugins"), defaultVersions.cniPlugins);
        assert.equal(pinnedVersion("crictl"), kubernetesSets[defaultVersions.kubernetes]!.crictl);
        assert.equal(pinnedVersion("pulumi"), dependencies["@pulumi/pulumi"]);
        assert.ok(flannelImages.daemon.startsWith(`ghcr.io/flannel-io/flannel:v${pinnedVersion("flannel")}@`));
    });

    it("have the same digest whenever and in whatever order their files were made", async () => {
        const make = (name: string, files: string[], time: number) => {
            const root = path.join(folder, name);
            for (const file of files) {
                fs.mkdirSync(path.join(root, "bin"), { recursive: true });
                fs.writeFileSync(path.join(root, "bin", file), file, { mode: 0o755 });
                fs.utimesSync(path.join(root, "bin", file), time, time);
            }
            return root;
        };
        const archives: string[] = [];
        for (const root of [make("one", ["a", "b", "c"], 1000), make("two", ["c", "a", "b"], 2000)]) {
            for (const ending of ["tar.gz", "tar.zst", "tar"]) {
                await pack(root, ["bin"], `${root}.${ending}`);
                archives.push(await fileDigest(`${root}.${ending}`));
            }
        }
        assert.deepEqual(archives.slice(0, 3), archives.slice(3));
        assert.equal(new Set(archives).size, 3);
    });

    it("that are real are known by upstream's names", () => {
        const file = (name: string) => {
            fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
            fs.writeFileSync(path.join(folder, name), "");
        };
        assert.deepEqual(findRealReleases(undefined), { plugins: {} });
        assert.deepEqual(findRealReleases(folder), { kata: undefined, crio: undefined, plugins: {} });
        file("kata-go-static-4.1.0-amd64.tar.zst");
        file("kata-static-4.1.0-arm64.tar.zst");
        file("cri-o.amd64.v1.36.3.tar.gz");
        file("plugins/pulumi-resource-command");
        const go = findRealReleases(folder);
        assert.equal(go.kata?.shim, "go");
        assert.equal(go.kata.version, "4.1.0");
        assert.match(go.kata.url, /\/4\.1\.0\/kata-go-static-4\.1\.0-amd64\.tar\.zst$/);
        assert.equal(go.crio?.version, "1.36.3");
        assert.match(go.crio.url, /\/cri-o\.amd64\.v1\.36\.3\.tar\.gz$/);
        assert.deepEqual(go.plugins, { command: path.join(folder, "plugins") });
        file("kata-static-3.9.0-amd64.tar.zst");
        file("kata-static-3.32.0-amd64.tar.zst");
        const rust = findRealReleases(folder);
        assert.equal(rust.kata?.shim, "rust");
        assert.equal(rust.kata.version, "3.32.0");
        assert.throws(() => findRealReleases(path.join(folder, "nowhere")), /no such folder/);
    });
});
