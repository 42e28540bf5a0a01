import { Part } from "./part";
import { kubeadmFiles, onNode, PreparedNode, putFiles } from "./support/preparedNode";
import { alternating, median, pairsWanted, Samples } from "./support/samples";
import { spanOf } from "./support/upStack";
import { Vm } from "./support/vm";
import { VmLab } from "./support/vmLab";

/** Seconds. */
interface Pair {
    /** The component's step, to its end: the API takes a pod and has told its schema. */
    step: number;
    /** kubeadm alone, until it returned, and until the API took a pod. */
    bare: { returned: number; accepts: number };
}

/** The step `init` beside kubeadm itself. */
export const init: Part = {
    name: "init",
    about:
        "The step `init` with everything installed and all images pulled, against a bare `kubeadm init` with the same " +
        "configuration, in alternating pairs, each run on a fresh copy of one prepared disk.",
    quick: false,
    run: ({ say }) =>
        VmLab.use(say, async (lab) => {
            const node = await PreparedNode.make(lab);
            const pairs = await new Samples<Pair>("init", say).fill(pairsWanted(), async (index) => {
                const [step, bare] = await alternating(
                    index,
                    () => onCopy(lab, node, () => measureStep(node)),
                    () => onCopy(lab, node, (vm) => measureBare(lab, vm)),
                );
                say(`init: step ${step} s, bare ${bare.returned} s, takes a pod after ${bare.accepts} s`);
                return { step, bare };
            });
            return { rows: rows(pairs, lab.note()) };
        }),
};

async function onCopy<Result>(lab: VmLab, node: PreparedNode, what: (vm: Vm) => Promise<Result>): Promise<Result> {
    const vm = await node.start();
    try {
        return await what(vm);
    } finally {
        await lab.delete(vm);
    }
}

async function measureStep(node: PreparedNode): Promise<number> {
    const { spans } = await node.begin();
    const { begun, ended } = spanOf(spans, "lab-control-plane-0-init");
    return ended - begun;
}

async function measureBare(lab: VmLab, vm: Vm): Promise<Pair["bare"]> {
    await putFiles(vm, kubeadmFiles(lab, vm));
    const at = await timed(vm, onNode("init.sh"), ["-"]);
    return { returned: at.RETURNED!, accepts: at.ACCEPTS! };
}

/** Runs a script, over a connection of its own; by each line that it prints, the seconds until then. */
export async function timed(vm: Vm, script: string, args: string[]): Promise<Record<string, number>> {
    const begun = Date.now();
    const at: Record<string, number> = {};
    await vm.script(script, args, (line) => (at[line] = (Date.now() - begun) / 1000));
    return at;
}

function rows(pairs: Pair[], note: string) {
    const row = (what: string, unit: "ratio" | "seconds", samples: number[]) => ({
        what,
        value: median(samples),
        samples,
        unit,
        exact: false,
    });
    const againstReturn = pairs.map(({ step, bare }) => step / bare.returned);
    const againstPod = pairs.map(({ step, bare }) => step / bare.accepts);
    return [
        { ...row("step `init` / `kubeadm init` until it returns", "ratio", againstReturn), most: 1.05, note },
        row("step `init` / `kubeadm init` until the API takes a pod", "ratio", againstPod),
        row(
            "step `init`",
            "seconds",
            pairs.map(({ step }) => step),
        ),
        row(
            "`kubeadm init` until it returns",
            "seconds",
            pairs.map(({ bare }) => bare.returned),
        ),
        row(
            "`kubeadm init` until the API takes a pod",
            "seconds",
            pairs.map(({ bare }) => bare.accepts),
        ),
    ];
}
