import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { cached } from "../cache";
import { run } from "../command";
import { goEnvironment } from "../goBuilds";
import { pack } from "../releases";
import { initramfs, kernelPayload, modulesInOrder } from "./initramfs";

/** The Kata release whose place and layout the stand-in takes. */
const RELEASE = "4.1.0";
/** What the stand-in calls itself: in VERSION, in the shim's --version and in its log lines. */
const VERSION = `${RELEASE}-standin`;
/** QEMU 7.2 is the one under which nested guests are stable on an emulated node with `kvm_amd npt=0`. */
const SUITE = "bookworm";
const PACKAGES = ["qemu-system-x86", "linux-image-cloud-amd64", "patchelf", "lz4"];
const GUEST_MODULES = ["virtio_pci", "virtio_net", "virtiofs", "virtio_rng", "vmw_vsock_virtio_transport"];
const FIRMWARE = [
    "usr/share/seabios/bios-256k.bin",
    "usr/share/qemu/linuxboot_dma.bin",
    "usr/share/qemu/kvmvapic.bin",
    "usr/share/qemu/pvh.bin",
];
const LIBRARIES = "/opt/kata/lib/stand-in";
const SHARE = "opt/kata/share/kata-containers";
const CONFIGURATION = "opt/kata/share/defaults/kata-containers/runtime-rs";

/**
 * Builds the stand-in's release archive, `kata-static-4.1.0-amd64.tar.zst`, from Debian's QEMU and kernel and from the
 * shim and agent in `go/` (its doc comment says what the stand-in does), or takes it from the cache.
 * Needs root, mmdebstrap, Go, tar and zstd.
 */
export async function buildKataStandIn(log: (line: string) => void): Promise<{ tarball: string; version: string }> {
    const name = `kata-static-${RELEASE}-amd64.tar.zst`;
    const entry = await cached({ name: `kata-stand-in-${RELEASE}`, files: [__dirname] }, async (folder) => {
        const work = path.join(folder, "work");
        await build(work, path.join(folder, name), log);
        await rm(work, { recursive: true });
    });
    return { tarball: path.join(entry, name), version: RELEASE };
}

async function build(work: string, archive: string, log: (line: string) => void): Promise<void> {
    const debian = path.join(work, "debian");
    const tree = path.join(work, "tree");
    await mkdir(work);
    log(`Kata stand-in: ${PACKAGES.join(", ")} from Debian ${SUITE}`);
    await run("mmdebstrap", ["--quiet", "--variant=extract", `--include=${PACKAGES.join(",")}`, SUITE, debian]);
    for (const directory of ["bin", "lib/stand-in", "libexec", "runtime-rs/bin", "share/kata-qemu/qemu"]) {
        await mkdir(path.join(tree, "opt/kata", directory), { recursive: true });
    }
    await mkdir(path.join(tree, SHARE), { recursive: true });
    await mkdir(path.join(tree, CONFIGURATION), { recursive: true });

    log("Kata stand-in: shim and agent");
    await goBuild("shim", path.join(tree, "opt/kata/runtime-rs/bin/containerd-shim-kata-v2"));
    await goBuild("agent", path.join(work, "agent"));
    log("Kata stand-in: QEMU, guest kernel and initramfs");
    await addProgram(debian, "usr/bin/qemu-system-x86_64", tree, "opt/kata/bin/qemu-system-x86_64");
    await addProgram(debian, "usr/lib/qemu/virtiofsd", tree, "opt/kata/libexec/virtiofsd");
    for (const file of FIRMWARE) {
        await copyFile(path.join(debian, file), path.join(tree, "opt/kata/share/kata-qemu/qemu", path.basename(file)));
    }
    await addGuest(debian, path.join(work, "agent"), path.join(tree, SHARE));
    const configuration = "configuration-qemu-runtime-rs.toml";
    await copyFile(path.join(__dirname, "files", configuration), path.join(tree, CONFIGURATION, configuration));
    await writeFile(path.join(tree, "opt/kata/VERSION"), `${VERSION}\n`);

    log("Kata stand-in: archive");
    await pack(tree, ["./opt/kata"], archive);
}

async function goBuild(command: string, output: string): Promise<void> {
    const flags = ["-trimpath", "-ldflags", `-s -w -X main.version=${VERSION}`];
    await run("go", ["build", ...flags, "-o", output, `./${command}`], {
        cwd: path.join(__dirname, "go"),
        env: goEnvironment(false),
    });
}

/** Copies a program with all its libraries and its loader, so that no library of the node is used. */
async function addProgram(debian: string, program: string, tree: string, target: string): Promise<void> {
    const loader = "/lib64/ld-linux-x86-64.so.2";
    const listed = await run("chroot", [debian, loader, "--list", `/${program}`]);
    const libraries = Array.from(listed.matchAll(/=> (\/\S+)/g), (match) => String(match[1]));
    for (const library of [...libraries, loader]) {
        await copyFile(path.join(debian, library), path.join(tree, LIBRARIES, path.basename(library)));
    }
    const copy = path.join(debian, "tmp", path.basename(program));
    await copyFile(path.join(debian, program), copy);
    const up = path.relative(path.dirname(`/${target}`), LIBRARIES);
    const where = ["--set-interpreter", `${LIBRARIES}/${path.basename(loader)}`, "--force-rpath", "--set-rpath"];
    await run("chroot", [debian, "patchelf", ...where, `$ORIGIN/${up}`, `/tmp/${path.basename(program)}`]);
    await copyFile(copy, path.join(tree, target));
    await chmod(path.join(tree, target), 0o755);
}

async function addGuest(debian: string, agent: string, share: string): Promise<void> {
    const image = (await readdir(path.join(debian, "boot"))).find((name) => name.startsWith("vmlinuz-"));
    if (!image) throw new Error(`no kernel in ${debian}/boot: linux-image-cloud-amd64 brought none`);
    const kernel = path.join(share, "vmlinux.container");
    await writeFile(
        path.join(debian, "tmp/vmlinux.lz4"),
        kernelPayload(await readFile(path.join(debian, "boot", image))),
    );
    await run("chroot", [debian, "lz4", "-d", "-q", "/tmp/vmlinux.lz4", "/tmp/vmlinux"]);
    await copyFile(path.join(debian, "tmp/vmlinux"), kernel);

    const release = image.replace("vmlinuz-", "");
    const modules = modulesInOrder(path.join(debian, "lib/modules", release), GUEST_MODULES);
    const content = initramfs([
        { path: "dev", directory: true },
        { path: "dev/console", device: [5, 1] },
        { path: "dev/null", device: [1, 3] },
        { path: "modules", directory: true },
        { path: "modules/order", content: Buffer.from(modules.map((module) => `${module.name}.ko\n`).join("")) },
        ...(await Promise.all(
            modules.map(async ({ name, file }) => ({ path: `modules/${name}.ko`, content: await readFile(file) })),
        )),
        { path: "init", content: await readFile(agent), executable: true },
    ]);
    await writeFile(path.join(share, "kata-containers-initrd.img"), content);
}
