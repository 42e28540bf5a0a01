import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { AddressInfo, connect, createServer, Server as TcpServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connection, PseudoTtyOptions, Server, ServerChannel, Session, utils } from "ssh2";

/** What goes wrong. All of it can be changed while the server runs; it counts for the next connection or command. */
export interface SshFaults {
    /** Closes this many connections before the handshake, as a host that is still booting does. */
    refuseConnections?: number;
    /** Never answers: the handshake, or what is asked for after the log-in. */
    stall?: "handshake" | "session";
    /** Waits this many milliseconds before a command runs. */
    delay?: number;
    /** Shows another host key than `hostKey`. */
    wrongHostKey?: boolean;
    /** Drops the connection once a session has carried this many bytes, in either direction. */
    closeAfterBytes?: number;
    /** Ends every command with this status, whatever it did. */
    exitCode?: number;
}

/** Settings of a server. */
export interface SshServerOptions {
    faults?: SshFaults;
    /** Names of variables that a client may set, like sshd's AcceptEnv; none by default. */
    acceptEnv?: RegExp;
    /** The only user; any user if undefined. */
    user?: string;
    /** Allows log-in by this password, beside the key. */
    password?: string;
}

/** A command that a client ran. */
export interface SshCommand {
    command: string;
    user: string;
    /** Undefined while it runs or if the connection was lost. */
    status?: number;
}

/**
 * An SSH server on the loopback interface for tests: real protocol, real commands run by bash in a scratch home. It
 * counts what reaches it and fails on demand.
 */
export class SshServer {
    readonly host = "127.0.0.1";
    port = 0;
    /** The client's private key, in OpenSSH format. */
    readonly privateKey: string;
    /** The host's public key, as Pulumi's `hostKey` takes it. */
    readonly hostKey: string;
    /** Home and working folder of every user. */
    readonly home: string;
    /** First folder of the commands' PATH; see `stub`. */
    readonly bin: string;
    faults: SshFaults;

    /** TCP connections so far. */
    connections = 0;
    /** Log-ins so far. */
    logins = 0;
    /** Sessions so far. */
    sessions = 0;
    /** Connections that are open now. */
    open = 0;
    readonly commands: SshCommand[] = [];

    private readonly tcp: TcpServer;
    private readonly sockets = new Set<Socket>();
    private readonly scratch: string;
    private readonly clientKey = keyPair();
    private readonly servers: { right: Server; wrong: Server };

    private constructor(private readonly options: SshServerOptions) {
        this.faults = options.faults ?? {};
        this.scratch = mkdtempSync(join(tmpdir(), "kata-cluster-ssh-"));
        this.home = join(this.scratch, "home");
        this.bin = join(this.scratch, "bin");
        mkdirSync(this.home);
        mkdirSync(this.bin);
        this.stub("sudo", 'exec "$@"');
        this.privateKey = this.clientKey.private;
        const keys = keyPair();
        this.hostKey = keys.public.trim();
        const wrong = keyPair().private;
        this.servers = { right: this.sshServer(keys.private), wrong: this.sshServer(wrong) };
        this.tcp = createServer((socket) => this.accept(socket));
    }

    static async start(options: SshServerOptions = {}): Promise<SshServer> {
        const server = new SshServer(options);
        await new Promise<void>((resolve) => server.tcp.listen(0, server.host, resolve));
        server.port = (server.tcp.address() as AddressInfo).port;
        return server;
    }

    /** The arguments `connection` of @pulumi/command for this server. */
    connection<T extends object>(more?: T) {
        const { host, port, privateKey, hostKey } = this;
        return { host, port, user: this.options.user ?? "root", privateKey, hostKey, ...(more as T) };
    }

    /** Puts a program before the system's own: the text of a bash script without its first line. */
    stub(name: string, script: string): void {
        const path = join(this.bin, name);
        writeFileSync(path, `#!/usr/bin/env bash\n${script}\n`);
        chmodSync(path, 0o755);
    }

