import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";

/** The folder that `npm start` keeps everything of its stack in. Only its owner reads it. */
export class StateFolder {
    constructor(readonly path: string) {
        fs.mkdirSync(this.file("backend"), { recursive: true, mode: 0o700 });
        fs.chmodSync(path, 0o700);
    }

    file(name: string): string {
        return path.join(this.path, name);
    }

    /** The passphrase of the stack's secrets, made at the first call. */
    passphrase(): string {
        return this.once("passphrase", () => crypto.randomBytes(24).toString("base64url"));
    }

    /** Ports on 127.0.0.1 that this stack uses from its first start on: the next run must find them again. */
    async ports(): Promise<Ports> {
        const file = this.file("ports.json");
        if (!fs.existsSync(file)) {
            const preferred: Record<keyof Ports, number> = { ssh: 22022, api: 26443, downloads: 28080, images: 25000 };
            const chosen = await Promise.all(
                Object.entries(preferred).map(
                    // The SSH servers of workers are at the ports above.
                    async ([use, port]) =>
                        [use, await freePorts(port, use === "ssh" ? 1 + roomForWorkers : 1)] as const,
                ),
            );
            this.write("ports.json", JSON.stringify(Object.fromEntries(chosen)));
        }
        return JSON.parse(fs.readFileSync(file, "utf8")) as Ports;
    }

    readJson<T>(name: string, fallback: T): T {
        const file = this.file(name);
        return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as T) : fallback;
    }

    write(name: string, text: string) {
        const partial = this.file(`${name}.partial`);
        fs.writeFileSync(partial, text, { mode: 0o600 });
        fs.renameSync(partial, this.file(name));
    }

    /** @throws if another run that is still alive holds the folder. */
    lock() {
        const holder = fs.existsSync(this.file("lock")) ? Number(fs.readFileSync(this.file("lock"), "utf8")) : 0;
        if (holder > 0 && holder !== process.pid && isAlive(holder)) {
            throw new Error(
                `another npm start or npm stop (process ${holder}) is at work on ${this.path}. Fix: wait for it, or stop it with Ctrl-C`,
            );
        }
        this.write("lock", String(process.pid));
        process.once("exit", () => fs.rmSync(this.file("lock"), { force: true }));
    }

    private once(name: string, make: () => string): string {
        if (!fs.existsSync(this.file(name))) {
            this.write(name, make());
        }
        return fs.readFileSync(this.file(name), "utf8");
    }
}

/** Ports on 127.0.0.1. */
export interface Ports extends Record<string, number> {
    ssh: number;
    api: number;
    downloads: number;
    images: number;
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

/** How many ports above the SSH port are looked at. A worker beyond says itself if its port is taken. */
const roomForWorkers = 8;

/** The first of so many ports in a row, from the preferred one on or elsewhere. */
async function freePorts(preferred: number, count: number): Promise<number> {
    for (let first = preferred; ; first = (await listen(0))!) {
        const all = await Promise.all(Array.from({ length: count }, (_, i) => listen(first + i)));
        if (!all.includes(undefined)) {
            return first;
        }
    }
}

/** Whether the port, or any for 0, is free: then which. */
function listen(port: number): Promise<number | undefined> {
    return new Promise((resolve) => {
        if (port > 65535) {
            resolve(undefined);
            return;
        }
        const server = net.createServer();
        server.once("error", () => resolve(undefined));
        server.listen(port, "127.0.0.1", () => {
            const taken = (server.address() as net.AddressInfo).port;
            server.close(() => resolve(taken));
        });
    });
}
