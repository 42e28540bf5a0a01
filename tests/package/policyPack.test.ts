import * as assert from "node:assert/strict";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "../../components/kataCluster";
import { exporting, Run, said, TestStack } from "../engine/plugins/stack";
import { existing, hostKey, privateKey } from "../support/specs";

const pack = path.resolve(__dirname, "../../stacks/policy");

describe("policy pack, run by the real engine", function () {
    this.timeout(180_000);
    let stack: TestStack;

    before(async () => {
        stack = await TestStack.create("policies");
    });
    after(() => stack?.remove());

    const preview = (program: () => void) => stack.preview(exporting(program), [pack]);
    const found = ({ violations }: Run) => violations.map(({ policy, name }) => `${policy} ${name}`).sort();

    it("lets a cluster on existing machines pass, with nothing to say", async () => {
        const run = await preview(() => new KataCluster("lab", existing()));
        assert.equal(run.error, undefined, run.stdout);
        assert.deepEqual(run.violations, []);
        assert.match(run.stdout, /Policies:\s+✅ kata-cluster@/);
    });

    it("lets a cluster on virtual machines pass that has a worker, whose join is not known yet", async () => {
        const run = await preview(() => new KataCluster("lab", { machines: { local: { workers: { count: 1 } } } }));
        assert.equal(run.error, undefined, run.stdout);
        assert.deepEqual(run.violations, []);
    });

    it("ends the preview of a cluster with an image that nothing pins, and tells resource, fault and fix", async () => {
        const url = "https://images.example.com/debian/latest/debian.qcow2";
        const image = { url, sha512: "0".repeat(128) };
        const run = await preview(() => new KataCluster("lab", { machines: { local: { image } } }));
        assert.ok(run.error, "it went on");
        assert.deepEqual(found(run), ["pinned-downloads lab-control-plane-0-vm"]);
        assert.match(
            run.violations[0]!.message,
            /command:local:Command "lab-control-plane-0-vm": environment\.VM_IMAGE_URL: https:\S+ is another file tomorrow\. Fix: /,
        );
    });

    it("only tells of a Kata release with an open advisory", async () => {
        const run = await preview(() => new KataCluster("lab", { ...existing(), kata: { version: "3.32.0" } }));
        assert.equal(run.error, undefined, run.stdout);
        assert.deepEqual(
            [...new Set(run.violations.map((one) => `${one.enforcement} ${one.policy}`))],
            ["advisory kata-release-advised"],
        );
    });

    it("sees which inputs are secret, and what is in none of them", async () => {
        const connection = { host: "192.0.2.10", hostKey, privateKey };
        const secret = pulumi.secret(privateKey);
        const run = await preview(() => {
            new command.remote.Command("secret", { connection, create: "cat", stdin: secret });
            new command.remote.Command("clear", { connection, create: "cat", stdin: privateKey });
            new command.remote.Command("shown", { connection, create: pulumi.interpolate`echo '${secret}'` });
            new command.local.Command("variable", {
                create: "true",
                environment: { TOKEN: pulumi.secret("opensesame") },
            });
            new command.remote.Command("anybody", {
                connection: { ...connection, hostKey: undefined },
                create: "true",
            });
            new command.remote.CopyToRemote("bastion", {
                connection: { ...connection, proxy: { host: "192.0.2.11", privateKey } },
                source: new pulumi.asset.StringAsset(privateKey),
                remotePath: "key",
            });
        });
        assert.ok(run.error, "it went on");
        assert.deepEqual(found(run), [
            "host-key-pinned anybody",
            "host-key-pinned bastion",
            "no-plain-secret bastion",
            "no-plain-secret clear",
            "no-plain-secret shown",
            "no-plain-secret variable",
        ]);
        assert.ok(run.violations.every(({ enforcement }) => enforcement === "mandatory"));
        const shown = ["info", "warning", "error"].map((severity) => said(run, severity)).join();
        assert.doesNotMatch(run.stdout + shown + JSON.stringify(run.violations), /CANARY|opensesame/);
    });
});
