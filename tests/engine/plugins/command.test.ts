import assert from "node:assert/strict";
import * as command from "@pulumi/command";
import { SshServer } from "../../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./stack";

describe(`command plugin: ${announce("command")}`, function () {
    this.timeout(120_000);
    let server: SshServer;
    let stack: TestStack;
    before(() => console.log(`    under test: ${announce("command")}`));
    beforeEach(async () => {
        server = await SshServer.start();
        stack = await TestStack.create("command");
    });
    afterEach(async () => {
        stack.remove();
        await server.close();
    });
    const remote = (args: Partial<command.remote.CommandArgs>, options = {}) =>
        exporting(() => {
            const cmd = new command.remote.Command("cmd", { connection: server.connection(), ...args }, options);
            return { stdout: cmd.stdout, stderr: cmd.stderr };
        });

    it("creates, keeps, updates in place and deletes a remote command", async () => {
        const args = { create: "echo made; echo noise >&2", update: "echo changed", delete: "echo gone > gone" };
        const first = await stack.up(remote(args));
        assert.equal(first.error, undefined, first.stdout);
        assert.deepEqual(first.outputs, { stdout: "made", stderr: "noise" });
        assert.match((await stack.resource("cmd"))!.id, /^cmd[0-9a-f]{8}$/);

        const second = await stack.up(remote(args));
        assert.deepEqual(changes(second), []);
        assert.equal(server.connections, 1);

        const third = await stack.up(remote({ ...args, stdin: "x" }));
        assert.deepEqual(changes(third), ["cmd update"]);
        assert.deepEqual(third.outputs, { stdout: "changed", stderr: "" });

        await stack.destroy();
        assert.deepEqual(
            server.commands.map(({ command }) => command),
            ["echo made; echo noise >&2", "echo changed", "echo gone > gone"],
        );
    });
});
