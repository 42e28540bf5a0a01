import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Machine } from "../../components/machine/machine";
import { hostScripts } from "../../components/node/hostScripts";
import { remoteStep, scriptsStep } from "../../components/node/remoteStep";
import { specOf } from "../support/specs";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";

describe(`remote steps: ${announce("command")}`, function () {
    this.timeout(180_000);
    let ssh: SshServer;
    let stack: TestStack;
    const bundlePath = () => path.join(ssh.home, ".kata-cluster/bundle.sh");
    const ran = () => ssh.commands.map((one) => one.command.replace(/^test -s \S+ && sudo bash \S+ /, ""));
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

    describe("the scripts", () => {
        const upload = (user = "root") =>
            exporting(() => {
                const connection = { ...ssh.connection(), user };
                scriptsStep(
                    "scripts",
                    { machine: { ...machine(), connection }, source: hostScripts(specOf()), timeoutSeconds: 20 },
                    {},
                );
            });
        const text = () => fs.readFileSync(bundlePath(), "utf8");

        it("are copied to each machine once, also to another one of that name, and are no part of the state", async () => {
            assert.equal((await stack.up(upload())).error, undefined);
            assert.equal(text(), fs.readFileSync(String(await hostScripts(specOf()).path), "utf8"));
            assert.doesNotMatch(stack.stored(), /set -euo pipefail/);
            assert.deepEqual([changes(await stack.up(upload())), ssh.connections], [[], 1]);
            fs.rmSync(bundlePath());
            const other = await stack.up(upload("admin"));
            assert.equal(other.error, undefined, said(other));
            assert.match(text(), /\nrun "\$@"\n$/);
            assert.equal((await stack.destroy()).error, undefined);
            assert.equal(ssh.connections, 2);
        });

        it("are the same for a colleague, whose copy lies elsewhere, and can be destroyed where there is none", async () => {
            const { XDG_CACHE_HOME } = process.env;
            const caches = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-caches-"));
            try {
                for (const cache of ["one", "other"]) {
                    process.env.XDG_CACHE_HOME = path.join(caches, cache);
                    assert.equal((await stack.up(upload())).error, undefined);
                    assert.equal(fs.readdirSync(path.join(caches, cache, "kata-cluster/scripts")).length, 1);
                    assert.equal(ssh.connections, 1);
                    fs.rmSync(path.join(caches, cache), { recursive: true });
                }
                assert.equal((await stack.destroy()).error, undefined);
            } finally {
                fs.rmSync(caches, { recursive: true });
                Object.assign(process.env, { XDG_CACHE_HOME: XDG_CACHE_HOME ?? "" });
            }
        });

        it("are copied again after a copy that broke off, before which no command takes them for whole", async () => {
            ssh.stub("sudo", 'exec "$@"');
            ssh.faults.closeAfterBytes = 1;
            assert.ok((await stack.up(upload())).error, "it went on");
            ssh.faults = {};
            const broken = exporting(() => void step("node", machine()));
            assert.doesNotMatch(text(), /\nrun "\$@"\n$/);
            assert.ok((await stack.up(broken)).error, "half of the scripts were run");
            fs.writeFileSync(bundlePath(), "");
            assert.ok((await stack.up(broken)).error, "no scripts were run, and nothing was said");
            const run = await stack.up(upload());
            assert.equal(run.error, undefined, said(run));
            assert.match(text(), /\nrun "\$@"\n$/);
        });
    });

    describe("a replacement", () => {
        beforeEach(() => {
            fs.mkdirSync(path.dirname(bundlePath()));
            fs.writeFileSync(bundlePath(), "# sudo of this test runs nothing");
        });

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
