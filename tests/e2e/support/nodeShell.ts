import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { savedStack } from "./savedStack";

/** Runs commands on one of the cluster's nodes by the computer's own ssh, with the host key that the stack pinned. */
export interface NodeShell {
    /** Key of the login user, so that tests can look for it where it must not be. */
    privateKey: string;
    /** @throws if the command fails. */
    run(command: string): string;
    attempt(command: string): { status: number; stdout: string; stderr: string };
}

interface Connection {
    host: string;
    port: number;
    user: string;
    privateKey: string;
    hostKey: string;
}

interface Deployment {
    resources: { urn: string; type: string; inputs: Record<string, unknown> }[];
}

export async function nodeShell(state: string, node = "lab-control-plane-0"): Promise<NodeShell> {
    const connection = await connectionInState(state, node);
    const key = path.join(state, `e2e-key-${node}`);
    fs.writeFileSync(key, connection.privateKey, { mode: 0o600 });
    const known = path.join(state, `e2e-known-hosts-${node}`);
    fs.writeFileSync(known, `[${connection.host}]:${connection.port} ${connection.hostKey}\n`);
    const options = ["-i", key, "-p", String(connection.port), "-o", `UserKnownHostsFile=${known}`];
    const strict = ["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60"];
    const attempt = (command: string) => {
        const target = `${connection.user}@${connection.host}`;
        const { status, stdout, stderr } = spawnSync("ssh", [...options, ...strict, target, command], {
            encoding: "utf8",
        });
        return { status: status ?? 255, stdout, stderr };
    };
    return {
        privateKey: connection.privateKey,
        attempt,
        run: (command) => {
            const { status, stdout, stderr } = attempt(command);
            if (status !== 0) {
                throw new Error(`${command} ended with ${status}: ${stderr}`);
            }
            return stdout;
        },
    };
}

async function connectionInState(state: string, node: string): Promise<Connection> {
    const exported = await (await savedStack(state)).exportStack();
    const { resources } = exported.deployment as Deployment;
    const copy = resources.find(({ urn }) => urn.endsWith(`::${node}-scripts`))!;
    return inClear(copy.inputs.connection) as Connection;
}

/** Secrets in an exported state are objects that hold their value as JSON text. */
function inClear(value: unknown): unknown {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const { plaintext } = value as { plaintext?: string };
    if (plaintext !== undefined) {
        return inClear(JSON.parse(plaintext));
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inClear(one)]));
}
