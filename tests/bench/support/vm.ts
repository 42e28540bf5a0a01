import * as fs from "node:fs";
import * as path from "node:path";
import { localBundle } from "../../../components/machine/localMachine";
import { segment } from "../../../components/machine/localMachineSpec";
import { eventually, minutes } from "../../support/eventually";
import { freePorts } from "../../support/freePorts";
import { program, Ran } from "./program";

/** A virtual machine to measure on. */
export interface VmSettings {
    /** Its host name too. */
    name: string;
    /** Where its files go, in a folder of its own. */
    scratch: string;
    /** Disk image, qcow2: it is never written to. So a machine that was shut down is one for others. */
    image: string;
    /** MiB. @default 6144, as `npm start` gives to a control plane */
    memoryMib?: number;
    /** Its place on a segment that the machines of one scratch folder share. @default no segment */
    place?: number;
    /** A machine that is shut down, whose ports and keys it takes over: whoever knew that one takes it for the same. */
    inPlaceOf?: Vm;
}

const user = "kata";

/** A virtual machine, made by the same scripts as those of `machines.local`, and reached by the computer's own ssh. */
export class Vm {
    private constructor(
        readonly name: string,
        readonly folder: string,
        readonly sshPort: number,
        readonly apiPort: number,
        /** On the segment, if it is on one. */
        readonly internalAddress: string | undefined,
        readonly keys: Record<"user" | "host", Pair>,
        /** Whether it runs without KVM. */
        readonly emulated: boolean,
    ) {}

    /** Boots a machine, with a fresh disk over the image. Done when it takes SSH. */
    static async start({ name, scratch, image, memoryMib = 6144, place, inPlaceOf }: VmSettings): Promise<Vm> {
        const folder = fs.mkdtempSync(path.join(scratch, `${name}-`));
        const keys = inPlaceOf?.keys ?? (await makeKeys());
        const [sshPort, apiPort] = inPlaceOf ? [inPlaceOf.sshPort, inPlaceOf.apiPort] : await twoPorts();
        const internalAddress = place === undefined ? undefined : segment.address(place);
        const environment = {
            ...identity(folder),
            VM_HOSTNAME: name,
            VM_USER: user,
            VM_CPUS: "2",
            VM_MEMORY_MIB: String(memoryMib),
            VM_DISK_GIB: "30",
            VM_IMAGE: image,
            VM_SSH_PORT: String(sshPort),
            VM_API_PORT: String(apiPort),
            VM_SEGMENT: internalAddress === undefined ? "" : scratch.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-/, ""),
            VM_SEGMENT_ADDRESS: internalAddress === undefined ? "" : `${internalAddress}/24`,
            VM_ACCELERATOR: "auto",
            VM_TIMEOUT_SECONDS: "900",
            VM_BOOT: "1",
        };
        const made = await scripts(
            ["vm", "apply"],
            environment,
            JSON.stringify({
                userPublicKey: keys.user.publicKey,
                hostPrivateKey: keys.host.privateKey,
                hostPublicKey: keys.host.publicKey,
            }),
        );
        const { emulated } = JSON.parse(made.stdout) as { emulated: boolean };
        fs.writeFileSync(path.join(folder, "key"), keys.user.privateKey, { mode: 0o600 });
        fs.writeFileSync(path.join(folder, "known_hosts"), `[127.0.0.1]:${sshPort} ${keys.host.publicKey}\n`);
        const vm = new Vm(name, folder, sshPort, apiPort, internalAddress, keys, emulated);
        await vm.settled();
        return vm;
    }

    /** SSH answers before cloud-init is through, which starts sshd anew; and nobody's clock is to hold that. */
    private settled() {
        return eventually(5 * minutes, `${this.name} to take SSH and come to rest`, async () => {
            await this.run("cloud-init status --wait >/dev/null || true; sync");
            return true;
        });
    }

    /** What follows `ssh` on a command line, up to the command for the machine. */
    sshArguments(): string[] {
        const options = {
            UserKnownHostsFile: path.join(this.folder, "known_hosts"),
            StrictHostKeyChecking: "yes",
            BatchMode: "yes",
            ServerAliveInterval: "30",
        };
        return [
            ...["-i", path.join(this.folder, "key"), "-p", String(this.sshPort)],
            ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
            `${user}@127.0.0.1`,
        ];
    }

    /**
     * Runs a command on the machine.
     *
     * @param onLine is told each line of its stdout at once
     * @throws if it fails, with the end of what it said
     */
    run(command: string, input = "", onLine?: (line: string) => void): Promise<Ran> {
        return program("ssh", [...this.sshArguments(), command], { input, onLine });
    }

    /** Runs a bash script as root. Its arguments are words without blanks. */
    script(text: string, args: string[] = [], onLine?: (line: string) => void): Promise<Ran> {
        return this.run(`sudo bash -s -- ${args.join(" ")}`, text, onLine);
    }

    /** Runs a script as root, over a connection of its own; by each line that it prints, the seconds until then. */
    async marks(text: string, args: string[]): Promise<Record<string, number>> {
        const begun = Date.now();
        const at: Record<string, number> = {};
        await this.script(text, args, (line) => (at[line] = (Date.now() - begun) / 1000));
        return at;
    }

    /** Shuts the machine down in order and gives its disk, an image for others. They need it: delete it last. */
    async shutDown(): Promise<string> {
        await this.run("sudo systemctl poweroff").catch(() => undefined);
        for (let left = 240; this.isOn(); left--) {
            if (left === 0) {
                throw new Error(`machine ${this.name} has not powered off within 240 s; see ${this.folder}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 1000));
        }
        return path.join(this.folder, "machine", "disk.qcow2");
    }

    isOn(): boolean {
        return fs.existsSync(this.pidFile) && isRunning(Number(fs.readFileSync(this.pidFile, "utf8")));
    }

    delete(): Promise<void> {
        return remove(this.folder);
    }

    /** Deletes all machines that were begun in a scratch folder, those too whose boot failed or was cut off. */
    static async deleteAll(scratch: string): Promise<void> {
        const folders = fs.readdirSync(scratch).map((name) => path.join(scratch, name));
        await Promise.all(folders.filter((folder) => fs.existsSync(path.join(folder, "machine"))).map(remove));
    }

    private get pidFile(): string {
        return path.join(this.folder, "machine", "pid");
    }
}

interface Pair {
    privateKey: string;
    publicKey: string;
}

/** By what the scripts know the machine in a folder. One in place of another has its name, so that cloud-init sees no new one. */
function identity(folder: string) {
    const name = path.basename(folder).replace(/-[^-]+$/, "");
    return {
        VM_NAME: `${path.basename(path.dirname(folder))}-${name}`,
        VM_DIRECTORY: path.join(folder, "machine"),
    };
}

async function remove(folder: string) {
    await scripts(["vm", "delete"], identity(folder));
    fs.rmSync(folder, { recursive: true, force: true });
}

async function makeKeys() {
    return JSON.parse((await scripts(["keys", "user", "host"], {})).stdout) as Record<"user" | "host", Pair>;
}

async function twoPorts() {
    return (await freePorts(2)) as [number, number];
}

/** Runs one of the scripts of components/machine/local. */
function scripts(args: string[], environment: Record<string, string>, input = "{}"): Promise<Ran> {
    return program("bash", ["-c", localBundle(), "bundle", ...args], { input, environment });
}

function isRunning(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}
