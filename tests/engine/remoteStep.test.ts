import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { bundle } from "../../components/bundle";
import { Machine } from "../../components/machine/machine";
import { remoteStep, uploadStep } from "../../components/node/remoteStep";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";

const host = path.resolve(__dirname, "../../components/node/host");

describe(`remote steps: ${announce("command")}`, function () {
    this.timeout(180_000);
    let ssh: SshServer;
    let stack: TestStack;
    const bundlePath = () => path.join(ssh.home, ".kata-cluster/bundle.sh");
    const ran = () => ssh.commands.map((one) => one.command.replace(/^sudo bash \S+ /, ""));
    const machine = (owner?: pulumi.Resource): Machine => ({
        name: "node",
        role: "control-plane",
        labels: {},
        taints: [],
        connection: ssh.connection(),
        apiAddress: "192.0.2.1:6443",
        dependsOn: [],
        ...(owner ? { owner } : {}),
    });
    const step = (name: string, on: Machine, livesWith?: pulumi.Resource, dependsOn: pulumi.Resource[] = []) => {
        const [run, undo] = [`${name} apply`, `${name} reset`];
        return remoteStep(
            name,
            { machine: on, run, undo, digest: "0", timeoutSeconds: 20, ...(livesWith ? { livesWith } : {}) },
            { dependsOn },
        );
    };

    beforeEach(async () => {
        ssh = await SshServer.start();
        ssh.stub("sudo", "exit 0");
        stack = await TestStack.create("steps");
    });
    afterEach(async () => {
        stack.remove();
        await ssh.close();
    });

    describe("the bundle", () => {
        const upload = (text: string) =>
            exporting(() => void uploadStep("bundle", { machine: machine(), text, timeoutSeconds: 20 }, {}));
        const one = bundle(host, { "a.sh": "one\n" });
        const other = bundle(host, { "a.sh": "two\n", b: "x".repeat(300_000) });

        it("is uploaded, and again when it changes, and takes the old one's place in one piece", async () => {
            assert.equal((await stack.up(upload(one))).error, undefined);
            assert.equal(fs.readFileSync(bundlePath(), "utf8"), one);
            const open = fs.openSync(bundlePath(), "r");
            const run = await stack.up(upload(other));
            assert.deepEqual([run.error, changes(run)], [undefined, ["bundle update"]]);
            assert.equal(fs.readFileSync(bundlePath(), "utf8"), other);
            assert.equal(fs.readFileSync(open, "utf8"), one, "what read the old one still reads the old one");
            fs.closeSync(open);
            assert.deepEqual(fs.readdirSync(path.dirname(bundlePath())), ["bundle.sh"]);
            assert.deepEqual([changes(await stack.up(upload(other))), ssh.connections], [[], 2]);
        });

        it("stays as it was when a copy breaks off", async () => {
            assert.equal((await stack.up(upload(one))).error, undefined);
            ssh.faults.closeAfterBytes = 100_000;
            assert.ok((await stack.up(upload(other))).error, "it went on");
            ssh.faults = {};
            assert.ok((await stack.up(upload(other.slice(0, -20)))).error, "half a bundle was taken");
            assert.equal(fs.readFileSync(bundlePath(), "utf8"), one);
            assert.equal((await stack.up(upload(other))).error, undefined);
            assert.equal(fs.readFileSync(bundlePath(), "utf8"), other);
        });
    });

    describe("a replacement", () => {
        /** What a control plane has: its own steps, and one for a node that it admits. */
        const program = (owned: boolean, boot = 1) =>
            exporting(() => {
                const vm = new command.local.Command("vm", { create: "true", triggers: [boot] });
                const on = machine(owned ? vm : undefined);
                const install = step("install", on, undefined, [vm]);
                const init = step("init", on, undefined, [install]);
                step("admit", on, init, [init]);
            });

        it("of a machine of ours runs all its steps again, and undoes nothing that was done since", async () => {
            assert.equal((await stack.up(program(true))).error, undefined);
            const { length } = ssh.commands;
            const run = await stack.up(program(true, 2));
            assert.equal(run.error, undefined, said(run));
            // The new control plane has not heard of the node when it is told to forget it.
            const again = ["install apply # 0", "init apply # 0", "admit reset", "admit apply # 0"];
            assert.deepEqual(ran().slice(length), again);
            assert.deepEqual(changes(await stack.up(program(true, 2))), []);
        });

        it("of a step on an existing machine undoes it first, and what lives with it before", async () => {
            assert.equal((await stack.up(program(false))).error, undefined);
            const { length } = ssh.commands;
            const run = await stack.up(program(false), { replace: ["init"] });
            assert.equal(run.error, undefined, said(run));
            assert.deepEqual(ran().slice(length), ["admit reset", "init reset", "init apply # 0", "admit apply # 0"]);
        });
    });
});
