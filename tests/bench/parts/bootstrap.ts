import { KataCluster } from "../../../index";
import { timelineSvg } from "../../../stacks/local/timelineSvg";
import { runScript, ScriptRun } from "../handwritten/runScript";
import { Part, Row } from "../part";
import { measured, median } from "../measure";
import { alternating, pairsWanted, Samples } from "../support/samples";
import { spanOf, UpRun, UpStack } from "../support/upStack";
import { Vm } from "../support/vm";
import { VmLab } from "../support/vmLab";

/** `up` and the hand-written script, each on machines of its own. */
interface Pair {
    up: { ready: number; ended: number; spans: UpRun["spans"] };
    script: ScriptRun;
}

const about =
    "from machines that take SSH to the Ready untrusted pod: `pulumi up` against tests/bench/handwritten/up.sh, " +
    "in alternating pairs, each run on freshly booted machines";

/** One node. */
export const bootstrap: Part = {
    name: "bootstrap",
    about: `One node, ${about}.`,
    quick: false,
    run: ({ say }) => compare("bootstrap", 0, 1.15, say),
};

/** A control plane and a worker. */
export const bootstrapWorkers: Part = {
    name: "bootstrap-workers",
    about: `A control plane and a worker, ${about}.`,
    quick: false,
    run: ({ say }) => compare("bootstrap-workers", 1, 1.25, say),
};

async function compare(part: string, workers: number, most: number, say: (line: string) => void) {
    return VmLab.use(say, async (lab) => {
        const pairs = await new Samples<Pair>(part, say).fill(pairsWanted(), async (index) => {
            const [up, script] = await alternating(
                index,
                () => onFreshMachines(lab, workers, (machines) => measureUp(lab, machines)),
                () => onFreshMachines(lab, workers, (machines) => runScript(lab, machines)),
            );
            say(`${part}: up ${up.ready} s, script ${script.ready} s`);
            return { up, script };
        });
        const shown = middleOne(pairs);
        return {
            rows: [...rows(pairs, workers, most, lab.note()), ...(workers > 0 ? [sideBySide(pairs)] : [])],
            pictures: {
                [`${part}-up.svg`]: timelineSvg("pulumi up", shown.up.spans),
                [`${part}-script.svg`]: timelineSvg("the hand-written script", shown.script.spans),
            },
        };
    });
}

/** QEMU 7's emulation makes a machine's kernel panic now and then. That run is begun anew, so many times at most. */
const attempts = 3;

/** Booting is on nobody's clock. */
async function onFreshMachines<Result>(
    lab: VmLab,
    workers: number,
    what: (machines: Vm[]) => Promise<Result>,
    attempt = 1,
): Promise<Result> {
    const names = ["lab-control-plane-0", ...Array.from({ length: workers }, (_, i) => `lab-worker-${i}`)];
    const machines: Vm[] = [];
    for (const [place, name] of names.entries()) {
        lab.say(`booting ${name}`);
        // As npm start has them.
        const memoryMib = place === 0 ? 6144 : 4096;
        machines.push(await lab.start({ name, memoryMib, place: workers > 0 ? place : undefined }));
    }
    try {
        return await what(machines);
    } catch (error) {
        if (attempt === attempts || machines.every((vm) => vm.isOn())) {
            throw error;
        }
        lab.say(`a machine went off: ${(error as Error).message}`);
    } finally {
        await Promise.all(machines.map((vm) => vm.delete()));
    }
    lab.say("that run is begun anew");
    return onFreshMachines(lab, workers, what, attempt + 1);
}

async function measureUp(lab: VmLab, machines: Vm[]): Promise<Pair["up"]> {
    const stack = await UpStack.open(lab, `stack-${Date.now()}`);
    const run = await stack.up(() => {
        const { isolation } = new KataCluster("lab", lab.args(machines));
        return { isolation };
    });
    const { isolated } = run.outputs.isolation as { isolated: boolean };
    if (!isolated) {
        throw new Error("up ended, and the pod is not isolated");
    }
    return { ready: spanOf(run.spans, "lab-untrusted").ended, ended: run.ended, spans: run.spans };
}

function rows(pairs: Pair[], workers: number, most: number, note: string): Row[] {
    const nodes = workers === 0 ? "one node" : `1+${workers}`;
    const row = (what: string, unit: "ratio" | "seconds", of: (pair: Pair) => number, more?: Partial<Row>) =>
        measured(`${nodes}: ${what}`, unit, pairs.map(of), more);
    const ended = "with the proof of isolation, which the script has not";
    return [
        row("`up` until the pod is Ready / the hand-written script", "ratio", ratio, { most, note }),
        row("`up` until the pod is Ready", "seconds", ({ up }) => up.ready),
        row("the hand-written script", "seconds", ({ script }) => script.ready),
        row("`up` to its end", "seconds", ({ up }) => up.ended, { note: ended }),
    ];
}

/** What it brings that a worker is installed beside the control plane and not after its API answers. */
function sideBySide(pairs: Pair[]): Row {
    const samples = pairs.map(({ up: { spans } }) => {
        const install = spanOf(spans, "lab-worker-0-install");
        const init = spanOf(spans, "lab-control-plane-0-init");
        return Math.max(install.ended, init.ended) / (init.ended + install.ended - install.begun);
    });
    return measured(
        "worker ready to join: installed beside the control plane / after its API answers",
        "ratio",
        samples,
        {
            note: "computed from the times of one run, with the installation as long in both cases",
        },
    );
}

function ratio({ up, script }: Pair): number {
    return up.ready / script.ready;
}

/** The pair whose ratio is nearest to the median. */
function middleOne(pairs: Pair[]): Pair {
    const wanted = median(pairs.map(ratio));
    return [...pairs].sort((a, b) => Math.abs(ratio(a) - wanted) - Math.abs(ratio(b) - wanted))[0]!;
}
