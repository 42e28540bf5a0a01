import * as fs from "node:fs";
import * as path from "node:path";
import { KataCluster } from "../../../index";
import { untrustedAnnotation } from "../../../components/trust";
import { Part, Row } from "../part";
import { onNode } from "../support/preparedNode";
import { measured } from "../measure";
import { pairsWanted, Samples } from "../support/samples";
import { UpStack } from "../support/upStack";
import { program } from "../support/program";
import { Vm } from "../support/vm";
import { VmLab } from "../support/vmLab";

/** Seconds. */
interface Sample {
    untrusted: number;
    trusted: number;
    /** Nothing where the guest of that Kata is not known how to boot. */
    guest?: number;
}

/** What the virtual machine costs a pod. */
export const podStart: Part = {
    name: "pod-start",
    about:
        "A pod from its creation until it is Ready: untrusted, in Kata, against the same pod on runc, and against the " +
        "same guest started by QEMU alone until its agent takes a connection. In turns, on one node of a whole cluster.",
    quick: false,
    run: ({ say }) =>
        VmLab.use(say, async (lab) => {
            const vm = await lab.start({ name: "lab-control-plane-0" });
            say("pod-start: making the cluster");
            const stack = await UpStack.open(lab, "pods");
            const { outputs } = await stack.up(() => {
                const { kubeconfig } = new KataCluster("lab", lab.args([vm]));
                return { kubeconfig };
            });
            const kubectl = kubectlFor(lab, outputs.kubeconfig as string);
            const guest = await guestOf(vm);
            await kubectl("delete", "pod", "nginx-untrusted", "--grace-period=1");
            const samples = await new Samples<Sample>("pod-start", say).fill(pairsWanted(), async (index) => {
                const sample: Partial<Sample> = {};
                const turns = [
                    async () => (sample.untrusted = await podReady(kubectl, vm, true)),
                    async () => (sample.trusted = await podReady(kubectl, vm, false)),
                    async () => (sample.guest = await guest?.()),
                ];
                for (const turn of turns.keys()) {
                    await turns[(turn + index) % turns.length]!();
                }
                say(`pod-start: ${JSON.stringify(sample)}`);
                return sample as Sample;
            });
            return { rows: rows(samples, lab.note()) };
        }),
};

type Kubectl = (...args: string[]) => Promise<unknown>;

/** This computer's kubectl: the emulated node's is slow, and its start is no part of a pod's. */
function kubectlFor(lab: VmLab, kubeconfig: string): Kubectl {
    const file = path.join(lab.scratch, "kubeconfig");
    fs.writeFileSync(file, kubeconfig, { mode: 0o600 });
    return (...args) => program(lab.lab.kubectl, ["--kubeconfig", file, ...args]);
}

async function podReady(kubectl: Kubectl, vm: Vm, untrusted: boolean): Promise<number> {
    const manifest = path.join(vm.folder, "pod.json");
    fs.writeFileSync(manifest, JSON.stringify(pod(untrusted)));
    const begun = Date.now();
    await kubectl("create", "--filename", manifest);
    await kubectl("wait", "--for=condition=Ready", "pod/bench", "--timeout=20m");
    const seconds = (Date.now() - begun) / 1000;
    await kubectl("delete", "pod", "bench", "--grace-period=1");
    // Its network and its guest go after it.
    await vm.run(
        'until [ -z "$(sudo crictl pods --quiet --name bench)" ]; do sleep 2; done; ' +
            "while pgrep ^qemu-system >/dev/null; do sleep 1; done",
    );
    return seconds;
}

function pod(untrusted: boolean) {
    return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "bench", annotations: untrusted ? { [untrustedAnnotation]: "true" } : {} },
        spec: { containers: [{ name: "nginx", image: "nginx", imagePullPolicy: "IfNotPresent" }] },
    };
}

/** How to start the guest that runs on the machine, by QEMU alone. Gives seconds until its agent takes a connection. */
async function guestOf(vm: Vm): Promise<(() => Promise<number>) | undefined> {
    const { stdout } = await vm.script(onNode("guest.sh"), ["record"]);
    if (stdout.trim() !== "recorded") {
        return undefined;
    }
    return async () => Number((await vm.script(onNode("guest.sh"), ["boot"])).stdout);
}

function rows(samples: Sample[], note: string): Row[] {
    const row = (what: string, unit: "ratio" | "seconds", of: (sample: Sample) => number | undefined) => {
        const values = samples.map(of).filter((value) => value !== undefined);
        return values.length > 0 ? [measured(what, unit, values, { note })] : [];
    };
    return [
        ...row("untrusted pod / the same pod on runc", "ratio", (one) => one.untrusted / one.trusted),
        ...row("untrusted pod / direct boot of its guest", "ratio", (one) => one.guest && one.untrusted / one.guest),
        ...row("untrusted pod, from creation to Ready", "seconds", (one) => one.untrusted),
        ...row("the same pod on runc", "seconds", (one) => one.trusted),
        ...row("direct boot of its guest", "seconds", (one) => one.guest),
    ];
}
