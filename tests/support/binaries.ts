import { accessSync, constants, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const names = ["pulumi", "etcd", "kubeadm", "kubectl", "kube-apiserver", "kube-controller-manager"] as const;
/** A program that tests use: the real engine and parts of the real cluster. */
export type LabBinary = (typeof names)[number];

/**
 * Finds the programs in the folder KATA_CLUSTER_BIN, in the lab's cache, or on PATH, in this order. What is missing is
 * not in the result; `needBinary` tells the user about it.
 */
export function labBinaries(): Partial<Record<LabBinary, string>> {
    const found = names.map((name) => [name, findProgram(name, labFolders())]).filter(([, path]) => path);
    return Object.fromEntries(found) as Partial<Record<LabBinary, string>>;
}

/** The path of one program, or an error that says where it was looked for. */
export function needBinary(name: LabBinary): string {
    const path = labBinaries()[name];
    if (!path) {
        const folders = labFolders().slice(0, -pathFolders().length).join(", ");
        throw new Error(
            `${name}: not found in ${folders} or on PATH. Fix: put it in a folder and name that in KATA_CLUSTER_BIN`,
        );
    }
    return path;
}

/** Where the engine finds a provider plugin. */
export interface PluginFolder {
    name: "command" | "kubernetes";
    /** The folder to put on PATH; undefined if the engine finds the real plugin by itself. */
    folder?: string;
    /** True if it is the stand-in of tests/support/plugins. */
    standIn: boolean;
}

const plugins = { command: "1.2.1", kubernetes: "4.34.2" };

/**
 * Which plugins are real and which are stand-ins here: the real one from KATA_CLUSTER_REAL_PLUGINS, from PATH, or
 * installed by Pulumi; the stand-in only where there is none of these.
 */
export function pluginFolders(): PluginFolder[] {
    return (Object.keys(plugins) as (keyof typeof plugins)[]).map((name) => {
        const program = `pulumi-resource-${name}`;
        const standIns = join(__dirname, "plugins");
        const named = process.env.KATA_CLUSTER_REAL_PLUGINS;
        if (named && isProgram(join(named, program))) {
            return { name, folder: resolve(named), standIn: false };
        }
        const onPath = pathFolders().find((folder) => !folder.startsWith(standIns) && isProgram(join(folder, program)));
        const home = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
        if (onPath || existsSync(join(home, "plugins", `resource-${name}-v${plugins[name]}`, program))) {
            return { name, folder: onPath, standIn: false };
        }
        return { name, folder: join(standIns, name), standIn: true };
    });
}

/** PATH with the plugins' folders first, for the engine's environment. */
export function pathWithPlugins(): string {
    const folders = pluginFolders().flatMap(({ folder }) => folder ?? []);
    return [...new Set([...folders, ...pathFolders()])].join(delimiter);
}

function labFolders(): string[] {
    const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
    const named = process.env.KATA_CLUSTER_BIN;
    return [...(named ? [named] : []), join(cache, "kata-cluster", "hand"), ...pathFolders()];
}

function pathFolders(): string[] {
    return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

function findProgram(name: string, folders: string[]): string | undefined {
    return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
    try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
    } catch {
        return false;
    }
}
