import { spawn } from "node:child_process";
import { isAbsolute, join } from "node:path";
import { PseudoTtyOptions, ServerChannel, Session } from "ssh2";
import { SshFaults } from "./faults";
import { serveSftp } from "./sftp";

/** A command that a client ran. */
export interface SshCommand {
    command: string;
    user: string;
    /** Undefined while it runs or if the connection was lost. */
    status?: number;
}

/** Where a session's commands run, and what goes wrong with them. */
export interface SessionHost {
    user: string;
    home: string;
    /** What stands for `/`: absolute paths of files that are copied are below it. */
    root: string;
    /** The commands' environment, without what the client sets. */
    environment: Record<string, string>;
    acceptEnv?: RegExp;
    commands: SshCommand[];
    faults: () => SshFaults;
    /** Drops the connection. */
    drop: () => void;
    /** Lets nothing more through on the connection. */
    stall: () => void;
}

/** Runs what a client asks for in one session: a command by bash, or SFTP. */
export function serveSession(session: Session, host: SessionHost): void {
    if (host.faults().stall === "session") {
        return; // nothing listens for what the client asks
    }
    const environment: Record<string, string> = {};
    let bytes = 0;
    const count = (length: number) => {
        bytes += length;
        const { closeAfterBytes = Infinity, stallAfterBytes = Infinity } = host.faults();
        if (bytes >= stallAfterBytes) {
            host.stall();
        }
        if (bytes >= closeAfterBytes) {
            host.drop();
        }
    };
    session.on("env", (accept, reject, { key, val }) => {
        if (host.acceptEnv?.test(key)) {
            environment[key] = val;
            accept?.();
        } else {
            reject?.();
        }
    });
    session.on("pty", (accept: () => void, _reject: () => void, _info: PseudoTtyOptions) => accept?.());
    session.on("sftp", (accept) => serveSftp(accept(), (path) => located(path, host), count));
    session.on("exec", (accept, _reject, { command }) => {
        const record: SshCommand = { command, user: host.user };
        host.commands.push(record);
        void execute(accept(), record, host, environment, count);
    });
}

/** The file for a client's path: below the home, or below what stands for `/`. */
function located(path: string, { home, root }: SessionHost): string {
    if (!isAbsolute(path)) {
        return join(home, path);
    }
    return [home, root].some((folder) => path === folder || path.startsWith(`${folder}/`)) ? path : join(root, path);
}

async function execute(
    channel: ServerChannel,
    record: SshCommand,
    { home, faults, environment }: SessionHost,
    more: Record<string, string>,
    count: (length: number) => void,
): Promise<void> {
    channel.on("error", () => undefined);
    const { delay } = faults();
    if (delay) {
        await new Promise((resolve) => setTimeout(resolve, delay));
    }
    const child = spawn("bash", ["-c", record.command], {
        cwd: home,
        detached: true, // a process group of its own, so that all of it ends with the session
        env: { ...more, ...environment, HOME: home, USER: record.user },
    });
    channel.on("close", () => {
        try {
            process.kill(-child.pid!, "SIGKILL");
        } catch {
            // it has ended
        }
    });
    channel.pipe(child.stdin);
    child.stdin.on("error", () => undefined);
    channel.on("data", (chunk: Buffer) => count(chunk.length));
    child.stdout.on("data", (chunk: Buffer) => count(chunk.length));
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on("close", (code, signal) => {
        const status = faults().exitCode ?? code ?? undefined;
        record.status = status;
        if (status === undefined) {
            channel.exit(signal!.replace(/^SIG/, ""));
        } else {
            channel.exit(status);
        }
        channel.end();
    });
}
