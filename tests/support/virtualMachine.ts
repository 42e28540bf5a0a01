import { execFileSync, spawn } from "node:child_process";
import * as path from "node:path";
import { KeyPair } from "../../components/machine/sshKeys";

const scripts = path.resolve(__dirname, "../../components/machine/local");

/** What `vm.sh` is told of a machine, by its own names. */
export type VirtualMachineSettings = Record<`VM_${string}`, string | number | undefined>;

/** Makes pairs of SSH keys by the script that local machines have theirs from. */
export function makeKeys<Owner extends string>(...owners: Owner[]): Record<Owner, KeyPair> {
    const pairs = execFileSync("bash", [path.join(scripts, "keys.sh"), ...owners], { encoding: "utf8" });
    return JSON.parse(pairs) as Record<Owner, KeyPair>;
}

/** Boots a virtual machine on this computer, or converges it, by the scripts of `machines.local`. */
export function applyMachine(
    settings: VirtualMachineSettings,
    keys: { userPublicKey: string; host: KeyPair },
    say: (line: string) => void,
): Promise<void> {
    const { userPublicKey, host } = keys;
    const secrets = { userPublicKey, hostPrivateKey: host.privateKey, hostPublicKey: host.publicKey };
    return vmScript("apply", settings, JSON.stringify(secrets), say);
}

/** Removes a virtual machine, in whatever state it is. */
export function deleteMachine(settings: VirtualMachineSettings, say: (line: string) => void): Promise<void> {
    return vmScript("delete", settings, "", say);
}

/** Runs `vm.sh`, whose lines are told as they come. */
function vmScript(
    verb: "apply" | "delete",
    settings: VirtualMachineSettings,
    input: string,
    say: (line: string) => void,
): Promise<void> {
    const environment = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]));
    return new Promise((resolve, reject) => {
        const child = spawn("bash", [path.join(scripts, "vm.sh"), verb], { env: { ...process.env, ...environment } });
        let said = "";
        child.stderr.on("data", (data: Buffer) => {
            said += data.toString();
            data.toString().trimEnd().split("\n").forEach(say);
        });
        child.stdin.on("error", () => undefined);
        child.stdin.end(input);
        child.once("error", reject);
        child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(said.slice(-2000)))));
    });
}
