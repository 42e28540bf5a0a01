import * as fs from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";
import { Attributes, SFTPWrapper, utils } from "ssh2";

const { STATUS_CODE, OPEN_MODE } = utils.sftp;

/**
 * Serves files below `home` by SFTP. Relative paths start at `home`; absolute ones are taken as below `home` too, so
 * that a test cannot write to the machine it runs on.
 */
export function serveSftp(
    sftp: SFTPWrapper,
    home: string,
    wrote: (path: string) => void,
    count: (length: number) => void,
): void {
    const open = new Map<number, { file: number; path: string } | { names: string[]; path: string }>();
    let next = 0;

    const local = (path: string): string => {
        const full = isAbsolute(path) && !path.startsWith(home) ? resolve(home, `.${path}`) : resolve(home, path);
        return full.startsWith(home) ? full : home;
    };
    const handleOf = (buffer: Buffer) => open.get(buffer.readUInt32BE(0))!;
    const newHandle = (value: { file: number; path: string } | { names: string[]; path: string }): Buffer => {
        const buffer = Buffer.alloc(4);
        buffer.writeUInt32BE(next, 0);
        open.set(next++, value);
        return buffer;
    };
    /** Answers with what `action` returns, or with the status code of its error. */
    const answer = (id: number, action: () => void): void => {
        try {
            action();
        } catch (error) {
            const code = (error as NodeJS.ErrnoException).code;
            const status =
                code === "ENOENT"
                    ? STATUS_CODE.NO_SUCH_FILE
                    : code === "EACCES" || code === "EROFS"
                      ? STATUS_CODE.PERMISSION_DENIED
                      : STATUS_CODE.FAILURE;
            sftp.status(id, status);
        }
    };
    const done = (id: number, action: () => void) =>
        answer(id, () => {
            action();
            sftp.status(id, STATUS_CODE.OK);
        });

    sftp.on("error", () => undefined);
    // Go's client waits for the server to close the channel too, as sshd does.
    sftp.on("end", () => sftp.end());
    sftp.on("OPEN", (id, path, flags, attributes) =>
        answer(id, () => {
            const full = local(path);
            const file = fs.openSync(full, fileFlags(flags), attributes.mode || 0o644);
            sftp.handle(id, newHandle({ file, path: full }));
            if (flags & OPEN_MODE.WRITE) {
                wrote(relative(home, full));
            }
        }),
    );
    sftp.on("WRITE", (id, handle, offset, data) =>
        done(id, () => {
            count(data.length);
            fs.writeSync((handleOf(handle) as { file: number }).file, data, 0, data.length, offset);
        }),
    );
    sftp.on("READ", (id, handle, offset, length) =>
        answer(id, () => {
            const buffer = Buffer.alloc(length);
            const read = fs.readSync((handleOf(handle) as { file: number }).file, buffer, 0, length, offset);
            if (read === 0) {
                sftp.status(id, STATUS_CODE.EOF);
            } else {
                count(read);
                sftp.data(id, buffer.subarray(0, read));
            }
        }),
    );
    sftp.on("CLOSE", (id, handle) =>
        done(id, () => {
            const entry = handleOf(handle);
            open.delete(handle.readUInt32BE(0));
            if ("file" in entry) {
                fs.closeSync(entry.file);
            }
        }),
    );
    const stat = (id: number, path: string) => answer(id, () => sftp.attrs(id, attributes(fs.statSync(local(path)))));
    sftp.on("STAT", stat);
    sftp.on("LSTAT", stat);
    sftp.on("FSTAT", (id, handle) => stat(id, handleOf(handle).path));
    sftp.on("SETSTAT", (id, path, attrs) => done(id, () => attrs.mode && fs.chmodSync(local(path), attrs.mode)));
    sftp.on("FSETSTAT", (id, handle, attrs) =>
        done(id, () => attrs.mode && fs.chmodSync(handleOf(handle).path, attrs.mode)),
    );
    sftp.on("MKDIR", (id, path) => done(id, () => fs.mkdirSync(local(path))));
    sftp.on("RMDIR", (id, path) => done(id, () => fs.rmdirSync(local(path))));
    sftp.on("REMOVE", (id, path) => done(id, () => fs.unlinkSync(local(path))));
    sftp.on("RENAME", (id, from, to) => done(id, () => fs.renameSync(local(from), local(to))));
    sftp.on("REALPATH", (id, path) =>
        answer(id, () => sftp.name(id, [{ filename: local(path), longname: local(path), attrs: noAttributes }])),
    );
    sftp.on("OPENDIR", (id, path) =>
        answer(id, () => sftp.handle(id, newHandle({ names: fs.readdirSync(local(path)), path: local(path) }))),
    );
    sftp.on("READDIR", (id, handle) =>
        answer(id, () => {
            const entry = handleOf(handle) as { names: string[]; path: string };
            if (entry.names.length === 0) {
                sftp.status(id, STATUS_CODE.EOF);
                return;
            }
            const names = entry.names.splice(0);
            sftp.name(
                id,
                names.map((filename) => ({
                    filename,
                    longname: filename,
                    attrs: attributes(fs.statSync(resolve(entry.path, filename))),
                })),
            );
        }),
    );
}

const noAttributes: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

function attributes(stats: fs.Stats): Attributes {
    const { mode, uid, gid, size } = stats;
    return { mode, uid, gid, size, atime: stats.atimeMs / 1000, mtime: stats.mtimeMs / 1000 };
}

function fileFlags(flags: number): number {
    const { constants } = fs;
    const write = (flags & OPEN_MODE.WRITE) !== 0;
    const read = (flags & OPEN_MODE.READ) !== 0;
    return (
        (write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
        (flags & OPEN_MODE.CREAT ? constants.O_CREAT : 0) |
        (flags & OPEN_MODE.TRUNC ? constants.O_TRUNC : 0) |
        (flags & OPEN_MODE.APPEND ? constants.O_APPEND : 0) |
        (flags & OPEN_MODE.EXCL ? constants.O_EXCL : 0)
    );
}
