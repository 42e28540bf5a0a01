import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { buildPrograms, missingPrograms, TestProgram } from "./support/programs";
import { needTestPackages } from "./support/testPackages";
import { minutesLeft, startClock } from "./support/timeLeft";

/** One part of the suite: a command, and how to count what it did. */
interface Part {
    name: string;
    what: string;
    /** Programs without which it counts as one skipped part. */
    needs?: TestProgram[];
    /** The test files. @default all of the part's folder */
    files?: string;
    /** Whether it is run only when it is named, and counts as skipped otherwise. */
    onlyNamed?: boolean;
    /** What it takes on a slow machine. Where CI has less time left it counts as skipped. */
    minutes?: number;
    run: (part: Part) => Promise<Counts>;
}

interface Counts {
    passed: number;
    failed: number;
    skipped: number;
    /** What its runner said of the failures, to be told once more at the end. */
    told: string;
}

const root = path.resolve(__dirname, "..");
const bin = (program: string) => path.join(root, "node_modules/.bin", program);

const parts: Part[] = [
    {
        name: "lint",
        what: "types, eslint and prettier",
        run: async () => {
            const checks = [
                [bin("tsc"), "--noEmit"],
                [bin("tsc"), "--noEmit", "-p", "tsconfig.dist.json"],
                [bin("eslint"), "."],
                [bin("prettier"), "--check", "--log-level=warn", "."],
            ];
            const counts = none();
            for (const [program, ...args] of checks) {
                const { status, output } = await command(program!, args);
                add(
                    counts,
                    status === 0 ? { ...none(), passed: 1 } : { ...none(), failed: 1, told: lastLines(output) },
                );
            }
            return counts;
        },
    },
    { name: "unit", what: "seconds: resolve, renderers, resource graph", run: mocha },
    { name: "host", what: "scripts: shellcheck, shfmt, bats", run: bats },
    {
        name: "policy",
        what: "the admission policies on a real kube-apiserver, against a corpus of manifests",
        needs: ["etcd", "kube-apiserver", "kube-controller-manager"],
        run: mocha,
    },
    {
        name: "engine",
        what: "the real Pulumi engine against loopback SSH servers",
        needs: ["pulumi", "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
        run: mochaApart,
    },
    {
        name: "package",
        what: "as others use it: pulumi package add, a YAML program, npm, the policy pack, the workflows",
        needs: ["pulumi", "pulumi-language-yaml"],
        run: mocha,
    },
    {
        name: "bench",
        what: "connections, resources and bytes of state against their targets, on stub hosts",
        needs: ["pulumi", "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
        minutes: 6,
        run: bench,
    },
    {
        name: "e2e",
        what: "minutes: a real VM from npm start to npm stop",
        files: "tests/e2e/local.test.ts",
        minutes: 35,
        run: mocha,
    },
    {
        name: "e2e-workers",
        what: "minutes: two real VMs, a control plane and a worker that comes and goes",
        files: "tests/e2e/workers.test.ts",
        onlyNamed: true,
        run: mocha,
    },
    {
        name: "e2e-gcp",
        what: "minutes: the stack gcp-containerd on the stand-in for Google Cloud's plugin, its instances two real VMs",
        files: "tests/e2e/gcp.test.ts",
        onlyNamed: true,
        run: mocha,
    },
    {
        name: "e2e-control-planes",
        what:
            "up to an hour: three control planes on real VMs, one of which is lost, comes back, and two leave; " +
            "and three of which one can't be reached",
        files: "tests/e2e/controlPlane*.test.ts",
        onlyNamed: true,
        run: mocha,
    },
];

async function mocha({ name, files = `tests/${name}/**/*.test.ts` }: Part): Promise<Counts> {
    const { status, output } = await command(bin("mocha"), [files]);
    const count = (word: string) => Number(new RegExp(`^\\s+(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
    const told = /^\s+\d+ failing$[^]*/m.exec(output)?.[0] ?? "";
    const counts = { passed: count("passing"), failed: count("failing"), skipped: count("pending"), told };
    return judged(counts, status, output);
}

/**
 * Each file in a process of its own. A program whose engine ended before it never ends itself, and what it throws later
 * would count as the error of whichever program then runs in its process.
 */
async function mochaApart(part: Part): Promise<Counts> {
    const total = none();
    const entries = fs.readdirSync(path.join(root, "tests", part.name), { recursive: true, encoding: "utf8" });
    for (const file of entries.filter((name) => name.endsWith(".test.ts")).sort()) {
        const counts = await mocha({ ...part, files: path.join("tests", part.name, file) });
        add(total, counts);
    }
    return total;
}

async function bats(): Promise<Counts> {
    const { status, output } = await command("bash", ["tests/host/run.sh"]);
    const lines = output.split("\n");
    const skipped = lines.filter((line) => /^ok \d+.* # skip/.test(line)).length;
    const passed = lines.filter((line) => /^ok \d+/.test(line)).length - skipped;
    const told = [...output.matchAll(/^not ok \d+.*(\n# .*)*/gm)].map(([text]) => text);
    return judged({ passed, failed: told.length, skipped, told: told.join("\n") }, status, output);
}

/** The quick benchmark. Only its exact figures count. */
async function bench(): Promise<Counts> {
    const { status, output } = await command("bash", ["stacks/node.sh", "tests/bench/main.ts", "--quick"]);
    const [, met, missed, broken] = /^exact figures: (\d+) met, (\d+) missed; (\d+) parts failed$/m.exec(output) ?? [];
    const [passed, failed] = [Number(met ?? 0), Number(missed ?? 0) + Number(broken ?? 0)];
    const told = output.split("\n").filter((line) => /: MISSED$|^part .* failed: /.test(line));
    return judged({ passed, failed, skipped: 0, told: told.join("\n") }, status, output);
}

/** A runner that failed without a failed test, or ran nothing, counts as one failure. */
function judged(counts: Counts, status: number, output: string): Counts {
    const wrong = counts.failed === 0 && (status !== 0 || counts.passed + counts.skipped === 0);
    return wrong ? { ...counts, failed: 1, told: lastLines(output) } : counts;
}

function lastLines(output: string): string {
    return output.trimEnd().split("\n").slice(-30).join("\n");
}

/** Runs a command, shows what it prints, and keeps it for counting. */
function command(program: string, args: string[]): Promise<{ status: number; output: string }> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
        let output = "";
        child.stdout.on("data", (data: Buffer) => {
            output += data.toString();
            process.stdout.write(data);
        });
        child.once("error", reject);
        child.once("close", (code) => resolve({ status: code ?? 1, output }));
    });
}

async function main() {
    const wanted = process.argv.slice(2);
    const unknown = wanted.filter((name) => !parts.some((part) => part.name === name));
    if (unknown.length > 0) {
        const list = parts.map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join("\n");
        throw new Error(`no such part: ${unknown.join(", ")}. npm test -- [PART…], all by default:\n${list}`);
    }
    startClock();
    const log = (line: string) => console.log(line);
    needTestPackages(log);
    await buildPrograms(log);
    const total = none();
    const rows: string[] = [];
    for (const part of parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
        console.log(`\n=== ${part.name}: ${part.what}`);
        const begun = Date.now();
        const reason = reasonToSkip(part, wanted);
        if (reason) {
            console.log(`skipped: ${reason}`);
        }
        const counts = reason ? { ...none(), skipped: 1 } : await part.run(part);
        add(total, counts.told ? { ...counts, told: `--- ${part.name}\n${counts.told}` } : counts);
        const seconds = Math.round((Date.now() - begun) / 1000);
        rows.push(`${part.name.padEnd(18)} ${text(counts)} (${seconds} s)`);
    }
    // A log is often kept or shown only by its end.
    console.log(total.told && `\nWhat failed, once more:\n${total.told}`);
    console.log(`\n${rows.join("\n")}\n\n${text(total)}`);
    process.exitCode = total.failed > 0 ? 1 : 0;
}

function reasonToSkip(part: Part, wanted: string[]): string | undefined {
    const missing = missingPrograms().filter((program) => part.needs?.includes(program));
    if (missing.length > 0) {
        return `${missing.join(", ")} missing`;
    }
    if (part.onlyNamed && wanted.length === 0) {
        return `it is run by npm test -- ${part.name}`;
    }
    const left = minutesLeft();
    return left < (part.minutes ?? 0)
        ? `CI has ${Math.floor(left)} minutes left, and it takes ${part.minutes}`
        : undefined;
}

function none(): Counts {
    return { passed: 0, failed: 0, skipped: 0, told: "" };
}

/** Adds counts to a total. */
function add(total: Counts, counts: Counts): void {
    for (const key of ["passed", "failed", "skipped"] as const) {
        total[key] += counts[key];
    }
    total.told += counts.told && `${counts.told.trimEnd()}\n`;
}

function text({ passed, failed, skipped }: Counts): string {
    return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
});
