import { spawn } from "node:child_process";
import * as path from "node:path";

const root = path.resolve(__dirname, "../../..");

/** Runs `npm start` or `npm stop` on a state folder as a user would, and shows what it prints; fails with its errors. */
export function npm(state: string, script: string, ...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
        const child = spawn("npm", ["run", "--silent", script, "--", "--state", state, ...args], {
            cwd: root,
            stdio: ["ignore", "pipe", "pipe"],
        });
        let text = "";
        child.stdout.on("data", (data: Buffer) => {
            text += data.toString();
            process.stdout.write(data);
        });
        let errors = "";
        child.stderr.on("data", (data: Buffer) => {
            errors += data.toString();
            process.stderr.write(data);
        });
        child.once("close", (code) =>
            code === 0 ? resolve(text) : reject(new Error(`npm ${script} ended with ${code}:\n${errors}`)),
        );
    });
}
