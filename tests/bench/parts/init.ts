import { Part, Row } from "../part";
import { measured } from "../measure";
import { kubeadmFiles, onNode, PreparedNode, putFiles } from "../support/preparedNode";
import { alternating, pairsWanted, Samples } from "../support/samples";
import { spanOf } from "../support/upStack";
import { Vm } from "../support/vm";
import { VmLab } from "../support/vmLab";

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
                    () => onCopy(node, () => measureStep(node)),
                    () => onCopy(node, (vm) => measureBare(lab, vm)),
                );
                say(`init: step ${step} s, bare ${bare.returned} s, takes a pod after ${bare.accepts} s`);
                return { step, bare };
            });
            return { rows: rows(pairs, lab.note()) };
        }),
};

async function onCopy<Result>(node: PreparedNode, what: (vm: Vm) => Promise<Result>): Promise<Result> {
    const vm = await node.start();
    try {
        return await what(vm);
    } finally {
        await vm.delete();
    }
}

async function measureStep(node: PreparedNode): Promise<number> {
    const { spans } = await node.begin();
    const { begun, ended } = spanOf(spans, "lab-control-plane-0-init");
    return ended - begun;
}

async function measureBare(lab: VmLab, vm: Vm): Promise<Pair["bare"]> {
    await putFiles(vm, kubeadmFiles(lab, vm));
    const at = await vm.marks(onNode("init.sh"), ["-"]);
    return { returned: at.RETURNED!, accepts: at.ACCEPTS! };
}

function rows(pairs: Pair[], note: string) {
    const row = (what: string, unit: "ratio" | "seconds", of: (pair: Pair) => number, more?: Partial<Row>) =>
        measured(what, unit, pairs.map(of), more);
    return [
        row("step `init` / `kubeadm init` until it returns", "ratio", ({ step, bare }) => step / bare.returned, {
            most: 1.05,
            note,
        }),
        row("step `init` / `kubeadm init` until the API takes a pod", "ratio", ({ step, bare }) => step / bare.accepts),
        row("step `init`", "seconds", ({ step }) => step),
        row("`kubeadm init` until it returns", "seconds", ({ bare }) => bare.returned),
        row("`kubeadm init` until the API takes a pod", "seconds", ({ bare }) => bare.accepts),
    ];
}
