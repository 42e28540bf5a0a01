import { createPrivateKey } from "node:crypto";
import { connect, Socket } from "node:net";
import { Duplex } from "node:stream";
import { AnyAuthMethod, Client, ConnectConfig, ParsedKey, utils } from "ssh2";
import { Operation } from "../shared/provider";
import { Deadline } from "./deadline";

/** One end of a connection: the inputs `connection` and `connection.proxy`. */
export interface Endpoint {
    host: string;
    port: number;
    user: string;
    password?: string;
    privateKey?: string;
    privateKeyPassword?: string;
    agentSocketPath?: string;
    /** Failed dials that are allowed; -1 is no limit. */
    dialErrorLimit: number;
    /** Seconds for the TCP connection of one dial; 0 is no limit. */
    perDialTimeout: number;
    /** The only host key that is accepted, as a line of an authorized_keys file; any key if undefined. */
    hostKey?: string;
}
export interface Connection extends Endpoint {
    proxy?: Endpoint;
}

/** Opens a connection, directly or through the proxy, with as many dials as its limits allow. */
export async function dial(op: Operation, deadline: Deadline, connection: Connection): Promise<Client> {
    const config = await clientConfig(connection);
    const { proxy } = connection;
    if (!proxy) {
        return retry(op, deadline, "Dial", connection, async () => handshake(op, config, await tcp(op, connection)));
    }
    const viaProxy = (error: Error) => Promise.reject(new Error(`proxy: ${error.message}`));
    const proxyConfig = await clientConfig(proxy).catch(viaProxy);
    const jump = await retry(op, deadline, "Dial proxy", proxy, async () =>
        handshake(op, proxyConfig, await tcp(op, proxy)),
    ).catch(viaProxy);
    try {
        const stream = await retry(op, deadline, "Dial from proxy", connection, () => forward(jump, connection));
        const client = await retry(op, deadline, "Dial", connection, () => handshake(op, config, stream));
        client.once("close", () => jump.end());
        return client;
    } catch (error) {
        jump.end();
        return viaProxy(error as Error);
    }
}

/** Dials until one dial succeeds; waits longer after each failure, 5 s at most. */
async function retry<T>(
    op: Operation,
    deadline: Deadline,
    what: string,
    { dialErrorLimit }: Endpoint,
    attempt: () => Promise<T>,
): Promise<T> {
    for (let failures = 0, delay = 100; ; delay = Math.min(delay * 1.5, 5000)) {
        try {
            return await attempt();
        } catch (error) {
            failures++;
            if (op.cancelled.aborted) {
                throw deadline.error();
            }
            if (dialErrorLimit > -1 && failures > dialErrorLimit) {
                throw new Error(`after ${failures - 1} failed attempts: ${(error as Error).message}`);
            }
            op.status("info", `${what} ${failures}/${dialErrorLimit === -1 ? "inf" : dialErrorLimit} failed: retrying`);
            await deadline.sleep(delay);
        }
    }
}

/** The TCP connection. Only this part of a dial is bounded by perDialTimeout, as in the real plugin. */
function tcp(op: Operation, { host, port, perDialTimeout }: Endpoint): Promise<Socket> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host, port, noDelay: true });
        const fail = (reason: string) => {
            socket.destroy();
            reject(new Error(`dial tcp ${host}:${port}: ${reason}`));
        };
        const cancel = () => fail("operation was canceled");
        op.cancelled.addEventListener("abort", cancel, { once: true });
        socket.setTimeout(perDialTimeout * 1000, () => fail("i/o timeout"));
        socket.once("error", (error: NodeJS.ErrnoException) =>
            fail(error.code === "ECONNREFUSED" ? "connect: connection refused" : error.message),
        );
        socket.once("connect", () => {
            op.cancelled.removeEventListener("abort", cancel);
            socket.setTimeout(0);
            socket.removeAllListeners("timeout").removeAllListeners("error");
            resolve(socket);
        });
    });
}

function forward(jump: Client, { host, port }: Endpoint): Promise<Duplex> {
    return new Promise((resolve, reject) => {
        jump.forwardOut("127.0.0.1", 0, host, port, (error, stream) =>
            error ? reject(new Error(`ssh: rejected: ${error.message}`)) : resolve(stream),
        );
    });
}

