import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { ExistingMachineArgs } from "../../../index";
import { freePorts } from "../../support/freePorts";
import { TcpRelay } from "../../support/tcpRelay";
import { applyMachine, deleteMachine, makeKeys } from "../../support/virtualMachine";

const user = "ops";

/** Which machine, and how large. */
export interface ExistingMachineOptions {
    /** The folder that holds what is kept of it. */
    folder: string;
    name: string;
    /** ADDRESS/BITS on the segment that machines of the same name share. */
    segmentAddress: string;
    segment: string;
    image: string;
    cpus: number;
    memoryMib: number;
}

/** A virtual machine of this computer that the program knows as a machine that exists. SSH to it is counted. */
export class ExistingMachine {
    /** Leads to its API server, if there is one. */
    apiPort!: number;
    private readonly keys = makeKeys("user", "host");
    private sshPort!: number;
    private ssh!: TcpRelay;
    private boots = 0;

    constructor(
        private readonly options: ExistingMachineOptions,
        private readonly say: (line: string) => void,
    ) {}

    /** Takes its ports. They stay the same over all of its boots. */
    async open() {
        [this.sshPort, this.apiPort] = (await freePorts(2)) as [number, number];
        this.ssh = await TcpRelay.start(() => this.sshPort);
    }

    /** SSH connections by the program so far. */
    get connections(): number {
        return this.ssh.connections;
    }

    get args(): ExistingMachineArgs {
        return {
            address: "127.0.0.1",
            port: this.ssh.port,
            user,
            privateKey: this.keys.user.privateKey,
            hostKey: this.keys.host.publicKey,
            internalAddress: this.options.segmentAddress.split("/")[0],
        };
    }

    /** Boots it and waits until it shows its host key. */
    async boot() {
        const { name, image, cpus, memoryMib, segment, segmentAddress } = this.options;
        const settings = {
            ...this.settings,
            VM_HOSTNAME: name,
            VM_USER: user,
            VM_CPUS: cpus,
            VM_MEMORY_MIB: memoryMib,
            VM_DISK_GIB: 20,
            VM_IMAGE: image,
            VM_SSH_PORT: this.sshPort,
            VM_API_PORT: this.apiPort,
            VM_SEGMENT: segment,
            VM_SEGMENT_ADDRESS: segmentAddress,
            VM_ACCELERATOR: "auto",
            VM_TIMEOUT_SECONDS: 1800,
            VM_BOOT: ++this.boots,
        };
        const { user: login, host } = this.keys;
        await applyMachine(settings, { userPublicKey: login.publicKey, host }, this.say);
    }

    /** Whether it last started without KVM. */
    get emulated(): boolean {
        return fs.readFileSync(path.join(this.settings.VM_DIRECTORY, "accelerator"), "utf8").trim() === "tcg";
    }

    /** As a power cut does. */
    kill() {
        process.kill(Number(fs.readFileSync(path.join(this.settings.VM_DIRECTORY, "pid"), "utf8")), "SIGKILL");
    }

    /** Removes it. */
    async remove() {
        await deleteMachine(this.settings, this.say);
        await this.ssh.close();
    }

    /** Runs a command on it, past the count. @throws if it fails */
    run(command: string): Promise<string> {
        const key = path.join(this.options.folder, `key-${this.options.name}`);
        const known = path.join(this.options.folder, `known-hosts-${this.options.name}`);
        fs.writeFileSync(key, this.keys.user.privateKey, { mode: 0o600 });
        fs.writeFileSync(known, `[127.0.0.1]:${this.sshPort} ${this.keys.host.publicKey}\n`);
        const options = [
            "StrictHostKeyChecking=yes",
            "BatchMode=yes",
            "ConnectTimeout=60",
            `UserKnownHostsFile=${known}`,
        ];
        const login = ["-i", key, "-p", String(this.sshPort), ...options.flatMap((one) => ["-o", one])];
        return new Promise((resolve, reject) =>
            execFile("ssh", [...login, `${user}@127.0.0.1`, command], (error, stdout, stderr) =>
                error ? reject(new Error(`${command}: ${error.message}\n${stderr}`)) : resolve(stdout),
            ),
        );
    }

    private get settings() {
        const { name, folder, segment } = this.options;
        return { VM_NAME: `${segment}-${name}`, VM_DIRECTORY: path.join(folder, "machines", name) };
    }
}
