import { readdir, readFile, stat } from "node:fs/promises";
import { basename, posix } from "node:path";
import { SFTPWrapper, Stats } from "ssh2";
import { Operation } from "../shared/provider";
import { Archive, Asset } from "../shared/values";
import { Deadline } from "./deadline";
import { Connection, dial } from "./ssh";

/** The inputs of a copy. */
export interface CopyInputs {
    connection: Connection;
    source: Asset | Archive;
    remotePath: string;
}

/** Copies a text, a file or a folder over SFTP, as the user who logs in. */
export async function copyToRemote(op: Operation, { connection, source, remotePath }: CopyInputs): Promise<void> {
    const client = await dial(op, new Deadline(op), connection);
    const end = () => client.destroy();
    op.cancelled.addEventListener("abort", end, { once: true });
    try {
        const lost = new Promise<never>((_, reject) =>
            client.once("close", () => reject(new Error("connection lost"))),
        );
        lost.catch(() => undefined);
        await Promise.race([copy(new Remote(await sftpOf(client)), source, remotePath), lost]);
    } finally {
        op.cancelled.removeEventListener("abort", end);
        client.end();
    }
}

function sftpOf(client: Awaited<ReturnType<typeof dial>>): Promise<SFTPWrapper> {
    return new Promise((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
}

async function copy(remote: Remote, source: Asset | Archive, remotePath: string): Promise<void> {
    const target = await remote.stat(remotePath);
    if (source instanceof Asset && source.text !== undefined) {
        if (target?.isDirectory()) {
            const hint = "when using a text asset, remotePath must be a file path";
            throw new Error(`remote path ${remotePath} is a directory; ${hint}`);
        }
        await remote.makeFolders(posix.dirname(remotePath), `create parent directories for ${remotePath}`);
        return remote.write(remotePath, Buffer.from(source.text), `write text content to remote path ${remotePath}`);
    }
    const path = source.path!;
    if (!(await stat(path).catch(notFound(path))).isDirectory()) {
        if (target?.isDirectory()) {
            return copyFile(remote, path, posix.join(remotePath, basename(path)));
        }
        if (!target) {
            await remote.makeFolders(posix.dirname(remotePath), `create parent directories for ${remotePath}`);
        }
        return copyFile(remote, path, remotePath);
    }
    if (!target) {
        await remote.makeFolders(remotePath, `create remote directory ${remotePath}`);
    }
    // As with rsync: `dir` is copied into the target, of `dir/` only what is in it.
    const folder = path.endsWith("/") ? remotePath : posix.join(remotePath, basename(path));
    await remote.makeFolder(folder);
    await copyFolder(remote, path, folder);
}

async function copyFolder(remote: Remote, from: string, to: string): Promise<void> {
    const entries = await readdir(from, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const [local, target] = [posix.join(from, entry.name), posix.join(to, entry.name)];
        if (entry.isDirectory()) {
            await remote.makeFolder(target);
            await copyFolder(remote, local, target);
        } else {
            await copyFile(remote, local, target);
        }
    }
}

async function copyFile(remote: Remote, from: string, to: string): Promise<void> {
    const content = await readFile(from).catch(notFound(from));
    await remote.write(to, content, `copy file ${from} to remote path ${to}`);
}

function notFound(path: string): (error: NodeJS.ErrnoException) => never {
    return (error) => {
        throw new Error(error.code === "ENOENT" ? `open ${path}: no such file or directory` : error.message);
    };
}

/** The few file operations of a copy. */
class Remote {
    constructor(private readonly sftp: SFTPWrapper) {}

    stat(path: string): Promise<Stats | undefined> {
        return new Promise((resolve, reject) =>
            this.sftp.stat(path, (error, stats) => {
                // 2 is SSH_FX_NO_SUCH_FILE
                if (error && (error as { code?: number }).code !== 2) {
                    reject(new Error(`failed to stat remote path ${path}: ${error.message}`));
                } else {
                    resolve(error ? undefined : stats);
                }
            }),
        );
    }

    /** Makes one folder if it is missing. */
    async makeFolder(path: string): Promise<void> {
        const stats = await this.stat(path);
        if (stats && !stats.isDirectory()) {
            throw new Error(`remote path ${path} exists but is not a directory`);
        }
        if (!stats) {
            await this.mkdir(path, `create remote directory ${path}`);
        }
    }

    /** Makes a folder and those above it. */
    async makeFolders(path: string, what: string): Promise<void> {
        const stats = await this.stat(path);
        if (stats?.isDirectory()) {
            return;
        }
        if (stats) {
            throw new Error(`failed to ${what}: mkdir ${path}: not a directory`);
        }
        const parent = posix.dirname(path);
        if (parent !== path) {
            await this.makeFolders(parent, what);
        }
        await this.mkdir(path, what);
    }

    private mkdir(path: string, what: string): Promise<void> {
        return new Promise((resolve, reject) =>
            this.sftp.mkdir(path, (error) =>
                error ? reject(new Error(`failed to ${what}: ${error.message}`)) : resolve(),
            ),
        );
    }

    /** Writes a file, over what is there. */
    async write(path: string, content: Buffer, what: string): Promise<void> {
        const handle = await new Promise<Buffer>((resolve, reject) =>
            this.sftp.open(path, "w", (error, opened) =>
                error ? reject(new Error(`failed to create remote file ${path}: ${error.message}`)) : resolve(opened),
            ),
        );
        try {
            if (content.length > 0) {
                await new Promise<void>((resolve, reject) =>
                    this.sftp.write(handle, content, 0, content.length, 0, (error) =>
                        error ? reject(new Error(`failed to ${what}: ${error.message}`)) : resolve(),
                    ),
                );
            }
        } finally {
            await new Promise<void>((resolve) => this.sftp.close(handle, () => resolve()));
        }
    }
}
