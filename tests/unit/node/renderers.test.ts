import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { parse } from "smol-toml";
import { containerdConfig, containerdFiles, containerdHandlers } from "../../../components/node/containerd";
import { containerRuntimes, runtimeFiles, runtimeNames } from "../../../components/node/containerRuntime";
import { crioConfig, crioFiles, crioHandlers } from "../../../components/node/crio";
import { kataConfiguration, kataFiles, kataPaths } from "../../../components/node/kata";
import { downloads, nodeEnvironment } from "../../../components/node/nodeEnvironment";
import { matchesGolden } from "../../support/golden";
import { findProgram } from "../../support/programs";
import { specOf } from "../../support/specs";
import { withFile } from "../../support/withFile";

const onCrio = { containerRuntime: "crio" } as const;
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
            assert.deepEqual(Object.keys(seen.runtimes).sort(), [...containerdHandlers].sort());
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

    it("renders CRI-O's drop-in with all its settings", () => {
        matchesGolden("50-kata.conf", crioConfig(specOf(onCrio)));
        const { crio } = parse(crioConfig(specOf(onCrio))) as unknown as CrioConfig;
        const { runtimes } = crio.runtime;
        assert.deepEqual(Object.keys(runtimes), crioHandlers);
        assert.ok(crio.runtime.default_runtime in runtimes);
        assert.equal(runtimes.kata?.runtime_type, "vm");
        assert.equal(runtimes.kata.runtime_path, kataPaths(specOf().kata).shim);
        assert.equal(runtimes.kata.runtime_config_path, kataConfiguration);
        assert.equal(runtimes.kata.privileged_without_host_devices, true);
        // CRI-O looks at the name of a shim and drops the handler if it is another.
        assert.match(path.posix.basename(runtimes.kata.runtime_path), /^containerd-shim-([a-zA-Z0-9\-+])+-v2$/);
    });

    it("renders no setting that an older CRI-O does not know", () => {
        const timeout = (version: string) =>
            /container_create_timeout = 600/.test(crioConfig(specOf({ ...onCrio, kubernetes: { version } })));
        assert.deepEqual(["1.36.4", "1.35.8", "1.34.11"].map(timeout), [true, true, false]);
    });

    it("has CRI-O resolve short names, trust images, and ask a mirror first", () => {
        const registries = "files/etc/containers/registries.conf.d/50-kata-cluster.conf";
        const plain = crioFiles(specOf(onCrio));
        assert.equal(plain[registries], 'unqualified-search-registries = [ "docker.io" ]\n');
        assert.deepEqual(JSON.parse(plain["files/etc/crio/policy.json"]!), {
            default: [{ type: "insecureAcceptAnything" }],
        });
        matchesGolden("registries.conf", crioFiles(specOf({ ...onCrio, mirror }))[registries]!);
        const tls = crioFiles(specOf({ ...onCrio, mirror: { images: "https://mirror.test/" } }))[registries]!;
        assert.match(tls, /^location = "mirror.test\/docker.io"\ninsecure = false$/m);
    });

    it("points crictl and kubelet at the one socket of the chosen runtime, and downloads just what that needs", () => {
        for (const containerRuntime of runtimeNames) {
            const spec = specOf({ containerRuntime });
            const { socket, releases } = containerRuntimes[containerRuntime];
            assert.equal(
                runtimeFiles(spec)["files/etc/crictl.yaml"],
                `runtime-endpoint: ${socket}\nimage-endpoint: ${socket}\ntimeout: 60\n`,
            );
            const names = downloads(spec)
                .trim()
                .split("\n")
                .map((line) => line.split("\t")[0]);
            const others = ["cni-plugins", "crictl", "kata", "kubeadm", "kubelet", "kubectl"];
            assert.deepEqual([...new Set(names)], [...releases, ...others]);
        }
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

    it("renders the settings that the scripts read", () => matchesGolden("node.env", nodeEnvironment(specOf())));

    it("renders them for CRI-O", () => matchesGolden("node-crio.env", nodeEnvironment(specOf(onCrio))));

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
        assert.match(nodeEnvironment(spec), /^CLUSTER_NAME="it's; rm -rf \\\$HOME"$/m);
    });
});

interface CrioConfig {
    crio: { runtime: { default_runtime: string; runtimes: Record<string, Record<string, string>> } };
}

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
