import { fork } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Cloud, Stored, StoredMachine } from "../cloud";

/**
 * Starts the process that listens at a resource's external address, and for a relay is its SSH server.
 *
 * @throws if an address can't be listened on, as where port 22 is for root only
 */
export function startRelay(cloud: Cloud, { key }: Stored): Promise<StoredMachine | undefined> {
    const log = fs.openSync(path.join(cloud.folder, "relays.log"), "a", 0o600);
    const child = fork(path.join(__dirname, "relay.ts"), [cloud.folder, key], {
        detached: true,
        stdio: ["ignore", log, log, "ipc"],
    });
    fs.closeSync(log);
    return new Promise((resolve, reject) => {
        child.once("exit", (code) => reject(new Error(`the relay of ${key} ended with ${code}`)));
        child.once("error", reject);
        child.once("message", (message: { error?: string; machine?: StoredMachine }) => {
            child.removeAllListeners("exit");
            if (message.error) {
                reject(new Error(`the relay of ${key}: ${message.error}`));
                return;
            }
            child.disconnect();
            child.unref();
            resolve(message.machine);
        });
    });
}
