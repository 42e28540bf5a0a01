import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { parse } from "smol-toml";
import { containerdConfig, containerdFiles, runtimeHandlers } from "../../../components/node/containerd";
import { kataConfiguration, kataFiles } from "../../../components/node/kata";
import { downloads, nodeEnvironment } from "../../../components/node/nodeEnvironment";
import { matchesGolden } from "../../support/golden";
import { findProgram } from "../../support/programs";
import { specOf } from "../../support/specs";
import { withFile } from "../../support/withFile";

const mirror = { downloads: "http://mirror.test:8080", images: "http://mirror.test:5000" };

describe("node renderers", () => {
    it("renders containerd's config.toml", () => {
        const text = containerdConfig(specOf());
        matchesGolden("config.toml", text);
        assert.equal(parse(text).version, 3);
    });

    it("renders what the real containerd reads without a complaint", function () {
        const containerd = findProgram("containerd");
        if (!containerd) {
            this.skip();
        }
        withFile("config.toml", containerdConfig(specOf()), (file) => {
            const { status, stdout, stderr } = spawnSync(containerd, ["--config", file, "config", "dump"], {
                encoding: "utf8",
            });
            assert.equal(status, 0, stderr);
            assert.doesNotMatch(stderr, /unknown key/i);
            const { plugins } = parse(stdout) as unknown as Dump;
            const { containerd: seen } = plugins["io.containerd.cri.v1.runtime"];
            assert.deepEqual(Object.keys(seen.runtimes).sort(), [...runtimeHandlers].sort());
            assert.equal(seen.default_runtime_name, "runc");
            assert.equal(seen.runtimes.runc?.options.SystemdCgroup, true);
            assert.equal(seen.runtimes.untrusted?.options.ConfigPath, kataConfiguration);
        });
    });

    it("renders one hosts.toml for each registry that a mirror serves, and none without a mirror", () => {
        const hosts = (files: object) => Object.keys(files).filter((file) => file.endsWith("hosts.toml"));
        assert.deepEqual(hosts(containerdFiles(specOf())), []);
        const files = containerdFiles(specOf({ mirror }));
        assert.equal(hosts(files).length, 6);
        matchesGolden("hosts.toml", files["files/etc/containerd/certs.d/docker.io/hosts.toml"]!);
    });

    for (const [name, kata] of Object.entries({
        "kata-rust": {},
        "kata-go": { version: "3.32.0" },
        "kata-clh": { hypervisor: "clh" },
        "kata-memory": { guestMemoryMib: 1024 },
    } as const)) {
        it(`renders the drop-ins of ${name}`, () => {
            const files = kataFiles(specOf({ kata }));
            matchesGolden(`${name}.txt`, asText(files));
            Object.values(files).forEach((text) => parse(text));
        });
    }

    it("renders the settings that the scripts read", () =>
        matchesGolden("node.env", nodeEnvironment(specOf(), "lab-0")));

    it("renders every download with its digest, and through the mirror", () => {
        matchesGolden("downloads.tsv", downloads(specOf()));
        const lines = downloads(specOf({ mirror })).trim().split("\n");
        assert.equal(lines.length, 16);
        for (const line of lines) {
            assert.match(
                line,
                /^[a-z-]+\t[\d.]+\t(amd64|arm64)\t[0-9a-f]{64}\thttp:\/\/mirror\.test:8080\/[a-z.0-9-]+\/.+$/,
            );
        }
    });

    it("quotes what it writes into node.env", () => {
        const spec = { ...specOf(), name: "it's; rm -rf $HOME" };
        assert.match(nodeEnvironment(spec, "n"), /^CLUSTER_NAME="it's; rm -rf \\\$HOME"$/m);
    });
});

interface Dump {
    plugins: {
        "io.containerd.cri.v1.runtime": {
            containerd: {
                default_runtime_name: string;
                runtimes: Record<string, { options: Record<string, unknown> }>;
            };
        };
    };
}

function asText(files: Record<string, string>): string {
    return Object.entries(files)
        .map(([file, text]) => `# ${file}\n${text}`)
        .join("\n");
}
