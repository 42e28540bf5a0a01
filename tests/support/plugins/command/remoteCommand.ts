import { Client, ClientChannel } from "ssh2";
import { quote } from "../shared/go";
import { Operation } from "../shared/provider";
import { Deadline } from "./deadline";
import { CommandOutput, OutputCollector, previousOutput } from "./output";
import { Connection, dial } from "./ssh";

/** The inputs that say how a remote command runs. */
export interface RemoteInputs {
    connection: Connection;
    stdin?: string;
    logging?: string;
    environment?: Record<string, string>;
    addPreviousOutputInEnv?: boolean;
}

const signals: Record<string, number> = { HUP: 1, INT: 2, QUIT: 3, ABRT: 6, KILL: 9, SEGV: 11, PIPE: 13, TERM: 15 };

/**
 * Runs a command on another host. As in the real plugin, customTimeouts end the dials but not a running command; unlike
 * there, a cancelled deployment ends it.
 */
export async function runRemote(
    op: Operation,
    command: string,
    inputs: RemoteInputs,
    previous: CommandOutput,
): Promise<CommandOutput> {
    const client = await dial(op, new Deadline(op), inputs.connection);
    const end = () => client.destroy();
    op.cancelled.addEventListener("abort", end, { once: true });
    try {
        const environment = Object.entries(inputs.environment ?? {});
        const channel = await open(op, client, command, environment, previousOutput(inputs, previous));
        return await run(op, client, channel, command, inputs);
    } finally {
        op.cancelled.removeEventListener("abort", end);
        client.end();
    }
}

function run(
    op: Operation,
    client: Client,
    channel: ClientChannel,
    command: string,
    inputs: RemoteInputs,
): Promise<CommandOutput> {
    const output = new OutputCollector(op, inputs.logging);
    return new Promise((resolve, reject) => {
        const finish = (code?: number | null, signal?: string) => {
            const result = output.end();
            if (code === 0) {
                resolve(result);
            } else {
                reject(output.failure(exitText(op, code, signal), command));
            }
        };
        channel.on("data", (chunk: Buffer) => output.write("stdout", chunk));
        channel.stderr.on("data", (chunk: Buffer) => output.write("stderr", chunk));
        // Not "exit", which can come before the caller of `exec` gets a turn.
        channel.once("close", finish);
        channel.on("error", () => undefined); // writing stdin to a command that has ended
        client.once("close", () => finish());
        channel.end(inputs.stdin ?? "");
    });
}

function exitText(op: Operation, code: number | null | undefined, signal: string | undefined): string {
    if (signal) {
        const name = signal.replace(/^SIG/, "");
        return `Process exited with status ${128 + (signals[name] ?? 0)} from signal ${name}`;
    }
    if (typeof code !== "number") {
        return op.cancelled.aborted
            ? "context canceled"
            : "wait: remote command exited without exit status or exit signal";
    }
    return `Process exited with status ${code}`;
}

// What ssh2 has inside and does not export: its own `exec` sends variables without asking whether the server took them.
interface Protocol {
    env(channel: number, name: string, value: string, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
}
interface OpenChannel {
    outgoing: { id: number };
    _callbacks: ((refused: boolean) => void)[];
    close(): void;
}

/** Sets the variables, each with the server's answer, and then starts the command. */
function open(
    op: Operation,
    client: Client,
    command: string,
    environment: [string, string][],
    previous: [string, string][],
): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
        const variables = [...environment, ...previous];
        askForReplies(client, variables.length, (refused) => {
            const fatal = environment.find(([name]) => refused.includes(name))?.[0];
            for (const name of refused) {
                op.log(fatal === name ? "error" : "warning", notAccepted(name));
            }
            if (fatal !== undefined) {
                reject(new Error(`could not set environment variable "${fatal}": ssh: setenv failed`));
            }
            return fatal === undefined;
        });
        const lost = () => reject(new Error(`EOF: running ${quote(command)}:\n`));
        client.once("close", lost);
        client.exec(command, { env: Object.fromEntries(variables) }, (error, channel) => {
            client.removeListener("close", lost);
            if (error) {
                reject(new Error(`${error.message}: running ${quote(command)}:\n`));
            } else {
                resolve(channel);
            }
        });
    });
}

/** Makes the next `exec` wait for the answers to its variables; it goes on if `proceed` says so. */
function askForReplies(client: Client, expected: number, proceed: (refused: string[]) => boolean): void {
    if (expected === 0) {
        return;
    }
    const internals = client as unknown as {
        _protocol: Protocol;
        _chanMgr: { _channels: Record<string, OpenChannel> };
    };
    const protocol = internals._protocol;
    const channelOf = (id: number) =>
        Object.values(internals._chanMgr._channels).find((channel) => channel.outgoing?.id === id)!;
    const env = protocol.env.bind(protocol);
    const exec = protocol.exec.bind(protocol);
    const refused: string[] = [];
    let answers = 0;
    let start = () => {};
    protocol.env = (id, name, value) => {
        channelOf(id)._callbacks.push((failed) => {
            if (failed) {
                refused.push(name);
            }
            if (++answers === expected) {
                start();
            }
        });
        env(id, name, value, true);
    };
    protocol.exec = (id, command, wantReply) => {
        start = () => (proceed(refused) ? exec(id, command, wantReply) : channelOf(id).close());
    };
}

function notAccepted(name: string): string {
    return (
        `Unable to set '${name}'. This only works if your SSH server is configured to accept these variables via ` +
        `AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the ` +
        `command itself with the variables in the form 'VAR=value command'`
    );
}
