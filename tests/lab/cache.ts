import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Where the lab keeps what it has built, outside the checkout. */
export function cacheRoot(): string {
    return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "kata-cluster", "lab");
}

/** What tells one cache entry from another: a name with the version, and everything that its content depends on. */
export interface Recipe {
    /** For people: `<what>-<version>`. */
    name: string;
    /** Files and folders whose content goes into the entry. */
    files?: string[];
    /** Settings that go into the entry. */
    settings?: unknown;
}

/**
 * Makes a cache entry, or takes the one that is there. An entry is made beside its place and renamed when it is
 * complete, so what is in the cache is whole, whenever an earlier build was stopped.
 *
 * @returns the entry's folder
 */
export async function cached(recipe: Recipe, make: (folder: string) => Promise<void>): Promise<string> {
    const entry = cacheEntry(recipe);
    if (fs.existsSync(entry)) {
        return entry;
    }
    fs.mkdirSync(cacheRoot(), { recursive: true });
    removeLeftovers(cacheRoot());
    const unfinished = fs.mkdtempSync(path.join(cacheRoot(), `.${process.pid}-${recipe.name}-`));
    try {
        fs.chmodSync(unfinished, 0o755);
        await make(unfinished);
        fs.renameSync(unfinished, entry);
    } catch (error) {
        // Somebody else may have made the same entry meanwhile, which is as good as ours.
        if (!fs.existsSync(entry)) {
            throw error;
        }
    } finally {
        fs.rmSync(unfinished, { recursive: true, force: true });
    }
    return entry;
}

/** The folder of a cache entry, whether it has been made or not. */
export function cacheEntry(recipe: Recipe): string {
    return path.join(cacheRoot(), `${recipe.name}-${recipeDigest(recipe)}`);
}

/** Twelve digits of the SHA-256 of all that a recipe names. */
export function recipeDigest(recipe: Recipe): string {
    const hash = createHash("sha256").update(JSON.stringify(recipe.settings ?? null));
    for (const file of (recipe.files ?? []).flatMap(filesBelow)) {
        hash.update(`\0${path.basename(file)}\0`).update(fs.readFileSync(file));
    }
    return hash.digest("hex").slice(0, 12);
}

/** The SHA-256 of a file, in hexadecimal. */
export async function fileDigest(file: string): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of fs.createReadStream(file, { highWaterMark: 1 << 20 })) {
        hash.update(chunk as Buffer);
    }
    return hash.digest("hex");
}

/** Like {@link fileDigest}, but remembered for as long as the file stays as it is: hashing a GB takes seconds. */
export async function knownDigest(file: string): Promise<string> {
    const { size, mtimeMs } = fs.statSync(file);
    const key = createHash("sha256")
        .update(`${fs.realpathSync(file)} ${size} ${mtimeMs}`)
        .digest("hex");
    const memory = path.join(cacheRoot(), "digests", key);
    if (fs.existsSync(memory)) {
        return fs.readFileSync(memory, "utf8");
    }
    const digest = await fileDigest(file);
    fs.mkdirSync(path.dirname(memory), { recursive: true });
    fs.writeFileSync(`${memory}.${process.pid}`, digest);
    fs.renameSync(`${memory}.${process.pid}`, memory);
    return digest;
}

function filesBelow(file: string): string[] {
    if (!fs.statSync(file).isDirectory()) {
        return [file];
    }
    return fs
        .readdirSync(file)
        .sort()
        .flatMap((name) => filesBelow(path.join(file, name)));
}

/** Unfinished entries of processes that are gone. */
function removeLeftovers(root: string) {
    for (const name of fs.readdirSync(root)) {
        const pid = /^\.(\d+)-/.exec(name)?.[1];
        if (pid && !fs.existsSync(`/proc/${pid}`)) {
            fs.rmSync(path.join(root, name), { recursive: true, force: true });
        }
    }
}
