import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/** What must be on this computer: a program on PATH, or the path of a file, and Debian's package that brings it. */
export type Needed = Record<string, string>;

/** Whether a program is on PATH, or a file of that path is there. */
export function isInstalled(program: string): boolean {
    return path.isAbsolute(program) ? fs.existsSync(program) : spawnSync("which", [program]).status === 0;
}

/**
 * Installs what is missing where that takes no password.
 *
 * @throws with what is missing and how to get it where it does
 */
export function needPackages(needed: Needed, log: (line: string) => void) {
    const missing = Object.keys(needed).filter((program) => !isInstalled(program));
    if (missing.length === 0) {
        return;
    }
    const packages = [...new Set(missing.map((program) => needed[program]!))];
    const apt = isInstalled("apt-get");
    if (!apt || process.getuid?.() !== 0) {
        const how = apt
            ? `sudo apt-get install -y ${packages.join(" ")}`
            : `install with your package manager what Debian calls ${packages.join(", ")}`;
        throw new Error(`missing on this computer: ${missing.join(", ")}. Fix: ${how}`);
    }
    log(`Installing ${packages.join(" ")} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const aptGet = (...args: string[]) =>
        execFileSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], {
            env,
            stdio: ["ignore", "ignore", "inherit"],
        });
    aptGet("update");
    aptGet("install", "-y", "--no-install-recommends", ...packages);
}
