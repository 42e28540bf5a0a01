import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/**
 * Single measurements of a part, each written to a file as soon as it is made, so that a run which is cut off is not
 * lost. KATA_CLUSTER_BENCH_RESUME names the file of such a run: what it holds is not measured again.
 */
export class Samples<Sample> {
    private readonly file: string;
    readonly all: Sample[];

    constructor(
        private readonly part: string,
        private readonly say: (line: string) => void,
    ) {
        this.file = process.env.KATA_CLUSTER_BENCH_RESUME ?? defaultFile;
        this.all = (this.stored()[part] ?? []) as Sample[];
    }

    /** Measures until there are so many. `measure` is told how many there were before. */
    async fill(wanted: number, measure: (index: number) => Promise<Sample>): Promise<Sample[]> {
        while (this.all.length < wanted) {
            const index = this.all.length;
            this.say(`${this.part}: ${index + 1} of ${wanted}, load ${os.loadavg()[0]!.toFixed(1)}`);
            this.all.push(await measure(index));
            fs.writeFileSync(this.file, JSON.stringify({ ...this.stored(), [this.part]: this.all }, undefined, 2));
            this.say(`${this.part}: kept in ${this.file}, which KATA_CLUSTER_BENCH_RESUME takes`);
        }
        return this.all.slice(0, wanted);
    }

    private stored(): Record<string, unknown[]> {
        return fs.existsSync(this.file)
            ? (JSON.parse(fs.readFileSync(this.file, "utf8")) as Record<string, unknown[]>)
            : {};
    }
}

const defaultFile = path.join(os.tmpdir(), `kata-cluster-bench-${process.pid}.json`);

/** How many pairs of runs are compared: KATA_CLUSTER_BENCH_PAIRS. */
export function pairsWanted(): number {
    const given = process.env.KATA_CLUSTER_BENCH_PAIRS ?? "5";
    if (!/^[1-9]\d*$/.test(given)) {
        throw new Error(`KATA_CLUSTER_BENCH_PAIRS = "${given}": a whole number from 1 on is needed`);
    }
    return Number(given);
}

/** Runs two measurements, in turns the one and the other first. */
export async function alternating<A, B>(
    index: number,
    one: () => Promise<A>,
    other: () => Promise<B>,
): Promise<[A, B]> {
    if (index % 2 === 0) {
        return [await one(), await other()];
    }
    const second = await other();
    return [await one(), second];
}
