import { spawn } from "node:child_process";

/** What a program printed. */
export interface Ran {
    stdout: string;
    stderr: string;
}

/** Runs a program of this computer. @throws if it fails, with the end of what it said */
export function program(
    command: string,
    args: string[],
    options: { input?: string; environment?: Record<string, string>; onLine?: (line: string) => void } = {},
): Promise<Ran> {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            env: { ...process.env, ...options.environment },
            stdio: ["pipe", "pipe", "pipe"],
        });
        const ran: Ran = { stdout: "", stderr: "" };
        let rest = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
            ran.stdout += text;
            const lines = (rest + text).split("\n");
            rest = lines.pop()!;
            lines.forEach((line) => options.onLine?.(line));
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => (ran.stderr += text));
        // A program may end without reading all of its input; its exit status says whether that is well.
        child.stdin.on("error", () => undefined);
        child.stdin.end(options.input ?? "");
        child.once("error", reject);
        child.once("close", (status) => {
            const said = `${ran.stdout}\n${ran.stderr}`.trim().split("\n").slice(-25).join("\n");
            return status === 0 ? resolve(ran) : reject(new Error(`${command} ended with ${status}:\n${said}`));
        });
    });
}
