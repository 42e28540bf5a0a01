import * as assert from "node:assert/strict";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "../../components/kataCluster";
import { exporting, Run, said, TestStack } from "../engine/plugins/stack";
import { existing, hostKey, privateKey } from "../support/specs";

const pack = path.resolve(__dirname, "../../stacks/policy");

describe("policy pack, run by the real engine", function () {
    this.timeout(300_000);
    let stack: TestStack;

    before(async () => {
        stack = await TestStack.create("policies");
    });
    after(() => stack?.remove());

    const preview = (program: () => void) => stack.preview(exporting(program), { policyPacks: [pack] });
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
        assert.deepEqual(found(run), ["pinned-downloads lab-control-plane-0-vm"], run.stdout + said(run, "error"));
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

    // All faults are in one resource, for the engine ends the preview at the first resource that has any.
    it("sees which inputs are secret, and what may be in none of them, secret or not", async () => {
        const connection = { host: "192.0.2.10", hostKey, privateKey };
        const secret = pulumi.secret(privateKey);
        const run = await preview(() => {
            const good = new command.remote.Command("good", { connection, create: "cat", stdin: secret });
            new command.remote.Command(
                "bad",
                {
                    connection: { ...connection, hostKey: undefined, proxy: { host: "192.0.2.11", privateKey } },
                    create: pulumi.interpolate`echo '${secret}' >key`,
                    environment: { TOKEN: pulumi.secret("opensesame") },
                    stdin: privateKey,
                },
                { dependsOn: good },
            );
        });
        assert.ok(run.error, "it went on");
        assert.deepEqual(found(run), [
            "host-key-pinned bad",
            "host-key-pinned bad",
            "no-plain-secret bad",
            "no-plain-secret bad",
            "no-plain-secret bad",
        ]);
        const messages = run.violations.map(({ message }) => message).join();
        for (const path of ["connection.hostKey", "connection.proxy.hostKey", "create", "environment.TOKEN", "stdin"]) {
            assert.match(messages, new RegExp(`command:remote:Command "bad": ${path} .* Fix: `));
        }
        assert.ok(run.violations.every(({ enforcement }) => enforcement === "mandatory"));
        const shown = ["info", "warning", "error"].map((severity) => said(run, severity)).join();
        assert.doesNotMatch(run.stdout + shown + JSON.stringify(run.violations), /CANARY|opensesame/);
    });
});
