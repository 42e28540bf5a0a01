import { readFileSync, readdirSync } from "node:fs";
import * as path from "node:path";

/** One entry of an initramfs: a directory, a character device or a file. */
export type InitramfsEntry =
    | { path: string; directory: true }
    | { path: string; device: [major: number, minor: number] }
    | { path: string; content: Buffer; executable?: boolean };

/** The kernel's initramfs format: a cpio archive in the "newc" form. */
export function initramfs(entries: InitramfsEntry[]): Buffer {
    const parts = entries.map((entry, index) => {
        if ("directory" in entry) return record(index + 1, entry.path, 0o040755);
        if ("device" in entry) return record(index + 1, entry.path, 0o020600, Buffer.alloc(0), entry.device);
        return record(index + 1, entry.path, entry.executable ? 0o100755 : 0o100644, entry.content);
    });
    return Buffer.concat([...parts, record(0, "TRAILER!!!", 0)]);
}

function record(
    inode: number,
    name: string,
    mode: number,
    content: Buffer = Buffer.alloc(0),
    device: [number, number] = [0, 0],
): Buffer {
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, device[0], device[1], name.length + 1, 0];
    const header = "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("") + name + "\0";
    return Buffer.concat([padded(Buffer.from(header)), padded(content)]);
}

function padded(data: Buffer): Buffer {
    return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

/** A kernel module and where it lies. */
export interface KernelModule {
    name: string;
    file: string;
}

/**
 * The wanted modules and all that they need, in the order in which they can be loaded. A module's own `depends=` is read
 * because modules.dep is only made when a kernel package is configured.
 */
export function modulesInOrder(modulesDirectory: string, wanted: string[]): KernelModule[] {
    const files = new Map<string, string>();
    for (const entry of readdirSync(modulesDirectory, { recursive: true, withFileTypes: true })) {
        if (entry.name.endsWith(".ko")) {
            files.set(moduleName(entry.name), path.join(entry.parentPath, entry.name));
        }
    }
    const order = new Map<string, KernelModule>();
    const add = (name: string): void => {
        if (order.has(name)) return;
        const file = files.get(name);
        if (!file) throw new Error(`kernel module ${name}: not found as ${name}.ko below ${modulesDirectory}`);
        dependencies(readFileSync(file)).forEach(add);
        order.set(name, { name, file });
    };
    wanted.forEach(add);
    return [...order.values()];
}

function moduleName(file: string): string {
    return path.basename(file, ".ko").replaceAll("-", "_");
}

function dependencies(module: Buffer): string[] {
    const start = module.indexOf("\0depends=");
    if (start < 0) return [];
    const value = module.toString("latin1", start + "\0depends=".length, module.indexOf(0, start + 1));
    return value.split(",").filter(Boolean).map(moduleName);
}

/**
 * The compressed kernel in a bzImage; the boot protocol's header (Linux, Documentation/arch/x86/boot.rst) says where it
 * is. Kata boots a kernel that is decompressed already, so that a slow machine need not do that at each boot.
 */
export function kernelPayload(bzImage: Buffer): Buffer {
    const setupSectors = bzImage.readUInt8(0x1f1) || 4;
    const start = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
    const sizeAtTheEnd = 4; // appended by the kernel's build, not part of the compressed stream
    return bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c) - sizeAtTheEnd);
}
