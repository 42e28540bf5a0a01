import { spawn } from "node:child_process";

/** How a command is run. */
export interface CommandOptions {
    cwd?: string;
    /** Added to this process's environment. */
    env?: Record<string, string>;
    /** Called with each line that the command writes to standard error. */
    log?: (line: string) => void;
}

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to standard output
 * @throws with the command and the end of what it wrote to standard error
 */
export function run(program: string, args: string[], options: CommandOptions = {}): Promise<string> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, {
            cwd: options.cwd,
            env: { ...process.env, ...options.env },
            stdio: ["ignore", "pipe", "pipe"],
        });
        const output: Buffer[] = [];
        let errors = "";
        let line = "";
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => {
            errors = (errors + chunk.toString()).slice(-4000);
            const lines = (line + chunk.toString()).split("\n");
            line = lines.pop()!;
            lines.forEach((entry) => options.log?.(entry));
        });
        const name = [program, ...args].join(" ").slice(0, 200);
        child.once("error", (error) => reject(new Error(`${name}: ${error.message}`)));
        child.once("close", (code, signal) =>
            code === 0
                ? resolve(Buffer.concat(output).toString())
                : reject(new Error(`${name}: ${signal ?? `exit status ${code}`}\n${errors.trim()}`)),
        );
    });
}
