import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { Client, SFTPWrapper } from "ssh2";
import { SshServer } from "../support/sshServer";

describe("the tests' SSH server", () => {
    let ssh: SshServer;
    const clients: Client[] = [];

    beforeEach(async () => {
        ssh = await SshServer.start();
    });
    afterEach(async () => {
        clients.splice(0).forEach((client) => client.destroy());
        await ssh.close();
    });

    function connect(): Promise<Client> {
        const { host, port, privateKey } = ssh;
        const client = new Client();
        clients.push(client);
        return new Promise((resolve, reject) => {
            client.once("ready", () => resolve(client)).on("error", reject);
            client.connect({ host, port, username: "root", privateKey, readyTimeout: 5000 });
        });
    }

    /** Sends a text to a command, and gives back what it prints; rejects if the connection ends before the command. */
    function run(client: Client, command: string, input = ""): Promise<string> {
        return new Promise((resolve, reject) => {
            client.once("close", () => reject(new Error("the connection was lost")));
            client.exec(command, (error, channel) => {
                if (error) {
                    return reject(error);
                }
                let output = "";
                channel.on("data", (chunk: Buffer) => (output += chunk.toString()));
                channel.on("exit", () => channel.once("close", () => resolve(output)));
                channel.end(input);
            });
        });
    }

    const milliseconds = async (act: () => Promise<unknown>) => {
        const begun = performance.now();
        await act();
        return performance.now() - begun;
    };

    it("counts connections, log-ins, commands and bytes", async () => {
        assert.equal(await run(await connect(), "cat", "x".repeat(100_000)), "x".repeat(100_000));
        await run(await connect(), "true");
        assert.deepEqual([ssh.connections, ssh.logins, ssh.commands.length], [2, 2, 2]);
        const { received, sent } = ssh.traffic;
        assert.ok(received > 100_000 && received < 120_000, `${received} bytes received`);
        assert.ok(sent > 100_000 && sent < 120_000, `${sent} bytes sent`);
    });

    it("is as far away as it is told to be, at every round trip, and keeps what passes in order", async () => {
        ssh.latency = 100;
        let client!: Client;
        // TCP, versions, keys (two), the log-in's service, none, the key: six at the least.
        const dial = await milliseconds(async () => (client = await connect()));
        assert.ok(dial >= 600, `${dial} ms`);
        // The session, the command, and its end.
        const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join("");
        let output = "";
        const command = await milliseconds(async () => (output = await run(client, "cat", lines)));
        assert.ok(command >= 200, `${command} ms`);
        assert.equal(output, lines);
    });

    it("drops or stalls a session after so many bytes, and refuses connections", async () => {
        ssh.faults = { closeAfterBytes: 50_000 };
        await assert.rejects(run(await connect(), "cat >file", "x".repeat(200_000)), /lost/);
        ssh.faults = { stallAfterBytes: 50_000 };
        const stalled = run(await connect(), "cat >file", "x".repeat(200_000)).then(() => "done");
        const late = new Promise((resolve) => setTimeout(resolve, 500, "nothing"));
        assert.equal(await Promise.race([stalled, late]), "nothing");
        stalled.catch(() => undefined);
        ssh.faults = { refuseConnections: 1 };
        await assert.rejects(connect());
        assert.equal(await run(await connect(), "echo there"), "there\n");
    });

    describe("by SFTP", () => {
        const sftp = async () => {
            const client = await connect();
            return promisify(
                client.sftp.bind(client) as (done: (e: Error | undefined, s: SFTPWrapper) => void) => void,
            )();
        };

        it("takes files below the home and below what stands for /", async () => {
            const client = await sftp();
            const text = "y".repeat(300_000);
            await promisify(client.mkdir.bind(client) as (path: string, done: (e?: Error | null) => void) => void)(
                "sub",
            );
            for (const target of ["sub/file", "/tmp/absolute"]) {
                fs.mkdirSync(path.join(ssh.root, "tmp"), { recursive: true });
                await new Promise<void>((resolve, reject) =>
                    client.writeFile(target, text, (error) => (error ? reject(error) : resolve())),
                );
            }
            assert.equal(fs.readFileSync(path.join(ssh.home, "sub/file"), "utf8"), text);
            assert.equal(fs.readFileSync(path.join(ssh.root, "tmp/absolute"), "utf8"), text);
            const stats = await new Promise<number>((resolve, reject) =>
                client.stat("sub/file", (error, { size }) => (error ? reject(error) : resolve(size))),
            );
            assert.equal(stats, text.length);
        });

        it("says what is not there, and drops a copy like anything else", async () => {
            const client = await sftp();
            await assert.rejects(
                new Promise((resolve, reject) =>
                    client.stat("nowhere", (error, found) => (error ? reject(error) : resolve(found))),
                ),
                /ENOENT|no such file/i,
            );
            ssh.faults = { closeAfterBytes: 100_000 };
            const other = await sftp();
            const lost = new Promise<void>((resolve) => clients.at(-1)!.once("close", resolve));
            other.writeFile("half", "z".repeat(500_000), () => undefined);
            await lost;
            assert.ok(fs.statSync(path.join(ssh.home, "half")).size < 500_000);
        });
    });
});
