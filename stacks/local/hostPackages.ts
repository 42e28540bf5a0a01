import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";

/** Programs that a local machine needs, and Debian's packages that bring them. */
const needed: { program: string; debian: string }[] = [
    { program: process.arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64", debian: qemuPackage() },
    { program: "qemu-img", debian: "qemu-utils" },
    { program: "genisoimage", debian: "genisoimage" },
    { program: "ssh-keygen", debian: "openssh-client" },
    { program: "curl", debian: "curl" },
    { program: "jq", debian: "jq" },
];

function qemuPackage(): string {
    return process.arch === "arm64" ? "qemu-system-arm" : "qemu-system-x86";
}

/** Installs what is missing where that takes no password, else says what is missing and how to get it. */
export async function needHostPackages(log: (line: string) => void) {
    const missing = needed.filter(({ program }) => spawnSync("which", [program]).status !== 0);
    if (missing.length === 0) {
        return;
    }
    const packages = missing.map(({ debian }) => debian).join(" ");
    const programs = missing.map(({ program }) => program).join(", ");
    const apt = fs.existsSync("/usr/bin/apt-get");
    if (!apt || process.getuid?.() !== 0) {
        const how = apt
            ? `sudo apt-get install -y ${packages}`
            : "install QEMU, curl, jq and genisoimage with your package manager";
        throw new Error(`missing on this computer: ${programs}. Fix: ${how}`);
    }
    log(`Installing ${packages} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const aptGet = (...args: string[]) =>
        execFileSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], {
            env,
            stdio: ["ignore", "ignore", "inherit"],
        });
    aptGet("update");
    aptGet("install", "-y", "--no-install-recommends", ...packages.split(" "));
}
