import { execFileSync, spawnSync } from "node:child_process";

/** Programs that the tests run, and Debian's packages that bring them. */
const needed: Record<string, string> = {
    bats: "bats",
    shellcheck: "shellcheck",
    shfmt: "shfmt",
    jq: "jq",
    curl: "curl",
    zstd: "zstd",
    perl: "perl",
    python3: "python3",
    "qemu-img": "qemu-utils",
    genisoimage: "genisoimage",
    "ssh-keygen": "openssh-client",
};

/** Installs what is missing where that takes no password, else says what is missing and how to get it. */
export function needTestPackages() {
    const missing = Object.keys(needed).filter((program) => spawnSync("which", [program]).status !== 0);
    if (missing.length === 0) {
        return;
    }
    const packages = missing.map((program) => needed[program]!);
    const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
    if (process.getuid?.() !== 0 || spawnSync("which", ["apt-get"]).status !== 0) {
        throw new Error(`missing: ${missing.join(", ")}. Fix: sudo apt-get ${install.join(" ")}`);
    }
    console.log(`Installing ${packages.join(" ")} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update", "-qq"], install]) {
        execFileSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    }
}
