import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** Text files by their path below the bundle's directory, with forward slashes. */
export type Files = Record<string, string>;

/** The first parts of every bundle, which define what the rest calls: the directory's own, and what unpacks its files. */
const header = "bundle.sh";
const unpacking = path.join(__dirname, "unpack.sh");

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
    const first = [path.join(directory, header), unpacking].map((file) => fs.readFileSync(file, "utf8"));
    return [...first, carried(files), 'run "$@"\n'].join("\n");
}

/** Files for a bundle that is on the node already, as a text that a reviewer can read in a diff. */
export function settings(files: Files): string {
    return [carried(files), `${lastSetting}\n`].join("\n");
}

/**
 * A here-document for `files` of unpack.sh, with each file in order of its path, between a line that names it and one that
 * ends it.
 */
function carried(files: Files): string {
    const paths = Object.keys(files).sort();
    const texts = paths.map((file) => {
        const text = files[file]!.replace(/\n?$/, "\n");
        const end = delimiterFor("END_OF_FILE", text);
        return `file '${file}' <<'${end}'\n${text}${end}\n`;
    });
    const directories = new Set(paths.map((file) => path.posix.dirname(file)));
    const all = texts.join("\n");
    const end = delimiterFor("END_OF_FILES", all);
    return `files ${[...directories].map((one) => `'${one}'`).join(" ")} <<'${end}'\n${all}${end}\n`;
}

/** A short digest of files, for commands that are to run again when the files change. */
export function digestOf(files: Files): string {
    const hash = crypto.createHash("sha256");
    for (const file of Object.keys(files).sort()) {
        hash.update(`${file}\0${files[file]}\0`);
    }
    return hash.digest("hex").slice(0, 12);
}

function delimiterFor(name: string, text: string): string {
    let end = name;
    while (text.includes(end)) {
        end += "_";
    }
    return end;
}
