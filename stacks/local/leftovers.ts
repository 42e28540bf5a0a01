import { spawnSync } from "node:child_process";
import { localBundle, localMachineName } from "../../components/machine/localMachine";

/**
 * Removes a machine that the stack's state does not know: one whose making was cut off by a kill. Does nothing where
 * there is none.
 */
export function removeLeftovers(project: string, stack: string, machine: string) {
    const { status, stderr } = spawnSync("bash", ["-c", localBundle(), "bundle", "vm", "delete"], {
        env: { ...process.env, VM_NAME: localMachineName(project, stack, machine) },
        input: "{}",
        encoding: "utf8",
    });
    if (status !== 0) {
        throw new Error(stderr.trim());
    }
}
