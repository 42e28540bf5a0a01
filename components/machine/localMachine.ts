import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { bundle, filesBelow } from "../bundle";
import { MachineImageArgs, NodeRole, TaintArgs } from "../args";
import { ClusterSpec } from "../spec";
import { cloudImages, defaultCloudImage } from "./cloudImages";
import { connectionTo } from "./connection";
import { LocalMachineSpec, segment } from "./localMachineSpec";
import { Machine } from "./machine";
import { MachineSpec } from "./machineSpec";
import { KeyPair, makeSshKeys } from "./sshKeys";

const user = "kata";
const scripts = path.join(__dirname, "local");

/** A QEMU virtual machine on this computer, reached through ports on 127.0.0.1. */
export class LocalMachine extends pulumi.ComponentResource implements Machine {
    public readonly name: string;
    public readonly role: NodeRole;
    public readonly labels: Record<string, string>;
    public readonly taints: TaintArgs[];
    public readonly internalAddress: string;
    public readonly connection: Machine["connection"];
    public readonly apiAddress: string;
    public readonly owner: command.local.Command;
    public readonly boot: number;
    public readonly dependsOn: pulumi.Resource[];

    constructor(
        { name, role, labels, taints, local }: MachineSpec & { kind: "local" },
        cluster: ClusterSpec,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:machine:LocalMachine", name, {}, opts);
        this.name = name;
        this.role = role;
        this.labels = labels;
        this.taints = taints;
        this.internalAddress = segment.address(local.place);
        const vmName = localMachineName(pulumi.getProject(), pulumi.getStack(), name);
        this.boot = bootNumber(vmName);
        const keys = makeSshKeys(name, ["user", "host"], { parent: this });
        this.owner = this.runMachine(vmName, cluster, local, keys);
        this.dependsOn = [this.owner];
        // No port here leads to a worker.
        this.apiAddress = local.apiPort === undefined ? this.internalAddress : `127.0.0.1:${local.apiPort}`;
        this.connection = connectionTo({
            address: "127.0.0.1",
            port: local.sshPort,
            user,
            privateKey: keys.user.privateKey,
            hostKey: pulumi.unsecret(keys.host.publicKey),
        });
        this.registerOutputs({ apiAddress: this.apiAddress });
    }

    private runMachine(
        vmName: string,
        cluster: ClusterSpec,
        spec: LocalMachineSpec,
        keys: pulumi.Output<Record<"user" | "host", KeyPair>>,
    ) {
        const timeoutSeconds = cluster.timeouts.machineSeconds;
        const image: MachineImageArgs =
            spec.image ?? cloudImages[defaultCloudImage][process.arch === "arm64" ? "arm64" : "amd64"];
        const seconds = `${timeoutSeconds}s`;
        return new command.local.Command(
            `${this.name}-vm`,
            {
                create: 'bash -c "$SCRIPTS" bundle vm apply',
                delete: 'bash -c "$SCRIPTS" bundle vm delete',
                environment: {
                    SCRIPTS: localBundle(),
                    VM_NAME: vmName,
                    VM_CPUS: String(spec.cpus),
                    VM_MEMORY_MIB: String(spec.memoryMib),
                    VM_DISK_GIB: String(spec.diskGib),
                    VM_IMAGE: image.path ?? "",
                    VM_IMAGE_URL: image.url ?? "",
                    VM_IMAGE_SHA256: image.sha256 ?? "",
                    VM_IMAGE_SHA512: image.sha512 ?? "",
                    VM_SSH_PORT: String(spec.sshPort),
                    VM_API_PORT: String(spec.apiPort ?? ""),
                    VM_SEGMENT: localMachineName(pulumi.getProject(), pulumi.getStack(), cluster.name),
                    VM_SEGMENT_ADDRESS: `${this.internalAddress}/${segment.cidr.split("/")[1]}`,
                    VM_USER: user,
                    VM_ACCELERATOR: spec.accelerator,
                    VM_TIMEOUT_SECONDS: String(timeoutSeconds),
                    VM_BOOT: String(this.boot),
                },
                stdin: keys.apply(({ user, host }) =>
                    JSON.stringify({
                        userPublicKey: user.publicKey,
                        hostPrivateKey: host.privateKey,
                        hostPublicKey: host.publicKey,
                    }),
                ),
                logging: "stderr",
                addPreviousOutputInEnv: false,
            },
            { parent: this, customTimeouts: { create: seconds, update: seconds, delete: seconds } },
        );
    }
}

/** The name by which QEMU and the state folder know a machine. */
export function localMachineName(project: string, stack: string, machine: string): string {
    return `${project}-${stack}-${machine}`;
}

/** Where `local/vm.sh` keeps a folder for each machine. */
export function localMachinesFolder(): string {
    return path.join(process.env.XDG_STATE_HOME ?? path.join(os.homedir(), ".local", "state"), "kata-cluster");
}

/** The scripts that keep local machines, as one text. */
export function localBundle(): string {
    return bundle(scripts, filesBelow(scripts));
}

/**
 * Which boot of the machine is wanted: the one that runs, or the next one. So an `up` after the computer was restarted
 * shows that, and starts the machine again. The files are those that `local/vm.sh` keeps.
 */
function bootNumber(vmName: string): number {
    const last = numberIn(vmName, "boot");
    return isRunning(numberIn(vmName, "pid")) ? Math.max(last, 1) : last + 1;
}

/**
 * The process of a machine that was started once, which is gone where there is no `pid`, and the port on 127.0.0.1 that
 * leads to its SSH server.
 */
export function localMachineProcess(vmName: string): { pid?: number; sshPort: number } | undefined {
    if (numberIn(vmName, "boot") === 0) {
        return undefined;
    }
    const pid = numberIn(vmName, "pid");
    const [, sshPort] = /hostfwd=tcp:127\.0\.0\.1:(\d+)-:22\b/.exec(textOf(vmName, "command")) ?? [];
    return { pid: isRunning(pid) ? pid : undefined, sshPort: Number(sshPort ?? 0) };
}

function numberIn(vmName: string, name: "boot" | "pid"): number {
    return Number(textOf(vmName, name));
}

/** The text of one of the files that `local/vm.sh` keeps, empty where it is not there. */
function textOf(vmName: string, name: string): string {
    const file = path.join(localMachinesFolder(), vmName, name);
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}

function isRunning(pid: number): boolean {
    if (!(pid > 0)) {
        return false;
    }
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}
