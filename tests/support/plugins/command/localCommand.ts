import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Operation } from "../shared/provider";
import { Archive, Asset, PropertyMap } from "../shared/values";
import { Deadline } from "./deadline";
import { CommandOutput, OutputCollector, previousOutput } from "./output";

/** The inputs that say how a local command runs. */
export interface LocalInputs {
    stdin?: string;
    logging?: string;
    interpreter?: string[];
    dir?: string;
    environment?: Record<string, string>;
    assetPaths?: string[];
    archivePaths?: string[];
    addPreviousOutputInEnv?: boolean;
}

/** Runs a command on this computer. */
export async function runLocal(
    op: Operation,
    command: string,
    inputs: LocalInputs,
    previous: CommandOutput,
): Promise<PropertyMap> {
    const deadline = new Deadline(op);
    const output = new OutputCollector(op, inputs.logging);
    const [program = "/bin/sh", ...args] = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
    const dir = inputs.dir ?? process.cwd();
    const child = spawn(program, [...args, command], {
        cwd: dir,
        env: {
            ...process.env,
            ...inputs.environment,
            ...Object.fromEntries(previousOutput(inputs, previous)),
        },
        signal: deadline.signal,
        killSignal: "SIGKILL",
        stdio: [inputs.stdin ? "pipe" : "ignore", "pipe", "pipe"],
    });
    child.stdout!.on("data", (chunk: Buffer) => output.write("stdout", chunk));
    child.stderr!.on("data", (chunk: Buffer) => output.write("stderr", chunk));
    child.stdin?.on("error", () => undefined); // the command may end without reading
    child.stdin?.end(inputs.stdin);
    const cause = await new Promise<string | undefined>((resolve) => {
        child.on("error", (error: NodeJS.ErrnoException) => {
            if (error.name !== "AbortError") {
                resolve(spawnFailure(error, program, dir));
            }
        });
        child.on("close", (code, signal) => {
            resolve(signal ? `signal: ${signalText(signal)}` : code === 0 ? undefined : `exit status ${code}`);
        });
    });
    const result = output.end();
    if (cause !== undefined) {
        throw output.failure(cause, command);
    }
    const outputs: PropertyMap = { ...result };
    if (inputs.assetPaths) {
        outputs.assets = globAssets(dir, inputs.assetPaths);
    }
    if (inputs.archivePaths) {
        const assets = globAssets(dir, inputs.archivePaths);
        const hashes = Object.entries(assets).map(([path, asset]) => `${path}:${(asset as Asset).hash}`);
        outputs.archive = new Archive(digest(hashes.join("\n")), undefined, undefined, assets);
    }
    return outputs;
}

function spawnFailure(error: NodeJS.ErrnoException, program: string, dir: string): string {
    try {
        readdirSync(dir);
    } catch {
        return `chdir ${dir}: no such file or directory`;
    }
    return error.code === "ENOENT" ? `exec: "${program}": executable file not found in $PATH` : error.message;
}

function signalText(signal: NodeJS.Signals): string {
    const known: Record<string, string> = { SIGKILL: "killed", SIGTERM: "terminated", SIGINT: "interrupt" };
    return known[signal] ?? `signal ${constants.signals[signal]}`;
}

function digest(content: string | Buffer): string {
    return createHash("sha256").update(content).digest("hex");
}

/** The files under `dir` that match: rules apply in order, `!` excludes, `**` crosses folders. */
function globAssets(dir: string, globs: string[]): PropertyMap {
    const rules = globs.map((glob) => ({
        exclude: glob.startsWith("!"),
        pattern: globPattern(glob.replace(/^!/, "")),
    }));
    const assets: PropertyMap = {};
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    for (const path of files.map((entry) => join(entry.parentPath, entry.name).slice(join(dir, "/").length)).sort()) {
        for (const rule of rules.filter(({ pattern }) => pattern.test(path))) {
            if (rule.exclude) {
                delete assets[path];
            } else {
                const file = join(dir, path);
                assets[path] = new Asset(digest(readFileSync(file)), file);
            }
        }
    }
    return assets;
}

function globPattern(glob: string): RegExp {
    const pattern = glob.replace(/\*\*|[*?{},]|[.+^$()|\\]/g, (token) => {
        const table: Record<string, string> = { "**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|" };
        return table[token] ?? `\\${token}`;
    });
    return new RegExp(`^${pattern}$`, "s");
}
