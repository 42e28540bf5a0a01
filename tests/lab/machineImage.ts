import * as path from "node:path";
import { cached } from "./cache";
import { run } from "./command";
import { debianMirror } from "./hostPackages";

/** The Debian release of the machine image and of the container images. */
export const debianSuite = "trixie";

/**
 * Builds a bootable VM disk with cloud-init out of Debian packages, or takes it from the cache.
 *
 * @returns the path of a qcow2 file
 */
export async function buildMachineImage(log: (line: string) => void): Promise<string> {
    const sources = path.join(__dirname, "machine");
    const entry = await cached(
        { name: `machine-${debianSuite}`, files: [sources], settings: debianSuite },
        async (target) => {
            log(`lab: building the machine image, Debian ${debianSuite} (two minutes, the first time)`);
            const script = path.join(sources, "build.sh");
            await run("bash", [script, debianSuite, await debianMirror(), path.join(target, "machine.qcow2")]);
        },
    );
    return path.join(entry, "machine.qcow2");
}