/** Key exchange, host key check and log-in on an open stream. */
function handshake(op: Operation, config: ConnectConfig, stream: Duplex): Promise<Client> {
    return new Promise((resolve, reject) => {
        const client = new Client();
        let mismatch = false;
        const fail = (reason: string) => {
            op.cancelled.removeEventListener("abort", cancel);
            client.destroy();
            reject(new Error(`ssh: handshake failed: ${mismatch ? "ssh: host key mismatch" : reason}`));
        };
        const cancel = () => fail("the deployment was cancelled");
        op.cancelled.addEventListener("abort", cancel, { once: true });
        client.once("ready", () => {
            op.cancelled.removeEventListener("abort", cancel);
            client.removeAllListeners("error").on("error", () => undefined); // sessions report a lost connection
            resolve(client);
        });
        client.on("error", (error: Error & { level?: string }) =>
            fail(
                error.level === "client-authentication"
                    ? `ssh: unable to authenticate, attempted methods [${attempted(config)}], no supported methods remain`
                    : error.message,
            ),
        );
        client.once("close", () => fail("EOF"));
        const { hostVerifier } = config as { hostVerifier?: (key: Buffer) => boolean };
        client.connect({
            ...config,
            sock: stream,
            hostVerifier: (key: Buffer) => {
                mismatch = hostVerifier ? !hostVerifier(key) : false;
                return !mismatch;
            },
        });
    });
}

function attempted(config: ConnectConfig): string {
    return (config.authHandler as AnyAuthMethod[]).map((method) => method.type).join(" ");
}

async function clientConfig(endpoint: Endpoint): Promise<ConnectConfig> {
    const username = endpoint.user;
    const methods: AnyAuthMethod[] = [{ type: "none", username }];
    if (endpoint.privateKey !== undefined) {
        methods.push({ type: "publickey", username, key: parseKey(endpoint.privateKey, endpoint.privateKeyPassword) });
    }
    if (endpoint.password !== undefined) {
        const { password } = endpoint;
        methods.push({ type: "password", username, password });
        methods.push({
            type: "keyboard-interactive",
            username,
            prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
        });
    }
    const agent = endpoint.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
    if (agent !== undefined) {
        await reachable(agent);
        methods.push({ type: "agent", username, agent });
    }
    return { username, authHandler: methods, readyTimeout: 0, ...hostKeyOptions(endpoint.hostKey) };
}

/** Accepts one host key only, and asks the server for that type of key. */
function hostKeyOptions(hostKey: string | undefined): Partial<ConnectConfig> {
    if (hostKey === undefined) {
        return {};
    }
    const parsed = utils.parseKey(hostKey.trim());
    if (parsed instanceof Error) {
        throw new Error("failed to parse host key: ssh: no key found");
    }
    const expected = parsed.getPublicSSH();
    return {
        algorithms: { serverHostKey: [parsed.type] },
        hostVerifier: (key: Buffer) => key.equals(expected),
    };
}

function parseKey(privateKey: string, passphrase: string | undefined): ParsedKey {
    const parsed = utils.parseKey(openSshOrPem(privateKey, passphrase), passphrase);
    if (parsed instanceof Error) {
        const encrypted = /passphrase|encrypted/i.test(parsed.message);
        throw new Error(encrypted ? "ssh: this private key is passphrase protected" : "ssh: no key found");
    }
    return [parsed].flat()[0]!;
}

/** ssh2 does not read PKCS #8, which the real plugin does. */
function openSshOrPem(privateKey: string, passphrase: string | undefined): string {
    if (!/BEGIN (ENCRYPTED )?PRIVATE KEY/.test(privateKey)) {
        return privateKey;
    }
    const key = createPrivateKey({ key: privateKey, passphrase });
    const type = key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
    return key.export({ type, format: "pem" }) as string;
}

function reachable(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const socket = connect(socketPath, () => {
            socket.end();
            resolve();
        });
        socket.once("error", (error: NodeJS.ErrnoException) => {
            const reason = error.code === "ENOENT" ? "connect: no such file or directory" : error.message;
            reject(new Error(`dial unix ${socketPath}: ${reason}`));
        });
    });
}
