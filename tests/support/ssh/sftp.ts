import * as fs from "node:fs";
import { Attributes, SFTPWrapper, utils } from "ssh2";

const { STATUS_CODE } = utils.sftp;

/**
 * Answers a client that copies files by SFTP. What it does not know, ssh2 answers with "operation unsupported".
 *
 * @param locate the file for a client's path
 * @param count is told of the bytes that files get or give
 */
export function serveSftp(sftp: SFTPWrapper, locate: (path: string) => string, count: (bytes: number) => void): void {
    const open = new Map<number, number>();
    let next = 0;
    const file = (handle: Buffer) => {
        const descriptor = open.get(handle.readUInt32BE(0));
        if (descriptor === undefined) {
            throw Object.assign(new Error("no such handle"), { code: "EBADF" });
        }
        return descriptor;
    };
    /** Answers with what `act` says or, if it returns nothing, that it is done. */
    const answer = (request: number, act: () => unknown) => {
        try {
            if (act() === undefined) {
                sftp.status(request, STATUS_CODE.OK);
            }
        } catch (error) {
            const { code, message } = error as NodeJS.ErrnoException;
            const known = { ENOENT: STATUS_CODE.NO_SUCH_FILE, EACCES: STATUS_CODE.PERMISSION_DENIED };
            sftp.status(request, known[code as keyof typeof known] ?? STATUS_CODE.FAILURE, message);
        }
    };
    // As sftp-server does, which ends with its input: a client may wait for that.
    sftp.on("end", () => sftp.end());
    sftp.on("OPEN", (request, path, flags) =>
        answer(request, () => {
            open.set(next, fs.openSync(locate(path), utils.sftp.flagsToString(flags) ?? "r", 0o644));
            const handle = Buffer.alloc(4);
            handle.writeUInt32BE(next++);
            sftp.handle(request, handle);
            return handle;
        }),
    );
    sftp.on("WRITE", (request, handle, offset, data) =>
        answer(request, () => {
            fs.writeSync(file(handle), data, 0, data.length, offset);
            count(data.length);
        }),
    );
    sftp.on("READ", (request, handle, offset, length) =>
        answer(request, () => {
            const data = Buffer.alloc(length);
            const read = fs.readSync(file(handle), data, 0, length, offset);
            count(read);
            if (read === 0) {
                sftp.status(request, STATUS_CODE.EOF);
            } else {
                sftp.data(request, data.subarray(0, read));
            }
            return read;
        }),
    );
    sftp.on("CLOSE", (request, handle) =>
        answer(request, () => {
            fs.closeSync(file(handle));
            open.delete(handle.readUInt32BE(0));
        }),
    );
    const told = (request: number, stats: fs.Stats) => (sftp.attrs(request, attributes(stats)), stats);
    sftp.on("FSTAT", (request, handle) => answer(request, () => told(request, fs.fstatSync(file(handle)))));
    sftp.on("STAT", (request, path) => answer(request, () => told(request, fs.statSync(locate(path)))));
    sftp.on("LSTAT", (request, path) => answer(request, () => told(request, fs.lstatSync(locate(path)))));
    sftp.on("FSETSTAT", (request, handle, attrs) =>
        answer(request, () => void (attrs.mode && fs.fchmodSync(file(handle), attrs.mode & 0o7777))),
    );
    sftp.on("SETSTAT", (request, path, attrs) =>
        answer(request, () => void (attrs.mode && fs.chmodSync(locate(path), attrs.mode & 0o7777))),
    );
    sftp.on("MKDIR", (request, path) => answer(request, () => void fs.mkdirSync(locate(path))));
    sftp.on("RMDIR", (request, path) => answer(request, () => fs.rmdirSync(locate(path))));
    sftp.on("REMOVE", (request, path) => answer(request, () => fs.unlinkSync(locate(path))));
    sftp.on("RENAME", (request, from, to) => answer(request, () => fs.renameSync(locate(from), locate(to))));
    sftp.on("REALPATH", (request, path) =>
        answer(request, () => {
            const filename = locate(path);
            sftp.name(request, [{ filename, longname: filename, attrs: {} as Attributes }]);
            return filename;
        }),
    );
}

function attributes({ mode, uid, gid, size, atimeMs, mtimeMs }: fs.Stats): Attributes {
    const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
    return { mode, uid, gid, size, atime: seconds(atimeMs), mtime: seconds(mtimeMs) };
}
