import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Interrupted } from "../../../stacks/local/cli";
import { convergeOver } from "../../../stacks/local/converge";

describe("npm start, when a machine goes off", () => {
    /** How many updates ran, and what was said, where each fails with the next of the errors. */
    async function run(errors: Error[], ...off: string[]): Promise<{ updates: number; said: string[] }> {
        const said: string[] = [];
        let updates = 0;
        await convergeOver(
            () => off.map((name) => started(name, true)),
            (line) => said.push(line),
            () => {
                const error = errors[updates++];
                return error ? Promise.reject(error) : Promise.resolve();
            },
            grace,
        );
        return { updates, said };
    }

    const grace = { connections: 0, machine: 1, silence: 1, between: 0.2 };
    const started = (name: string, off: boolean, answers = true, stop: () => void = () => undefined) => ({
        ...{ name, off, stop },
        answers: () => Promise.resolve(answers),
    });
    const lost = new Error("the connection is gone");

    it("goes on, and says which", async () => {
        assert.deepEqual(await run([lost, lost], "p-s-lab-control-plane-0"), {
            updates: 3,
            said: [
                "p-s-lab-control-plane-0 went off; starting again and going on (1 of 3) …",
                "p-s-lab-control-plane-0 went off; starting again and going on (2 of 3) …",
            ],
        });
    });

    it("gives up the fourth time", async () => {
        await assert.rejects(run([lost, lost, lost, lost], "a"), lost);
    });

    it("ends an update that waits for a machine which stays off, and no other", async () => {
        let updates = 0;
        let machine = started("a", true);
        await convergeOver(
            () => [machine],
            () => undefined,
            async (signal) => {
                updates++;
                if (updates === 2) {
                    return;
                }
                // It is off when the update begins, which starts it.
                await sleep(2500);
                assert.equal(signal.aborted, false);
                machine = started("a", false);
                await sleep(1500);
                machine = started("a", true);
                await new Promise((_, reject) => signal.addEventListener("abort", () => reject(lost)));
            },
            grace,
        );
        assert.equal(updates, 2);
    });

    it("stops one that answers no more, and none that boots", async () => {
        const said: string[] = [];
        const stopped: string[] = [];
        // On since before the update, or started by it.
        const old = { answers: true, off: false };
        let booting = false;
        let updates = 0;
        await convergeOver(
            () => [
                started("old", old.off, old.answers, () => {
                    stopped.push("old");
                    old.off = true;
                }),
                ...(booting ? [started("new", false, false, () => stopped.push("new"))] : []),
            ],
            (line) => said.push(line),
            async (signal) => {
                updates++;
                if (updates === 2) {
                    return;
                }
                booting = true;
                await sleep(1500);
                assert.deepEqual(stopped, []);
                old.answers = false;
                await new Promise((_, reject) => signal.addEventListener("abort", () => reject(lost)));
            },
            grace,
        );
        assert.deepEqual([updates, stopped], [2, ["old"]]);
        assert.equal(said[0], "old has not answered for 1 s: it hangs, and is stopped");
    });

    it("fails for anything else", async () => {
        await assert.rejects(run([lost]), lost);
        await assert.rejects(run([new Interrupted()], "a"), Interrupted);
    });
});
