import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import {
    localBundle,
    localMachineName,
    localMachineProcess,
    localMachinesFolder,
} from "../../components/machine/localMachine";
import { StartedMachine } from "./converge";

/** The cluster's machines that have been started once. */
export function startedMachines(project: string, stack: string, cluster: string): StartedMachine[] {
    return machinesOf(project, stack, cluster).flatMap((name) => {
        const running = localMachineProcess(name);
        return running === undefined
            ? []
            : [
                  {
                      name,
                      off: running.pid === undefined,
                      answers: () => speaks(running.sshPort),
                      stop: () => running.pid !== undefined && kill(running.pid),
                  },
              ];
    });
}

/** Ends a process, if it is still there. */
function kill(pid: number) {
    try {
        process.kill(pid, "SIGKILL");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
            throw error;
        }
    }
}

/** Whether the server at a port of this computer says something within a minute. QEMU takes a connection itself. */
function speaks(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = net.connect(port, "127.0.0.1");
        const done = (said: boolean) => {
            socket.destroy();
            resolve(said);
        };
        socket.setTimeout(60_000, () => done(false));
        socket.once("data", () => done(true));
        socket.once("error", () => done(false));
        socket.once("close", () => done(false));
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
