import * as fs from "node:fs";
import * as path from "node:path";
import { Files } from "../../../components/bundle";
import { ControlPlane } from "../../../components/cluster/controlPlane";
import { initFiles } from "../../../components/cluster/kubeadmConfig";
import { memberships } from "../../../components/cluster/membership";
import { patches } from "../../../components/cluster/nodeRegistration";
import { createMachines } from "../../../components/machine/machines";
import { NodeBootstrap } from "../../../components/node/nodeBootstrap";
import { UpRun, UpStack } from "./upStack";
import { Vm } from "./vm";
import { apiNames, description, VmLab } from "./vmLab";

/** A control plane's machine on which the component has installed everything; and all images that it will want. */
export class PreparedNode {
    private constructor(
        private readonly lab: VmLab,
        /** The machine on which it was done, shut down. */
        private readonly machine: Vm,
        private readonly image: string,
        private readonly stack: UpStack,
        private readonly restore: () => Promise<void>,
    ) {}

    static async make(lab: VmLab): Promise<PreparedNode> {
        lab.say("preparing a node: booting it");
        const machine = await lab.start({ name: "lab-control-plane-0" });
        const stack = await UpStack.open(lab, "prepared");
        lab.say("preparing a node: installing everything");
        await stack.up(() => void withoutCluster(lab, machine));
        lab.say("preparing a node: pulling images");
        await machine.script(onNode("pull.sh"), ["serial", ...Object.keys(lab.lab.images)]);
        return new PreparedNode(lab, machine, await machine.shutDown(), stack, await stack.saved());
    }

    /** Boots a copy of it, which the stack takes for the machine that it knows. Done when it has come to rest. */
    async start(): Promise<Vm> {
        this.lab.say("booting a copy of the prepared node");
        const { name } = this.machine;
        const vm = await this.lab.start({ name, image: this.image, inPlaceOf: this.machine });
        await vm.run(
            "sudo systemctl is-system-running --wait >/dev/null; until sudo crictl info >/dev/null; do sleep 1; done",
        );
        await this.restore();
        return vm;
    }

    /** Runs `kubeadm init` on a copy in the component's way. */
    begin(): Promise<UpRun> {
        return this.stack.up(() => {
            const { nodes, spec } = withoutCluster(this.lab, this.machine);
            new ControlPlane("lab", nodes, spec, {});
        });
    }
}

/** The component's own first stages: machines and nodes. */
function withoutCluster(lab: VmLab, machine: Vm) {
    const spec = lab.spec([machine]);
    const made = createMachines(spec, {});
    const members = memberships(spec, made);
    return { spec, nodes: made.machines.map((one, i) => new NodeBootstrap(one, spec, members[i]!, {})) };
}

/** What kubeadm reads on a node, by its path there, as the component has it. */
export function kubeadmFiles(lab: VmLab, vm: Vm): Files {
    const files = initFiles(lab.spec([vm]), description(vm), { names: apiNames(vm) });
    const entries = Object.entries(files).filter(([file]) => vm.emulated || !file.includes(patches));
    return {
        ...Object.fromEntries(entries.map(([file, text]) => [file.replace(/^files/, ""), text])),
        // kubeadm wants the directory in any case.
        [`${patches}/.keep`]: "",
    };
}

/** Puts files on a machine, for root alone. */
export async function putFiles(vm: Vm, files: Files) {
    for (const [file, text] of Object.entries(files)) {
        await vm.run(`sudo bash -c 'umask 077 && mkdir -p ${path.posix.dirname(file)} && cat >${file}'`, text);
    }
}

/** What `kubeadm init` pulls, by the names that the mirror serves. */
export function controlPlaneImages({ lab }: VmLab): string[] {
    return Object.keys(lab.images).filter((image) => image.startsWith("registry.k8s.io/"));
}

/** A script of tests/bench/onNode. */
export function onNode(name: string): string {
    return fs.readFileSync(path.resolve(__dirname, "../onNode", name), "utf8");
}
