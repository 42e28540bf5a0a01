import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { SshServer } from "../../support/sshServer";
import { announce, changes, exporting, Run, said, TestStack } from "./stack";

type CommandArgs = Partial<command.remote.CommandArgs>;

describe(`command plugin: ${announce("command")}`, function () {
    this.timeout(180_000);
    let server: SshServer;
    let stack: TestStack;
    const others: SshServer[] = [];

    before(() => console.log(`    under test: ${announce("command")}`));
    beforeEach(async () => {
        server = await SshServer.start();
        stack = await TestStack.create("command");
    });
    afterEach(async () => {
        stack.remove();
        await Promise.all([server, ...others.splice(0)].map((one) => one.close()));
    });
    const another = async (options = {}) => {
        others.push(await SshServer.start(options));
        return others.at(-1)!;
    };
    const remote = (args: CommandArgs, options: pulumi.CustomResourceOptions = {}) =>
        exporting(() => {
            const cmd = new command.remote.Command("cmd", { connection: server.connection(), ...args }, options);
            return { stdout: cmd.stdout, stderr: cmd.stderr };
        });
    const succeeded = (run: Run) => assert.ok(!run.error, said(run) || run.error?.message);
    const ran = (on = server) => on.commands.map((one) => one.command);

    describe("remote.Command", () => {
        it("creates, keeps, updates in place and deletes", async () => {
            const args = { create: "echo made; echo noise >&2", update: "echo changed", delete: "echo gone > gone" };
            const first = await stack.up(remote(args));
            succeeded(first);
            assert.deepEqual(first.outputs, { stdout: "made", stderr: "noise" });
            assert.match((await stack.resource("cmd"))!.id, /^cmd[0-9a-f]{8}$/);

            const second = await stack.up(remote(args));
            assert.deepEqual(changes(second), []);
            assert.equal(server.connections, 1);

            const third = await stack.up(remote({ ...args, stdin: "x" }));
            assert.deepEqual(changes(third), ["cmd update"]);
            assert.deepEqual(third.outputs, { stdout: "changed", stderr: "" });

            succeeded(await stack.refresh());
            succeeded(await stack.destroy());
            assert.deepEqual(ran(), [args.create, args.update, args.delete]);
            assert.ok(existsSync(join(server.home, "gone")));
        });

        it("runs create again if there is no update, with stdin, and removes one newline only", async () => {
            succeeded(await stack.up(remote({ create: "cat", stdin: "one\n\n" })));
            const run = await stack.up(remote({ create: "cat", stdin: "two\n\n" }));
            assert.equal(run.outputs.stdout, "two\n");
            assert.deepEqual(ran(), ["cat", "cat"]);
        });

        it("replaces when a trigger changes, and deletes the old one after the new one was created", async () => {
            const args = { create: "echo create", update: "echo update", delete: "echo delete" };
            succeeded(await stack.up(remote({ ...args, triggers: ["1"] })));
            const run = await stack.up(remote({ ...args, triggers: ["2"] }));
            assert.deepEqual(changes(run), ["cmd create-replacement", "cmd replace", "cmd delete-replaced"]);
            assert.deepEqual(ran(), [args.create, args.create, args.delete]);
        });

        it("has outputs in a preview only while no input changes", async () => {
            let known = false;
            const program = (args: CommandArgs) =>
                exporting(() => {
                    known = false;
                    const cmd = new command.remote.Command("cmd", { connection: server.connection(), ...args });
                    cmd.stdout.apply(() => (known = true));
                });
            assert.deepEqual(changes(await stack.preview(program({ create: "echo 1" }))), ["cmd create"]);
            assert.equal(known, false);
            succeeded(await stack.up(program({ create: "echo 1" })));
            await stack.preview(program({ create: "echo 1" }));
            assert.equal(known, true);
            const preview = await stack.preview(program({ create: "echo 2" }));
            assert.deepEqual(changes(preview), ["cmd update"]);
            assert.deepEqual(Object.keys(preview.steps.find(({ name }) => name === "cmd")!.detailedDiff), ["create"]);
            assert.equal(known, false);
            assert.equal(server.connections, 1, "a preview must not connect");
        });

        it("keeps the connection secret", async () => {
            const run = await stack.up(remote({ create: "true" }));
            succeeded(run);
            const key = server.privateKey.split("\n")[2]!;
            assert.ok(!stack.stored().includes(key));
            assert.ok(!run.stdout.includes(key));
        });

        it("fails with the command and all that it printed, and keeps no state", async () => {
            const run = await stack.up(remote({ create: 'echo "to stdout"; echo to stderr >&2; exit 3' }));
            const error = said(run, "error");
            assert.match(error, /Process exited with status 3: running "echo \\"to stdout\\"; .*exit 3":/);
            assert.match(error, /to stdout/);
            assert.match(error, /to stderr/);
            assert.equal(await stack.resource("cmd"), undefined);
        });

        it("keeps the old state when an update fails", async () => {
            succeeded(await stack.up(remote({ create: "echo good" })));
            const run = await stack.up(remote({ create: "echo bad; exit 1" }));
            assert.match(said(run, "error"), /status 1/);
            assert.equal((await stack.resource("cmd"))!.outputs.stdout, "good");
        });

        it("shows lines while the command runs, of the streams that it is told to", async () => {
            const create = "echo out1; echo err1 >&2; sleep 2; echo out2";
            for (const [logging, shown] of [
                ["stdoutAndStderr", ["out1", "err1", "out2"]],
                ["stderr", ["err1"]],
                ["none", []],
            ] as const) {
                const run = await stack.up(remote({ create: `${create}; true ${logging}`, logging }));
                succeeded(run);
                const lines = run.messages.filter(({ message }) => /^(out|err)\d$/.test(message));
                assert.deepEqual(new Set(lines.map(({ message }) => message)), new Set(shown));
                if (logging === "stdoutAndStderr") {
                    const at = (text: string) => lines.find(({ message }) => message === text)!.at;
                    assert.ok(at("out2") - at("out1") > 1000, "lines must come while the command runs");
                }
            }
        });

        it("refuses another host key than the given one", async () => {
            server.faults.wrongHostKey = true;
            const run = await stack.up(
                remote({ create: "echo secret", connection: server.connection({ dialErrorLimit: 1 }) }),
            );
            assert.match(said(run, "error"), /host key mismatch/);
            assert.deepEqual(ran(), []);
        });

        it("dials again until the host answers, and gives up after the limit", async () => {
            server.faults.refuseConnections = 3;
            const run = await stack.up(remote({ create: "echo up" }));
            succeeded(run);
            assert.equal(server.connections, 4);
            assert.match(said(run), /Dial 1\/10 failed: retrying/);

            server.faults.refuseConnections = 100;
            const connection = server.connection({ dialErrorLimit: 2 });
            const failed = await stack.up(remote({ create: "echo down", connection }));
            assert.match(said(failed, "error"), /after 2 failed attempts: /);
            assert.equal(server.connections, 7);
        });

        it("stops to dial when customTimeouts are over", async () => {
            server.faults.refuseConnections = 10_000;
            const connection = server.connection({ dialErrorLimit: -1 });
            const start = Date.now();
            const run = await stack.up(remote({ create: "true", connection }, { customTimeouts: { create: "3s" } }));
            assert.match(said(run, "error"), /context deadline exceeded/);
            assert.match(said(run), /Dial 1\/inf failed: retrying/);
            assert.ok(Date.now() - start < 60_000);
        });

        it("logs in by password", async () => {
            const other = await another({ user: "pi", password: "raspberry" });
            const { host, port, hostKey } = other;
            const program = (password: string) =>
                remote({
                    create: "echo $USER",
                    connection: { host, port, hostKey, user: "pi", password, dialErrorLimit: 0 },
                });
            const refused = await stack.up(program("wrong"));
            assert.match(said(refused, "error"), /unable to authenticate/);
            const run = await stack.up(program("raspberry"));
            succeeded(run);
            assert.equal(run.outputs.stdout, "pi");
        });

        it("reaches a host through a proxy", async () => {
            const jump = await another();
            const connection = server.connection({ proxy: jump.connection() });
            const run = await stack.up(remote({ create: "echo behind", connection }));
            succeeded(run);
            assert.equal(run.outputs.stdout, "behind");
            assert.deepEqual([jump.connections, jump.commands.length], [1, 0]);
        });

        it("sets variables that the server takes, and fails on others", async () => {
            const taking = await another({ acceptEnv: /^LC_/ });
            const connection = taking.connection();
            const run = await stack.up(remote({ create: "echo $LC_A", connection, environment: { LC_A: "a" } }));
            succeeded(run);
            assert.equal(run.outputs.stdout, "a");
            const refused = await stack.up(remote({ create: "echo $B", connection, environment: { B: "b" } }));
            assert.match(said(refused, "error"), /could not set environment variable "B"/);
            assert.deepEqual(ran(taking), ["echo $LC_A"]);
        });

        it("hands over the previous output, unless it is told not to", async () => {
            const taking = await another({ acceptEnv: /^PULUMI_/ });
            // It reads its stdin: the real plugin fails with EOF if a command has ended before it was sent that.
            const args = { create: "echo first", update: 'cat >/dev/null; echo "was $PULUMI_COMMAND_STDOUT"' };
            succeeded(await stack.up(remote({ ...args, connection: taking.connection() })));
            const run = await stack.up(remote({ ...args, connection: taking.connection(), stdin: "x" }));
            assert.equal(run.outputs.stdout, "was first");
            const refused = await stack.up(remote({ ...args, stdin: "y" }));
            succeeded(refused);
            assert.match(said(refused, "warning"), /Unable to set 'PULUMI_COMMAND_STDOUT'/);
            const quiet = await stack.up(remote({ ...args, stdin: "z", addPreviousOutputInEnv: false }));
            succeeded(quiet);
            assert.equal(quiet.outputs.stdout, "was ");
            assert.doesNotMatch(said(quiet, "warning"), /Unable to set/);
        });

        it("reports a lost connection", async () => {
            server.faults.closeAfterBytes = 5;
            const run = await stack.up(remote({ create: "echo 123456; sleep 60" }));
            assert.match(said(run, "error"), /without exit status|EOF|running "echo 123456; sleep 60"/);
            assert.equal(await stack.resource("cmd"), undefined);
        });

        it("refuses inputs that it does not know", async () => {
            const connection = { ...server.connection(), hostkey: "typing error" };
            const run = await stack.up(remote({ create: "true", connection }));
            assert.match(said(run, "error"), /hostkey/);
            assert.equal(server.connections, 0);
        });
    });

    describe("remote.CopyToRemote", () => {
        const copy = (source: pulumi.asset.Asset, args: object = {}) =>
            exporting(() => {
                const connection = server.connection();
                new command.remote.CopyToRemote("copy", { connection, source, remotePath: "a/b/c", ...args });
            });
        const text = () => readFileSync(join(server.home, "a/b/c"), "utf8");
        const one = () => join(server.home, "one");

        it("copies a file or a text, makes its folder, keeps it, and copies again over what is there", async () => {
            writeFileSync(one(), "x".repeat(200_000));
            succeeded(await stack.up(copy(new pulumi.asset.FileAsset(one()))));
            assert.equal(text(), "x".repeat(200_000));
            assert.deepEqual(changes(await stack.up(copy(new pulumi.asset.FileAsset(one())))), []);
            assert.equal(server.connections, 1);
            const run = await stack.up(copy(new pulumi.asset.StringAsset("two")));
            assert.deepEqual([run.error, changes(run), text()], [undefined, ["copy update"], "two"]);
            succeeded(await stack.destroy());
            assert.deepEqual([text(), server.connections], ["two", 2]);
        });

        it("leaves another connection without a copy, unless a trigger changes", async () => {
            const asset = new pulumi.asset.StringAsset("one");
            succeeded(await stack.up(copy(asset, { triggers: ["1"] })));
            rmSync(join(server.home, "a/b/c"));
            const connection = server.connection({ perDialTimeout: 20 });
            const run = await stack.up(copy(asset, { triggers: ["1"], connection }));
            assert.deepEqual([changes(run), server.connections], [["copy update"], 1]);
            succeeded(await stack.up(copy(asset, { triggers: ["2"], connection })));
            assert.equal(text(), "one");
        });

        it("has the digest of a file in its state, and of a text all of it", async () => {
            writeFileSync(one(), "CONTENT");
            succeeded(await stack.up(copy(new pulumi.asset.FileAsset(one()))));
            assert.ok(!stack.stored().includes("CONTENT"));
            succeeded(await stack.up(copy(new pulumi.asset.StringAsset("CONTENT 2"))));
            assert.ok(stack.stored().includes("CONTENT 2"));
        });

        it("fails when the connection is lost, and copies at the next up", async () => {
            const asset = new pulumi.asset.StringAsset("y".repeat(200_000));
            server.faults.closeAfterBytes = 50_000;
            assert.ok((await stack.up(copy(asset))).error, "it went on");
            server.faults = {};
            succeeded(await stack.up(copy(asset)));
            assert.equal(text().length, 200_000);
        });
    });

    describe("local", () => {
        it("runs commands with interpreter, environment, folder and stdin", async () => {
            const program = (stdin: string) =>
                exporting(() => {
                    const cmd = new command.local.Command("cmd", {
                        create: 'cat; echo "$VALUE $PWD"; echo "previous=$PULUMI_COMMAND_STDOUT"',
                        delete: "echo gone > gone",
                        interpreter: ["bash", "-c"],
                        environment: { VALUE: "value" },
                        dir: server.home,
                        stdin,
                    });
                    return { stdout: cmd.stdout };
                });
            const first = await stack.up(program("1\n"));
            succeeded(first);
            assert.equal(first.outputs.stdout, `1\nvalue ${server.home}\nprevious=`);
            const second = await stack.up(program("2\n"));
            assert.deepEqual(changes(second), ["cmd update"]);
            assert.equal(second.outputs.stdout, `2\nvalue ${server.home}\nprevious=${String(first.outputs.stdout)}`);
            succeeded(await stack.destroy());
            assert.ok(existsSync(join(server.home, "gone")));
        });

        it("fails with what was printed, and when customTimeouts are over", async () => {
            const program = (create: string) =>
                exporting(() => {
                    new command.local.Command("cmd", { create }, { customTimeouts: { create: "2s" } });
                });
            assert.match(
                said(await stack.up(program("echo x; exit 4")), "error"),
                /exit status 4: running "echo x; exit 4":\nx/,
            );
            assert.match(said(await stack.up(program("exec sleep 30")), "error"), /signal: killed/);
        });

        it("runs a function in each preview and deployment", async () => {
            const program = exporting(() => {
                const output = command.local.runOutput({ command: "echo made > made; cat made", dir: server.home });
                return { stdout: output.stdout };
            });
            await stack.preview(program);
            assert.ok(existsSync(join(server.home, "made")));
            assert.equal((await stack.up(program)).outputs.stdout, "made");
        });

        it("returns the files that match", async () => {
            writeFileSync(join(server.home, "a.txt"), "a");
            writeFileSync(join(server.home, "b.txt"), "b");
            const program = exporting(() => {
                const assetPaths = ["*.txt", "!b*"];
                const cmd = new command.local.Command("cmd", { create: "true", dir: server.home, assetPaths });
                return { files: cmd.assets.apply((assets) => Object.keys(assets ?? {})) };
            });
            const run = await stack.up(program);
            succeeded(run);
            assert.deepEqual(run.outputs.files, ["a.txt"]);
        });
    });
});
