import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { StateFolder } from "../../../stacks/local/stateFolder";
import { stackName } from "../../../stacks/local/workspace";

describe("state folder of npm start", () => {
    let folder: string;
    let state: StateFolder;

    beforeEach(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-state-"));
        state = new StateFolder(folder);
    });
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    const mode = (name: string) => fs.statSync(path.join(folder, name)).mode & 0o777;

    it("makes one passphrase, readable by its owner alone", () => {
        const passphrase = state.passphrase();
        assert.ok(passphrase.length >= 32);
        assert.equal(new StateFolder(folder).passphrase(), passphrase);
        assert.deepEqual([mode("passphrase"), mode("."), mode("backend")], [0o600, 0o700, 0o700]);
    });

    it("keeps its ports, and takes none that is in use", async () => {
        const server = net.createServer();
        await new Promise<void>((resolve, reject) => {
            server.once("error", (error: NodeJS.ErrnoException) =>
                error.code === "EADDRINUSE" ? resolve() : reject(error),
            );
            server.listen(22022, "127.0.0.1", resolve);
        });
        const ports = await state.ports();
        assert.notEqual(ports.ssh, 22022);
        assert.equal(new Set(Object.values(ports)).size, 4);
        server.close();
        assert.deepEqual(await state.ports(), ports);
    });

    it("leaves room for the SSH servers of workers above its own", async () => {
        const taken = net.createServer();
        const other = new StateFolder(fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-state-")));
        const { ssh } = await other.ports();
        await new Promise<void>((resolve) => taken.listen(ssh + 3, "127.0.0.1", resolve));
        fs.rmSync(other.file("ports.json"));
        const { ssh: elsewhere } = await other.ports();
        taken.close();
        fs.rmSync(other.path, { recursive: true });
        assert.ok(ssh + 3 < elsewhere || ssh + 3 > elsewhere + 8, `${elsewhere}`);
    });

    it("is held by one run at a time; a run that died holds nothing", () => {
        const other = spawn("sleep", ["60"]);
        state.write("lock", String(other.pid));
        assert.throws(() => state.lock(), /another npm start or npm stop \(process \d+\) is at work on .*Fix: wait/);
        other.kill("SIGKILL");
        state.write("lock", "999999999");
        assert.doesNotThrow(() => state.lock());
    });

    it("has a stack, and so machines, of its own", () => {
        const second = new StateFolder(path.join(folder, "second"));
        assert.match(stackName(state), /^local-[0-9a-f]{6}$/);
        assert.notEqual(stackName(state), stackName(second));
        assert.equal(stackName(state), stackName(new StateFolder(folder)));
    });
});
