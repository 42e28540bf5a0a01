import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** Text files by their path below the bundle's directory, with forward slashes. */
export type Files = Record<string, string>;

/** The first part of every bundle: it defines what the rest calls. */
const header = "bundle.sh";

/** The last line of a node's settings: without it they are not whole. */
export const lastSetting = "settings=whole";

/** Every file below a directory but for the bundle's own header. */
export function filesBelow(directory: string): Files {
    const entries = fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== header)
        .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
        .sort()
        .map((file) => [file, fs.readFileSync(path.join(directory, file), "utf8")] as const);
    return Object.fromEntries(entries);
}

/**
 * One shell script that carries files: the header out of `directory`, the files, and a last line that runs what is asked
 * for. A copy that broke off has no last line, and so runs nothing.
 */
export function bundle(directory: string, files: Files): string {
    return [fs.readFileSync(path.join(directory, header), "utf8"), ...carried(files), 'run "$@"\n'].join("\n");
}

/** Files for a bundle that is on the node already, as a text that a reviewer can read in a diff. */
export function settings(files: Files): string {
    return [...carried(files), `${lastSetting}\n`].join("\n");
}

/** Each file as a here-document for the header's `file`, in order of its path. */
function carried(files: Files): string[] {
    return Object.keys(files)
        .sort()
        .map((file) => {
            const text = files[file]!.replace(/\n?$/, "\n");
            const end = delimiterFor(text);
            return `file ${mode(file)} '${file}' <<'${end}'\n${text}${end}\n`;
        });
}

/** A short digest of files, for commands that are to run again when the files change. */
export function digestOf(files: Files): string {
    const hash = crypto.createHash("sha256");
    for (const file of Object.keys(files).sort()) {
        hash.update(`${file}\0${files[file]}\0`);
    }
    return hash.digest("hex").slice(0, 12);
}

function mode(file: string): string {
    return file.endsWith(".sh") ? "0755" : "0644";
}

function delimiterFor(text: string): string {
    let end = "END_OF_FILE";
    while (text.includes(end)) {
        end += "_";
    }
    return end;
}
