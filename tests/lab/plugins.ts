import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { packages } from "../../package-lock.json";

const names = ["command", "kubernetes"] as const;

/** Where the provider plugins come from. */
export interface Plugins {
    /** Folders to put on PATH. */
    folders: string[];
    /** Plugins that are the stand-ins of `tests/support/plugins`. */
    standIns: string[];
}

/** Takes each provider plugin that is installed, else the one of the folder of real releases, else the stand-in. */
export function findPlugins(real: Record<string, string>): Plugins {
    const wanted = names.filter(
        (name) => real[name] || !installed(name, packages[`node_modules/@pulumi/${name}`].version),
    );
    const standIns = wanted.filter((name) => !real[name]);
    const folder = (name: string) => real[name] ?? path.resolve(__dirname, "../support/plugins", name);
    return { folders: [...new Set(wanted.map(folder))], standIns };
}

function installed(name: string, version: string): boolean {
    const home = process.env.PULUMI_HOME || path.join(os.homedir(), ".pulumi");
    const program = `pulumi-resource-${name}`;
    const onPath = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== "");
    return (
        fs.existsSync(path.join(home, "plugins", `resource-${name}-v${version}`, program)) ||
        onPath.some((folder) => fs.existsSync(path.join(folder, program)))
    );
}
