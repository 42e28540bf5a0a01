import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { startedMachines } from "../../../stacks/local/machines";

describe("machines that were started", () => {
    const before = process.env.XDG_STATE_HOME;
    let home: string;

    beforeEach(() => {
        home = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-machines-"));
        process.env.XDG_STATE_HOME = home;
    });

    afterEach(() => {
        fs.rmSync(home, { recursive: true });
        if (before === undefined) {
            delete process.env.XDG_STATE_HOME;
        } else {
            process.env.XDG_STATE_HOME = before;
        }
    });

    /** A machine's folder, as vm.sh keeps it. */
    function machine(name: string, files: Record<string, string>) {
        const folder = path.join(home, "kata-cluster", name);
        fs.mkdirSync(folder, { recursive: true });
        Object.entries(files).forEach(([file, text]) => fs.writeFileSync(path.join(folder, file), text));
    }

    it("are those of this cluster, off where their process is gone", async () => {
        const ended = spawn("true");
        await new Promise((resolve) => ended.once("exit", resolve));
        machine("p-s-lab-control-plane-0", { boot: "1\n", pid: `${ended.pid}\n` });
        machine("p-s-lab-worker-0", { boot: "2\n", pid: `${process.pid}\n` });
        machine("p-s-lab-worker-1", { boot: "2\n" });
        machine("p-s-lab-worker-2", {});
        machine("p-other-lab-worker-0", { boot: "1\n" });
        assert.deepEqual(startedMachines("p", "s", "lab"), [
            { name: "p-s-lab-control-plane-0", off: true },
            { name: "p-s-lab-worker-0", off: false },
            { name: "p-s-lab-worker-1", off: true },
        ]);
    });
});
