import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { packages } from "../../package-lock.json";

const names = ["command", "kubernetes"] as const;
const standIns = path.resolve(__dirname, "../support/plugins");

/** Where the engine finds a provider plugin. */
export interface Plugin {
    name: (typeof names)[number] | "gcp";
    /** The folder to put on PATH; undefined if the engine finds the real plugin by itself. */
    folder?: string;
    /** True if it is the stand-in of `tests/support/plugins`. */
    standIn: boolean;
}

/**
 * Takes each provider plugin from the folder of real releases, else the one that is installed, else the stand-in.
 *
 * @param real folders with real plugins, by plugin
 */
export function findPlugins(real: Record<string, string> = {}): Plugin[] {
    return names.map((name) => {
        if (real[name]) {
            return { name, folder: real[name], standIn: false };
        }
        return installed(name, packages[`node_modules/@pulumi/${name}`].version)
            ? { name, standIn: false }
            : { name, folder: path.join(standIns, name), standIn: true };
    });
}

/** The stand-in for the plugin of Google Cloud. Tests never take the real one, which would reach a real cloud. */
export const gcpStandIn: Plugin = { name: "gcp", folder: path.join(standIns, "gcp"), standIn: true };

/** The folders to put on PATH. */
export function pluginFolders(plugins: Plugin[]): string[] {
    return [...new Set(plugins.flatMap(({ folder }) => folder ?? []))];
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
