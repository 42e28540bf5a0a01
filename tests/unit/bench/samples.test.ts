import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { measured, median } from "../../bench/measure";
import { alternating, pairsWanted, Samples } from "../../bench/support/samples";

describe("measurements", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-samples-"));
    const silent = () => undefined;

    after(() => {
        delete process.env.KATA_CLUSTER_BENCH_RESUME;
        delete process.env.KATA_CLUSTER_BENCH_PAIRS;
        fs.rmSync(folder, { recursive: true });
    });

    it("have a median, and keep their order", () => {
        assert.equal(median([3, 1, 2]), 2);
        assert.equal(median([4, 1, 3, 2]), 2.5);
        const row = measured("a / b", "ratio", [1.2, 1, 1.1], { most: 1.15 });
        assert.deepEqual(row, {
            what: "a / b",
            value: 1.1,
            samples: [1.2, 1, 1.1],
            unit: "ratio",
            exact: false,
            most: 1.15,
        });
    });

    it("take turns in who is first, and not in whose is whose", async () => {
        const order: string[] = [];
        const run = (name: string) => async () => order.push(name) && name;
        assert.deepEqual(await alternating(0, run("a"), run("b")), ["a", "b"]);
        assert.deepEqual(await alternating(1, run("a"), run("b")), ["a", "b"]);
        assert.deepEqual(order, ["a", "b", "b", "a"]);
    });

    it("are kept one by one, and gone on with after a run that was cut off", async () => {
        process.env.KATA_CLUSTER_BENCH_RESUME = path.join(folder, "samples.json");
        const cutOff = new Samples<number>("first", silent).fill(3, async (index) => {
            if (index === 2) {
                throw new Error("cut off");
            }
            return 10 + index;
        });
        await assert.rejects(cutOff, /cut off/);
        await new Samples<string>("second", silent).fill(1, async () => "other");
        const asked: number[] = [];
        const all = await new Samples<number>("first", silent).fill(3, async (index) => {
            asked.push(index);
            return 10 + index;
        });
        assert.deepEqual(all, [10, 11, 12]);
        assert.deepEqual(asked, [2]);
        assert.deepEqual(JSON.parse(fs.readFileSync(process.env.KATA_CLUSTER_BENCH_RESUME, "utf8")), {
            first: [10, 11, 12],
            second: ["other"],
        });
    });

    it("are five pairs, or as many as the environment says", () => {
        assert.equal(pairsWanted(), 5);
        process.env.KATA_CLUSTER_BENCH_PAIRS = "2";
        assert.equal(pairsWanted(), 2);
        process.env.KATA_CLUSTER_BENCH_PAIRS = "few";
        assert.throws(pairsWanted, /KATA_CLUSTER_BENCH_PAIRS = "few"/);
    });
});
