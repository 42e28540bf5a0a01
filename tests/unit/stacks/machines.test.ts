import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { folderNamedBy } from "../../support/folderNamedBy";
import { startedMachines } from "../../../stacks/local/machines";

describe("machines that were started", () => {
    const home = folderNamedBy("XDG_STATE_HOME");

    /** A machine's folder, as vm.sh keeps it. */
    function machine(name: string, files: Record<string, string>) {
        const folder = path.join(home(), "kata-cluster", name);
        fs.mkdirSync(folder, { recursive: true });
        Object.entries(files).forEach(([file, text]) => fs.writeFileSync(path.join(folder, file), text));
    }

    it("answer where their SSH server does, and are stopped by their process", async () => {
        const server = net.createServer((socket) => socket.end("SSH-2.0-x\r\n")).listen(0, "127.0.0.1");
        await new Promise((resolve) => server.once("listening", resolve));
        const { port } = server.address() as net.AddressInfo;
        const sleeping = spawn("sleep", ["60"]);
        const ended = new Promise((resolve) => sleeping.once("exit", (_, signal) => resolve(signal)));
        const command = `-netdev\nuser,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:${port}-:22,hostfwd=tcp:127.0.0.1:1-:6443\n`;
        machine("p-s-lab-control-plane-0", { boot: "1\n", pid: `${sleeping.pid}\n`, command });
        const [only] = startedMachines("p", "s", "lab");
        assert.equal(await only!.answers(), true);
        await new Promise((resolve) => server.close(resolve));
        assert.equal(await only!.answers(), false);
        only!.stop();
        assert.equal(await ended, "SIGKILL");
    });

    it("are those of this cluster, off where their process is gone", async () => {
        const ended = spawn("true");
        await new Promise((resolve) => ended.once("exit", resolve));
        machine("p-s-lab-control-plane-0", { boot: "1\n", pid: `${ended.pid}\n` });
        machine("p-s-lab-worker-0", { boot: "2\n", pid: `${process.pid}\n` });
        machine("p-s-lab-worker-1", { boot: "2\n" });
        machine("p-s-lab-worker-2", {});
        machine("p-other-lab-worker-0", { boot: "1\n" });
        const started = startedMachines("p", "s", "lab");
        assert.deepEqual(
            started.map(({ name, off }) => ({ name, off })),
            [
                { name: "p-s-lab-control-plane-0", off: true },
                { name: "p-s-lab-worker-0", off: false },
                { name: "p-s-lab-worker-1", off: true },
            ],
        );
    });
});
