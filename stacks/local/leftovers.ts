import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { localBundle, localMachineName, localMachinesFolder } from "../../components/machine/localMachine";

/**
 * Removes machines that the stack's state does not know: those whose making was cut off by a kill. Does nothing where
 * there are none.
 */
export function removeLeftovers(project: string, stack: string, cluster: string) {
    const folder = localMachinesFolder();
    const prefix = localMachineName(project, stack, `${cluster}-`);
    const left = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.startsWith(prefix)) : [];
    for (const name of left) {
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
