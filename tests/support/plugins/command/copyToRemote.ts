import { readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { promisify } from "node:util";
import { Client, SFTPWrapper } from "ssh2";
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

/** Copies a file or a text to another host by SFTP, over what is there. Folders are beyond this stand-in. */
export async function copyToRemote(op: Operation, { connection, source, remotePath }: CopyInputs): Promise<void> {
    const content = contentOf(source);
    const client = await dial(op, new Deadline(op), connection);
    const end = () => client.destroy();
    op.cancelled.addEventListener("abort", end, { once: true });
    try {
        const sftp = await openSftp(client);
        await lostOrDone(client, write(sftp, remotePath, content));
    } finally {
        op.cancelled.removeEventListener("abort", end);
        client.end();
    }
}

function contentOf(source: Asset | Archive): Buffer {
    if (source instanceof Asset && source.text !== undefined) {
        return Buffer.from(source.text);
    }
    const { path } = source;
    if (source instanceof Archive || path === undefined || statSync(path).isDirectory()) {
        throw new Error("this stand-in for pulumi-resource-command copies single files and texts");
    }
    return readFileSync(path);
}

function openSftp(client: Client): Promise<SFTPWrapper> {
    return lostOrDone(client, promisify<SFTPWrapper>((done) => client.sftp(done as never))());
}

async function write(sftp: SFTPWrapper, remotePath: string, content: Buffer): Promise<void> {
    await makeFolders(sftp, posix.dirname(remotePath));
    await new Promise<void>((resolve, reject) =>
        sftp.writeFile(remotePath, content, (error) =>
            error ? reject(new Error(`failed to create remote file ${remotePath}: ${error.message}`)) : resolve(),
        ),
    );
}

async function makeFolders(sftp: SFTPWrapper, folder: string): Promise<void> {
    const exists = await new Promise<boolean>((resolve) => sftp.stat(folder, (error) => resolve(!error)));
    if (exists || folder === "." || folder === "/") {
        return;
    }
    await makeFolders(sftp, posix.dirname(folder));
    await new Promise<void>((resolve, reject) =>
        sftp.mkdir(folder, (error) =>
            error
                ? reject(new Error(`failed to create parent directories for ${folder}: ${error.message}`))
                : resolve(),
        ),
    );
}

function lostOrDone<T>(client: Client, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        client.once("close", () => reject(new Error("EOF: the connection was lost")));
        work.then(resolve, reject);
    });
}
