import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { AddressInfo, connect, createServer, Server as TcpServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { AuthContext, Connection, Server } from "ssh2";
import { SshFaults, Traffic } from "./ssh/faults";
import { keyPair, proves } from "./ssh/keys";
import { serveSession, SshCommand } from "./ssh/session";
import { Wire } from "./ssh/wire";

export type { SshCommand, SshFaults, Traffic };

/** Settings of a server. */
export interface SshServerOptions {
    faults?: SshFaults;
    /** Names of variables that a client may set, like sshd's AcceptEnv; none by default. */
    acceptEnv?: RegExp;
    /** The only user; any user if undefined. */
    user?: string;
    /** Allows log-in by this password, beside the key. */
    password?: string;
    /** The public keys that a user may log in with, `ssh-ed25519 AAAA…`; the server's own client key by default. */
    authorizedKeys?: (user: string) => string[];
    /**
     * Makes it a server that runs nothing and only forwards connections, as a bastion does: to where this says, or
     * nowhere. By default connections are forwarded to where the client says.
     */
    forwardOnly?: (host: string, port: number) => { host: string; port: number } | undefined;
    /** Milliseconds that a round trip takes. It can be changed while the server runs, for the next connection. */
    latency?: number;
    /** Folders of programs that come before the system's own, after `bin`. */
    programs?: string[];
    /** Further variables of the commands. */
    environment?: Record<string, string>;
}

/**
 * An SSH server on the loopback interface for tests: real protocol, real commands run by bash in a scratch home. It
 * counts what reaches it, is as far away as it is told to be, and fails on demand.
 */
export class SshServer {
    readonly host = "127.0.0.1";
    port = 0;
    /** The client's private key, in OpenSSH format. */
    readonly privateKey: string;
    /** The host's public key, as Pulumi's `hostKey` takes it. */
    readonly hostKey: string;
    /** Scratch folder that holds all files of the host. */
    readonly scratch: string;
    /** Home and working folder of every user. */
    readonly home: string;
    /** What stands for `/` where files are copied to an absolute path. */
    readonly root: string;
    /** First folder of the commands' PATH; see `stub`. */
    readonly bin: string;
    faults: SshFaults;
    /** Milliseconds that a round trip takes. */
    latency: number;

    /** Log-ins so far. */
    logins = 0;
    /** Sessions so far. */
    sessions = 0;
    /** Connections that are open now. */
    open = 0;
    /** What passed over the wire so far. */
    readonly traffic: Traffic = { connections: 0, received: 0, sent: 0 };
    readonly commands: SshCommand[] = [];

    private readonly tcp: TcpServer;
    private readonly sockets = new Set<Socket>();
    private readonly clientKey = keyPair();
    private readonly servers: { right: Server; wrong: Server };
    /** The open connections by the client's port. */
    private readonly wires = new Map<number, Wire>();

    private constructor(private readonly options: SshServerOptions) {
        this.faults = options.faults ?? {};
        this.latency = options.latency ?? 0;
        this.scratch = mkdtempSync(join(tmpdir(), "kata-cluster-ssh-"));
        [this.home, this.root, this.bin] = ["home", "root", "bin"].map((name) => join(this.scratch, name)) as [
            string,
            string,
            string,
        ];
        [this.home, this.root, this.bin].forEach((folder) => mkdirSync(folder));
        this.stub("sudo", 'exec "$@"');
        this.privateKey = this.clientKey.private;
        const keys = keyPair();
        this.hostKey = keys.public.trim();
        this.servers = { right: this.sshServer(keys.private), wrong: this.sshServer(keyPair().private) };
        this.tcp = createServer({ noDelay: true }, (socket) => this.accept(socket));
    }

    static async start(options: SshServerOptions = {}): Promise<SshServer> {
        const server = new SshServer(options);
        await new Promise<void>((resolve) => server.tcp.listen(0, server.host, resolve));
        server.port = (server.tcp.address() as AddressInfo).port;
        return server;
    }

    /** TCP connections so far. */
    get connections(): number {
        return this.traffic.connections;
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
        this.traffic.connections++;
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
            const wire = new Wire(socket, this.latency, this.traffic);
            this.wires.set(wire.remotePort, wire);
            wire.once("close", () => this.wires.delete(wire.remotePort));
            const server = wrongHostKey ? this.servers.wrong : this.servers.right;
            wire.whenOpen(() => server.injectSocket(wire as unknown as Socket));
        }
    }

    private sshServer(hostKey: string): Server {
        return new Server({ hostKeys: [hostKey] }, (client: Connection, { port: wire }) => {
            let user = "";
            client.on("error", () => undefined);
            client.on("authentication", (context) => {
                user = context.username;
                this.authenticate(context);
            });
            client.on("ready", () => this.logins++);
            client.on("session", (accept, reject) => {
                if (this.options.forwardOnly) {
                    reject();
                } else {
                    this.sessions++;
                    serveSession(accept(), this.sessionHost(client, user, wire));
                }
            });
            client.on("tcpip", (accept, reject, { destIP: host, destPort: port }) => {
                const to = this.options.forwardOnly ? this.options.forwardOnly(host, port) : { host, port };
                if (!to) {
                    reject();
                    return;
                }
                const target = connect(to, () => {
                    const stream = accept();
                    stream.pipe(target).pipe(stream);
                    stream.on("close", () => target.destroy());
                });
                target.on("error", () => client.end());
            });
        });
    }

    private authenticate(context: AuthContext): void {
        const { user, password, authorizedKeys = () => [this.clientKey.public] } = this.options;
        const known = user === undefined || user === context.username;
        const allowed =
            (context.method === "publickey" && authorizedKeys(context.username).some((key) => proves(context, key))) ||
            (context.method === "password" && context.password === password);
        if (known && allowed) {
            context.accept();
        } else {
            context.reject(["publickey", ...(password ? (["password"] as const) : [])]);
        }
    }

    private sessionHost(client: Connection, user: string, wire: number) {
        const { home, root, commands } = this;
        const path = [this.bin, ...(this.options.programs ?? []), process.env.PATH].join(delimiter);
        return {
            ...{ user, home, root, commands },
            environment: { ...this.options.environment, PATH: path },
            acceptEnv: this.options.acceptEnv,
            faults: () => this.faults,
            drop: () => client.end(),
            stall: () => this.wires.get(wire)?.stall(),
        };
    }
}
