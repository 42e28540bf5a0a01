import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Stack, UpOptions } from "@pulumi/pulumi/automation";
import { ExistingMachineArgs, IsolationFindings, NodeFindings } from "../../../index";
import { parseOptions } from "../../../stacks/local/options";
import { Progress } from "../../../stacks/local/progress";
import { pulumiCommand } from "../../../stacks/local/pulumiCommand";
import { StateFolder } from "../../../stacks/local/stateFolder";
import { configure, openStack, stackConfig, stackName } from "../../../stacks/local/workspace";
import { program } from "../../../stacks/program";
import { buildLab, Lab, serveLab } from "../../lab/lab";
import { ApiBalancer } from "../../support/apiBalancer";
import { ExistingMachine } from "./existingMachine";

/** As in local.test.ts. */
const flags = (process.env.KATA_CLUSTER_E2E_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
const certificates = ["cacert=/etc/kubernetes/pki/etcd/ca.crt", "cert=/etc/kubernetes/pki/etcd/server.crt"];
const limits = ["dial-timeout=30s", "command-timeout=60s"];
const etcdctl = [
    "etcdctl",
    ...[...certificates, "key=/etc/kubernetes/pki/etcd/server.key", ...limits].map((one) => `--${one}`),
];

/**
 * An emulated control plane with its pod, doing nothing, keeps one core busy. On two cores, with nothing beside them, a
 * second one joined and voted, but then etcd took longer for an answer than its clients wait: the API of both was gone for
 * ten minutes and more, and a third never joined. How many are enough is a guess.
 */
const coresForEmulation = 6;

/** The static pods of a control plane, by the beginning of their names. */
export const controlPlaneParts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/** Runs a command line of kubectl, and gives what it prints. */
export type RunKubectl = (...args: string[]) => Promise<string>;

/**
 * Three machines that exist already, which are virtual ones of this computer, as control planes behind a load balancer of
 * the user's. The nodes reach that by the address which QEMU gives this computer, the program by loopback.
 */
export class ControlPlanes {
    static readonly names = ["lab-control-plane-0", "lab-control-plane-1", "lab-control-plane-2"];
    /** In the order of their names; none is booted. */
    readonly machines: ExistingMachine[] = [];

    private constructor(
        readonly progress: Progress,
        readonly stack: Stack,
        private readonly folder: string,
        private readonly state: StateFolder,
        private readonly lab: Lab,
        private readonly mirror: Awaited<ReturnType<typeof serveLab>>,
    ) {}

    private balancer!: ApiBalancer;

    static async open(): Promise<ControlPlanes> {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-e2e-three-"));
        const state = new StateFolder(folder);
        const progress = new Progress((line) => console.log(line));
        const { releases, containerRuntime } = parseOptions(flags);
        const lab = await buildLab({ log: (line) => progress.line(line), containerRuntime, real: releases });
        const mirror = await serveLab(lab, await state.ports());
        const stack = await openStack(state, await pulumiCommand(() => undefined, lab.pulumi), program, lab.plugins);
        const opened = new ControlPlanes(progress, stack, folder, state, lab, mirror);
        for (const [i, name] of ControlPlanes.names.entries()) {
            const segmentAddress = `192.168.242.${10 + i}/24`;
            const segment = `three-${stackName(state)}`;
            const size = { cpus: 2, memoryMib: 4096 };
            const options = { folder, name, segment, segmentAddress, image: lab.image, ...size };
            const machine = new ExistingMachine(options, (line) => progress.line(`${name}: ${line}`));
            await machine.open();
            opened.machines.push(machine);
        }
        opened.balancer = await ApiBalancer.start(opened.machines.map(({ apiPort }) => apiPort));
        return opened;
    }

    /** Removes everything. */
    async close() {
        await Promise.all(this.machines.map((machine) => machine.remove()));
        await this.balancer.close();
        await this.mirror.close();
        fs.rmSync(this.folder, { recursive: true, force: true });
    }

    /** Brings up a cluster of these machines. */
    async up(
        machines: { args: ExistingMachineArgs }[],
        { onEvent = () => undefined, ...options }: Pick<UpOptions, "continueOnError" | "onEvent"> = {},
    ) {
        const [first, ...others] = machines.map(({ args }) => args);
        const ports = await this.state.ports();
        // Emulated machines share what one has to itself elsewhere.
        const timeouts = { machineSeconds: 5400, nodeSeconds: 5400, controlPlaneSeconds: 5400, podSeconds: 3600 };
        await configure(this.stack, {
            ...stackConfig(parseOptions(flags), ports, { lab: this.lab, mirror: this.mirror }),
            machines: {
                existing: {
                    controlPlanes: [{ ...first!, apiAddress: `127.0.0.1:${this.balancer.port}` }, ...others],
                },
            },
            kubernetes: { controlPlaneEndpoint: `10.0.2.2:${this.balancer.port}` },
            timeouts,
        });
        const seen: UpOptions["onEvent"] = (event) => {
            this.progress.show(event);
            onEvent(event);
        };
        await this.stack.up({ ...options, onEvent: seen, color: "never" });
        const { kubeconfig, isolation, nodes } = await this.stack.outputs();
        this.state.write("kubeconfig", kubeconfig!.value as string);
        return { isolation: isolation!.value as IsolationFindings, nodes: nodes!.value as NodeFindings[] };
    }

    /** Skips what an API behind more than one emulated control plane is needed for, where the cores are too few for it. */
    skipWithoutCores(test: Mocha.Context) {
        const cores = os.availableParallelism();
        if (cores < coresForEmulation && this.machines[0]!.emulated) {
            this.progress.line(`skipped: emulated control planes want ${coresForEmulation} cores, here are ${cores}`);
            test.skip();
        }
    }

    async destroy() {
        await this.stack.destroy({ onEvent: (event) => this.progress.show(event), color: "never" });
        await this.machines[0]!.run(
            "! sudo test -e /etc/kubernetes/admin.conf && ! systemctl is-active --quiet kubelet",
        );
    }

    /** The file of the kubeconfig that the last `up` gave. */
    get kubeconfig(): string {
        return this.state.file("kubeconfig");
    }

    /** kubectl on the first of them, for a cluster whose kubeconfig was not given yet. */
    readonly kubectlThere: RunKubectl = (...args) =>
        this.machines[0]!.run(
            `sudo kubectl --kubeconfig /etc/kubernetes/admin.conf ${args.map((one) => `'${one}'`).join(" ")}`,
        );

    /** What a machine still has of a cluster, a line for each thing, and whether kubelet runs. */
    left(machine: ExistingMachine): Promise<string> {
        const left =
            "for i in /etc/kubernetes/manifests/* /var/lib/etcd/member /var/lib/kata-cluster/*; do ls -d $i; done";
        return machine.run(`sudo bash -c 'shopt -s nullglob; ${left}; systemctl is-active kubelet || true'`);
    }
}

/** The status of each Node's condition Ready, by its name. */
export async function readiness(kubectl: RunKubectl): Promise<Record<string, string>> {
    const { items } = JSON.parse(await kubectl("get", "nodes", "--output", "json")) as { items: Node[] };
    return Object.fromEntries(
        items.map(({ metadata, status }) => [
            metadata.name,
            status.conditions.find(({ type }) => type === "Ready")!.status,
        ]),
    );
}

/** etcdctl in the first one's etcd. */
export function etcd(kubectl: RunKubectl, ...args: string[]): Promise<string> {
    return kubectl(
        ...["exec", "--namespace", "kube-system", `etcd-${ControlPlanes.names[0]}`, "--"],
        ...etcdctl,
        ...args,
    );
}

/** etcd's members: name, status and whether it is a learner, from lines `ID, STATUS, NAME, PEERS, CLIENTS, LEARNER`. */
export async function members(kubectl: RunKubectl): Promise<string[]> {
    return (await etcd(kubectl, "member", "list"))
        .trim()
        .split("\n")
        .map((line) => line.split(", "))
        .map(([, status, name, , , learner]) => `${name} ${status} ${learner}`)
        .sort();
}

interface Node {
    metadata: { name: string };
    status: { conditions: { type: string; status: string }[] };
}
