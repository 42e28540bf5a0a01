import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import {
    localBundle,
    localMachineIsOff,
    localMachineName,
    localMachinesFolder,
} from "../../components/machine/localMachine";
import { Machines } from "./converge";

/** The cluster's machines that have been started once. */
export function startedMachines(project: string, stack: string, cluster: string): ReturnType<Machines> {
    return machinesOf(project, stack, cluster).flatMap((name) => {
        const off = localMachineIsOff(name);
        return off === undefined ? [] : [{ name, off }];
    });
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
