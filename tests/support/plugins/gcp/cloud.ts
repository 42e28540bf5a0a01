import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { PropertyMap } from "../shared/values";
import { ApiError, notFound } from "./apiError";
import { CloudSettings } from "./settings";

/** A resource as the stand-in keeps it: one JSON file, in a folder that is its place in the API. */
export interface Stored {
    /** `projects/P/zones/Z/instances/NAME`, which the file is named by. */
    key: string;
    /** The token: `gcp:compute/instance:Instance`. */
    type: string;
    /** Name in the Pulumi program. */
    logicalName: string;
    collection: string;
    name: string;
    project: string;
    region?: string;
    zone?: string;
    selfLink: string;
    inputs: PropertyMap;
    outputs: PropertyMap;
    /** Milliseconds since 1970. */
    created: number;
    /** Of an instance: what stands for it on this computer. */
    machine?: StoredMachine;
}

/** What stands for an instance on this computer. */
export interface StoredMachine {
    /** Public half of its host key: `ssh-ed25519 AAAA…`. */
    hostKey: string;
    /** Port on 127.0.0.1 at which its SSH server is reached. */
    sshPort?: number;
    /** Port on 127.0.0.1 at which a Kubernetes API on it is reached. */
    apiPort?: number;
}

/** The variable that names the folder of the fake cloud. */
export const cloudVariable = "KATA_CLUSTER_GCP_STANDIN";
const api = "https://www.googleapis.com/compute/v1/";

/**
 * The fake cloud: a folder with `settings.json` and a JSON file for each resource. Whoever else looks at it, a test or
 * a relay, sees what there is.
 */
export class Cloud {
    constructor(readonly folder: string) {}

    /** @throws if no folder is named: it must never be taken for the real one. */
    static fromEnvironment(): Cloud {
        const folder = process.env[cloudVariable];
        if (!folder) {
            throw new Error(
                `this pulumi-resource-gcp is a stand-in that reaches no cloud, and ${cloudVariable} names no folder for ` +
                    "the one that it makes up. Fix: set it in a test; for real machines take the real plugin off PATH's shadow",
            );
        }
        return new Cloud(folder);
    }

    settings(): CloudSettings {
        const file = path.join(this.folder, "settings.json");
        return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as CloudSettings) : {};
    }

    /** @throws if it is there already. */
    create(resource: Stored) {
        const file = this.file(resource.key);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        try {
            fs.writeFileSync(file, JSON.stringify(resource, undefined, 2), { flag: "wx", mode: 0o600 });
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code === "EEXIST") {
                throw new ApiError(409, "alreadyExists", `The resource '${resource.key}' already exists`);
            }
            throw error;
        }
    }

    /** Writes what has changed. */
    replace(resource: Stored) {
        const file = this.file(resource.key);
        const part = `${file}.${randomBytes(4).toString("hex")}.part`;
        fs.writeFileSync(part, JSON.stringify(resource, undefined, 2), { mode: 0o600 });
        fs.renameSync(part, file);
    }

    get(key: string): Stored | undefined {
        const file = this.file(key);
        return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as Stored) : undefined;
    }

    /** @throws if it is not there. */
    need(key: string): Stored {
        const found = this.get(key);
        if (!found) {
            throw notFound(key);
        }
        return found;
    }

    remove(key: string) {
        fs.rmSync(this.file(key), { force: true });
    }

    /** The resources of a project, of one collection or of all. */
    list(project: string, collection?: string): Stored[] {
        const top = path.join(this.folder, "projects", project);
        if (!fs.existsSync(top)) {
            return [];
        }
        return fs
            .readdirSync(top, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
            .filter(({ parentPath }) => collection === undefined || path.basename(parentPath) === collection)
            .map(({ parentPath, name }) => this.parse(path.join(parentPath, name)))
            .filter((found) => found !== undefined);
    }

    /**
     * The resource that a reference names: a URL, a path from `projects/`, `regions/`, `zones/` or `global/` on, or a
     * name alone. Region and zone are those of whoever refers.
     */
    find(reference: string, collection: string, from: { project: string; region?: string; zone?: string }) {
        const partial = reference.replace(/^https:\/\/[^/]+\/compute\/v1\//, "").replace(/^\/+/, "");
        const scopes = ["global", from.region && `regions/${from.region}`, from.zone && `zones/${from.zone}`];
        const keys = partial.startsWith("projects/")
            ? [partial]
            : partial.includes("/")
              ? [`projects/${from.project}/${partial}`]
              : scopes.filter(Boolean).map((scope) => `projects/${from.project}/${scope}/${collection}/${partial}`);
        return keys
            .filter((key) => key.includes(`/${collection}/`))
            .map((key) => this.get(key))
            .find(Boolean);
    }

    /** The resource at an URL of any collection. */
    at(reference: string): Stored | undefined {
        return reference.includes("projects/") ? this.get(reference.slice(reference.indexOf("projects/"))) : undefined;
    }

    /** The file that a resource is kept in. It is there as long as the resource. */
    file(key: string): string {
        return path.join(this.folder, `${key}.json`);
    }

    /** A file that another process removes meanwhile is none. */
    private parse(file: string): Stored | undefined {
        try {
            return JSON.parse(fs.readFileSync(file, "utf8")) as Stored;
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code === "ENOENT") {
                return undefined;
            }
            throw error;
        }
    }
}

/** The URL of a resource. */
export function selfLinkOf(key: string): string {
    return `${api}${key}`;
}
