import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { version as ownVersion } from "../../package.json";
import { defaultVersions } from "../../components/versions";
import { findPlugins } from "../lab/plugins";
import { findRealReleases } from "../lab/realReleases";
import { needProgram } from "../support/programs";
import { markdown } from "./markdown";
import { Part, Pictures, Row } from "./part";

/** The machine that a part was measured on. */
export interface MachineFacts {
    cpu: string;
    cores: number;
    memoryGib: number;
    /** The load average of the minute before it began. */
    load: number;
}

/** What a part measured, with where and when. */
export interface PartResult {
    name: string;
    about: string;
    rows: Row[];
    /** Names of files below `docs/benchmarks`. */
    pictures: string[];
    machine: MachineFacts;
    /** By program. */
    versions: Record<string, string>;
    commit: string;
    /** `YYYY-MM-DD`, UTC. */
    date: string;
}

const docs = path.resolve(__dirname, "../../docs");
const file = path.join(docs, "benchmarks.json");

/** Where and when a part is measured. To be asked before it begins. */
export function circumstances(): Pick<PartResult, "machine" | "versions" | "commit" | "date"> {
    const output = (program: string, ...args: string[]) =>
        execFileSync(program, args, { cwd: __dirname, encoding: "utf8" }).trim();
    // What other parts have written here is none.
    const changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs") !== "";
    const plugins = findPlugins(findRealReleases(process.env.KATA_CLUSTER_REAL_PLUGINS).plugins);
    return {
        machine: {
            cpu: os.cpus()[0]!.model,
            cores: os.availableParallelism(),
            memoryGib: Math.round(os.totalmem() / 2 ** 30),
            load: Number(os.loadavg()[0]!.toFixed(1)),
        },
        versions: {
            "kata-cluster": ownVersion,
            kubernetes: defaultVersions.kubernetes,
            node: process.versions.node,
            pulumi: output(needProgram("pulumi"), "version").replace(/^v/, ""),
            ...Object.fromEntries(
                plugins.map(({ name, standIn }) => [`plugin ${name}`, standIn ? "stand-in" : "real"]),
            ),
        },
        commit: output("git", "rev-parse", "--short=12", "HEAD") + (changed ? " and changes" : ""),
        date: new Date().toISOString().slice(0, 10),
    };
}

/** The results with new ones in the place of those of the same parts, in the parts' order. */
export function merged(old: PartResult[], results: PartResult[], parts: readonly Pick<Part, "name">[]): PartResult[] {
    const all = new Map([...old, ...results].map((result) => [result.name, result]));
    return parts.flatMap(({ name }) => all.get(name) ?? []);
}

/** Puts results into `docs/benchmarks.json` and `docs/benchmarks.md`, beside those of other parts, and their pictures. */
export function write(results: PartResult[], pictures: Pictures, parts: readonly Part[]): void {
    const old = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as PartResult[]) : [];
    const all = merged(old, results, parts);
    for (const [name, picture] of Object.entries(pictures)) {
        const target = path.join(docs, "benchmarks", name);
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.writeFileSync(target, picture);
    }
    fs.writeFileSync(file, `${JSON.stringify(all, undefined, 4)}\n`);
    fs.writeFileSync(path.join(docs, "benchmarks.md"), markdown(all));
}
