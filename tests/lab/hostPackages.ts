import * as fs from "node:fs";
import { needPackages } from "../../stacks/local/packages";
import { run } from "./command";

/** What the lab needs on this computer, and Debian's packages that bring it. */
const needed = {
    "/usr/bin/mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "/usr/bin/qemu-img": "qemu-utils",
    "/usr/sbin/mke2fs": "e2fsprogs",
    "/usr/sbin/sfdisk": "fdisk",
    "/usr/bin/grub-mkimage": "grub-common",
    "/usr/lib/grub/i386-pc/boot.img": "grub-pc-bin",
    "/usr/bin/zstd": "zstd",
    "/usr/bin/gcc": "gcc",
    "/usr/lib/x86_64-linux-gnu/libc.a": "libc6-dev",
    "/usr/lib/x86_64-linux-gnu/libseccomp.a": "libseccomp-dev",
    "/usr/bin/pkg-config": "pkg-config",
};

const goRelease = "1.26";

/**
 * Installs the Debian packages that are missing where that takes no password, else says which they are.
 *
 * @throws when this is no place where the lab can be built, with what to do
 */
export async function needHostPackages(log: (line: string) => void) {
    if (process.platform !== "linux" || process.arch !== "x64" || !fs.existsSync("/usr/bin/apt-get")) {
        throw new Error(
            `the offline lab is built on Debian or Ubuntu on x86-64; this is ${process.platform} on ${process.arch}. ` +
                "Fix: reach the internet, so that the lab is not needed, or use such a computer",
        );
    }
    if (process.getuid?.() !== 0) {
        throw new Error("the offline lab is built by root (Debian root file systems). Fix: sudo npm start");
    }
    needPackages(needed, (line) => log(`lab: ${line}`));
    await run("go", ["version"]).catch((error: Error) => {
        throw new Error(`${error.message}. Fix: install Go ${goRelease} or newer and put its bin folder on PATH`);
    });
}

/** The Debian mirror that apt is configured with on this computer. Its lists may be missing, as on a fresh one. */
export async function debianMirror(): Promise<string> {
    const mirror =
        (await configuredMirror()) ?? (await run("apt-get", ["-qq", "update"]).then(() => configuredMirror()));
    if (!mirror) {
        throw new Error("apt names no Debian mirror. Fix: add one to /etc/apt/sources.list.d");
    }
    return mirror;
}

async function configuredMirror(): Promise<string | undefined> {
    const targets = await run("apt-get", ["indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]);
    return targets
        .split("\n")
        .map((line) => /^Debian (\S+\/debian\/?)$/.exec(line)?.[1])
        .find(Boolean);
}
