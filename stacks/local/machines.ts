import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import {
    localBundle,
    localMachineIsOff,
    localMachineName,
    localMachinesFolder,
} from "../../components/machine/localMachine";
import { Interrupted } from "./cli";

/** How often an update is begun again for machines that went off under it. */
const restarts = 3;
/** A QEMU that ends closes its connections some time before its process is gone. */
const patience = { seconds: 5, every: 0.25 };

/**
 * Runs an update, and runs it again where it failed because a machine of the cluster went off meanwhile: an emulated
 * kernel panics now and then. Each update starts machines that are off, and goes on from what is on their disks.
 */
export async function convergeOver(
    machinesOff: () => string[],
    log: (line: string) => void,
    update: () => Promise<unknown>,
): Promise<void> {
    for (let again = 1; ; again++) {
        try {
            await update();
            return;
        } catch (error) {
            const off = await eventually(machinesOff);
            if (off.length === 0 || again > restarts || error instanceof Interrupted) {
                throw error;
            }
            log(`${off.join(", ")} went off; starting again and going on (${again} of ${restarts}) …`);
        }
    }
}

async function eventually(machinesOff: () => string[]): Promise<string[]> {
    for (let waited = 0; waited < patience.seconds && machinesOff().length === 0; waited += patience.every) {
        await setTimeout(patience.every * 1000);
    }
    return machinesOff();
}

/** Names of the cluster's machines that ran and do not run now. */
export function machinesOff(project: string, stack: string, cluster: string): string[] {
    return machinesOf(project, stack, cluster).filter(localMachineIsOff);
}

/**
 * Removes machines that the stack's state does not know: those whose making was cut off by a kill. Does nothing where
 * there are none.
 */
export function removeLeftovers(project: string, stack: string, cluster: string) {
    for (const name of machinesOf(project, stack, cluster)) {
        const { status, stderr } = spawnSync("bash", ["-c", localBundle(), "bundle", "vm", "delete"], {
            env: { ...process.env, VM_NAME: name },
            input: "{}",
            encoding: "utf8",
        });
        if (status !== 0) {
            throw new Error(stderr.trim());
        }
    }
}

function machinesOf(project: string, stack: string, cluster: string): string[] {
    const folder = localMachinesFolder();
    const prefix = localMachineName(project, stack, `${cluster}-`);
    return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.startsWith(prefix)) : [];
}
