import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Interrupted } from "../../../stacks/local/cli";
import { convergeOver, machinesOff } from "../../../stacks/local/machines";

describe("npm start, when a machine goes off", () => {
    /** How many updates ran, and what was said, where each fails with the next of the errors. */
    async function run(errors: Error[], off: string[]): Promise<{ updates: number; said: string[] }> {
        const said: string[] = [];
        let updates = 0;
        await convergeOver(
            () => off,
            (line) => said.push(line),
            () => {
                const error = errors[updates++];
                return error ? Promise.reject(error) : Promise.resolve();
            },
        );
        return { updates, said };
    }

    const lost = new Error("the connection is gone");

    it("goes on, and says which", async () => {
        assert.deepEqual(await run([lost, lost], ["p-s-lab-control-plane-0"]), {
            updates: 3,
            said: [
                "p-s-lab-control-plane-0 went off; starting again and going on (1 of 3) …",
                "p-s-lab-control-plane-0 went off; starting again and going on (2 of 3) …",
            ],
        });
    });

    it("gives up the fourth time", async () => {
        await assert.rejects(run([lost, lost, lost, lost], ["a"]), lost);
    });

    it("fails for anything else", async function () {
        this.timeout(10_000);
        await assert.rejects(run([lost], []), lost);
        await assert.rejects(run([new Interrupted()], ["a"]), Interrupted);
    });
});

describe("machines that are off", () => {
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

    it("are those of this cluster that ran and do not run", async () => {
        const ended = spawn("true");
        await new Promise((resolve) => ended.once("exit", resolve));
        machine("p-s-lab-control-plane-0", { boot: "1\n", pid: `${ended.pid}\n` });
        machine("p-s-lab-worker-0", { boot: "2\n", pid: `${process.pid}\n` });
        machine("p-s-lab-worker-1", { boot: "2\n" });
        machine("p-s-lab-worker-2", {});
        machine("p-other-lab-worker-0", { boot: "1\n" });
        assert.deepEqual(machinesOff("p", "s", "lab"), ["p-s-lab-control-plane-0", "p-s-lab-worker-1"]);
    });
});
