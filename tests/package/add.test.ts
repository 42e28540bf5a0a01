import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { hostKey, privateKey } from "../support/specs";
import { bareRepository } from "./support/checkout";
import { Consumer, languageHost } from "./support/consumer";
import { GitServer, startGitServer } from "./support/gitServer";

const program = (properties: string) => `name: other
runtime: yaml
packages:
  kata-cluster: ../kata-cluster
resources:
  lab:
    type: kata-cluster:KataCluster
    properties: ${properties}
outputs:
  runtimeClassName: \${lab.runtimeClassName}
`;

interface Schema {
    resources: Record<string, { isComponent: boolean; inputProperties: object }>;
}

describe(`pulumi package: ${languageHost}`, function () {
    this.timeout(600_000);
    let git: GitServer;
    let consumer: Consumer;
    let checkout: string;

    before(async () => {
        consumer = new Consumer();
        checkout = await consumer.installPackage();
    });

    after(async () => {
        await git?.close();
        consumer?.remove();
    });

    it("get-schema tells of both components, from another folder", async () => {
        const ran = await consumer.pulumi(consumer.project("elsewhere"), "package", "get-schema", "../kata-cluster");
        assert.equal(ran.status, 0, ran.output);
        const { resources } = JSON.parse(ran.stdout) as Schema;
        const names = ["kata-cluster:index:KataCluster", "kata-cluster:index:UntrustedPod"];
        assert.deepEqual(Object.keys(resources).sort(), names);
        assert.ok(names.every((name) => resources[name]!.isComponent));
    });

    // Pulumi.yaml and PulumiPlugin.yaml lie side by side, and the CLI looks for one of them where it is run.
    it("is refused in the repository itself, with both manifests named", async () => {
        const ran = await consumer.pulumi(checkout, "package", "get-schema", ".");
        assert.notEqual(ran.status, 0);
        assert.match(ran.output, /detected both PulumiPlugin.yaml and Pulumi.yaml/);
    });

    it("add takes a git repository at a tag, and installs its dependencies", async () => {
        const repositories = consumer.project("repositories");
        bareRepository(path.join(repositories, "owner", "kata-cluster.git"), "v0.1.0");
        git = await startGitServer(repositories);
        const other = new Consumer({ SSL_CERT_FILE: git.certificate });
        try {
            const folder = other.project("program", { "Pulumi.yaml": "name: program\nruntime: yaml\n" });
            const ran = await other.pulumi(folder, "package", "add", `${git.url}/owner/kata-cluster.git@v0.1.0`);
            assert.match(ran.output, /generated an SDK for the kata-cluster package/);
            // Where the YAML host is older than the CLI, that leaves the line in Pulumi.yaml to the user.
            assert.ok(ran.status === 0 || /linking package: method Link not implemented/.test(ran.output), ran.output);
            const [sdk] = fs.readdirSync(path.join(folder, "sdks"), { recursive: true }).filter(isYaml);
            const text = fs.readFileSync(path.join(folder, "sdks", String(sdk)), "utf8");
            assert.match(text, /^name: kata-cluster\nversion: 0.1.0\ndownloadUrl: git:.*kata-cluster.git$/m);
        } finally {
            other.remove();
        }
    });

    describe("a YAML program that uses it", () => {
        const preview = async (stack: string, properties: string, secret?: string) => {
            const folder = consumer.project(stack, { "Pulumi.yaml": program(properties) });
            const made = await consumer.pulumi(folder, "stack", "init", stack);
            assert.equal(made.status, 0, made.output);
            if (secret) {
                // It begins like a flag.
                const set = await consumer.pulumi(folder, "config", "set", "--secret", "privateKey", "--", secret);
                assert.equal(set.status, 0, set.output);
            }
            return consumer.pulumi(folder, "preview", "--non-interactive", "--color=never", "--diff");
        };

        it("previews the whole cluster", async () => {
            const ran = await preview("good", "{ machines: { local: { workers: { count: 1 } } } }");
            assert.equal(ran.status, 0, ran.output);
            for (const planned of ["KataCluster::lab", "Command::lab-worker-0-join", "UntrustedPod::lab-untrusted"]) {
                assert.match(ran.output, new RegExp(`${planned}\\]`));
            }
        });

        it("gives a machine's key from its configuration, and the key stays a secret", async () => {
            const machine = `{ address: 192.0.2.10, hostKey: "${hostKey}", privateKey: "\${privateKey}" }`;
            const ran = await preview(
                "secret",
                `{ machines: { existing: { controlPlanes: [${machine}] } } }`,
                privateKey,
            );
            assert.equal(ran.status, 0, ran.output);
            assert.match(ran.output, /Command::lab-control-plane-0-install\]/);
            assert.match(ran.output, /privateKey *: \[secret\]/);
            assert.doesNotMatch(ran.output, /CANARY/);
        });

        it("is told all that is wrong with its arguments", async () => {
            const bad = `{ machines: { local: { cpus: 1 } }, kubernetes: { podCidr: 10.244.1.0/16 } }`;
            const ran = await preview("bad", bad);
            assert.notEqual(ran.status, 0);
            assert.match(ran.output, /machines.local.cpus = 1: kubeadm wants 2 CPUs or more/);
            assert.match(ran.output, /kubernetes.podCidr = "10.244.1.0\/16": .* Hint: use "10.244.0.0\/16"/);
        });
    });
});

function isYaml(name: string | Buffer): boolean {
    return String(name).endsWith(".yaml");
}