    /** Drops all connections and, unless they are to be looked at, removes the scratch files. */
    async close(keepFiles = false): Promise<void> {
        this.sockets.forEach((socket) => socket.destroy());
        await new Promise((resolve) => this.tcp.close(resolve));
        if (!keepFiles) {
            rmSync(this.scratch, { recursive: true, force: true });
        }
    }

    private accept(socket: Socket): void {
        this.connections++;
        this.open++;
        this.sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
            this.open--;
            this.sockets.delete(socket);
        });
        const { refuseConnections = 0, stall, wrongHostKey } = this.faults;
        if (refuseConnections > 0) {
            this.faults.refuseConnections = refuseConnections - 1;
            socket.destroy();
        } else if (stall !== "handshake") {
            (wrongHostKey ? this.servers.wrong : this.servers.right).injectSocket(socket);
        }
    }

    private sshServer(hostKey: string): Server {
        const authorized = utils.parseKey(this.clientKey.public);
        if (authorized instanceof Error) {
            throw authorized;
        }
        const server = new Server({ hostKeys: [hostKey] }, (client: Connection) => {
            let user = "";
            client.on("error", () => undefined);
            client.on("authentication", (context) => {
                user = context.username;
                const known = this.options.user === undefined || this.options.user === user;
                const allowed =
                    (context.method === "publickey" &&
                        context.key.data.equals(authorized.getPublicSSH()) &&
                        (!context.signature ||
                            authorized.verify(context.blob!, context.signature, context.hashAlgo) === true)) ||
                    (context.method === "password" && context.password === this.options.password);
                if (known && allowed) {
                    context.accept();
                } else {
                    context.reject(["publickey", ...(this.options.password ? (["password"] as const) : [])]);
                }
            });
            client.on("ready", () => this.logins++);
            client.on("session", (accept) => this.session(accept(), user, () => client.end()));
            client.on("tcpip", (accept, _reject, info) => {
                const target = connect(info.destPort, info.destIP, () => {
                    const stream = accept();
                    stream.pipe(target).pipe(stream);
                    stream.on("close", () => target.destroy());
                });
                target.on("error", () => client.end());
            });
        });
        return server;
    }

    private session(session: Session, user: string, drop: () => void): void {
        this.sessions++;
        const environment: Record<string, string> = {};
        if (this.faults.stall === "session") {
            return; // nothing listens for what the client asks
        }
        let bytes = 0;
        const count = (length: number) => {
            bytes += length;
            if (this.faults.closeAfterBytes !== undefined && bytes >= this.faults.closeAfterBytes) {
                drop();
            }
        };
        session.on("env", (accept, reject, info) => {
            const { key, val } = info;
            if (this.options.acceptEnv?.test(key)) {
                environment[key] = val;
                accept?.();
            } else {
                reject?.();
            }
        });
        session.on("pty", (accept: () => void, _reject: () => void, _info: PseudoTtyOptions) => accept?.());
        session.on("exec", (accept, _reject, { command }) => {
            const record: SshCommand = { command, user };
            this.commands.push(record);
            void this.execute(accept(), record, environment, count);
        });
    }

    private async execute(
        channel: ServerChannel,
        record: SshCommand,
        environment: Record<string, string>,
        count: (length: number) => void,
    ): Promise<void> {
        channel.on("error", () => undefined);
        if (this.faults.delay) {
            await new Promise((resolve) => setTimeout(resolve, this.faults.delay));
        }
        const child = spawn("bash", ["-c", record.command], {
            cwd: this.home,
            detached: true, // a process group of its own, so that all of it ends with the session
            env: { ...environment, HOME: this.home, USER: record.user, PATH: `${this.bin}:${process.env.PATH}` },
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
            const status = this.faults.exitCode ?? code ?? undefined;
            record.status = status;
            if (status === undefined) {
                channel.exit(signal!.replace(/^SIG/, ""));
            } else {
                channel.exit(status);
            }
            channel.end();
        });
    }
}

/** ssh2 writes about one key in 250 in a form that it does not read back. */
function keyPair(): ReturnType<typeof utils.generateKeyPairSync> {
    for (;;) {
        const pair = utils.generateKeyPairSync("ed25519");
        if (!(utils.parseKey(pair.private) instanceof Error)) {
            return pair;
        }
    }
}
