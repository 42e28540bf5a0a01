import { downloads } from "../../../components/node/nodeEnvironment";
import { Part, Row } from "../part";
import { controlPlaneImages, kubeadmFiles, onNode, PreparedNode, putFiles } from "../support/preparedNode";
import { measured, median } from "../measure";
import { alternating, Samples } from "../support/samples";
import { Vm } from "../support/vm";
import { VmLab } from "../support/vmLab";

/** Seconds with what shortens the path, and without it. */
interface Pair {
    with: number;
    without: number;
}

/** How often the short measurements are made. Each pair of the longest, the pulls, takes minutes on an emulated node. */
const times = 2;

/** What shortens the way to a cluster, each for itself. */
export const criticalPath: Part = {
    name: "critical-path",
    about:
        "What shortens the way to a cluster, each measured for itself on a prepared node, with it and without it: a " +
        "ratio below 1 is what it gains. Workers that install beside the control plane are a row of bootstrap-workers.",
    quick: false,
    run: ({ say }) =>
        VmLab.use(say, async (lab) => {
            const node = await PreparedNode.make(lab);
            const short = await shortOnes(lab, node);
            const network = await new Samples<Pair>("critical-path-network", say).fill(1, (index) =>
                compare(
                    index,
                    () => nodeReady(lab, node, "before"),
                    () => nodeReady(lab, node, "after"),
                ),
            );
            return {
                rows: [
                    ...short,
                    row("until the node is Ready: CNI configuration before init / after it", network, lab.note()),
                ],
            };
        }),
};

/** Those that need no cluster, on one machine. */
async function shortOnes(lab: VmLab, node: PreparedNode): Promise<Row[]> {
    const vm = await node.start();
    await putFiles(vm, kubeadmFiles(lab, vm));
    const images = controlPlaneImages(lab);
    const remove = `crictl rmi --all >/dev/null 2>&1 || true\nsync\n`;
    const urls = downloads(lab.spec([vm]))
        .split("\n")
        .map((line) => line.split("\t"))
        .filter(([, , arch]) => arch === "amd64")
        .map((fields) => fields[4]!);
    const pairs = async (name: string, script: string, ways: [string[], string[]], before = "") =>
        new Samples<Pair>(`critical-path-${name}`, lab.say).fill(times, (index) =>
            compare(
                index,
                () => seconds(vm, script, ways[0], before),
                () => seconds(vm, script, ways[1], before),
            ),
        );
    const ways = (words: string[]): [string[], string[]] => [
        ["parallel", ...words],
        ["serial", ...words],
    ];
    const keys = await pairs("keys", "certificates.sh", [["ECDSA-P256"], ["RSA-2048"]]);
    const files = await pairs("downloads", "download.sh", ways(urls));
    const pulls = await pairs("images", "pull.sh", ways(images), remove);
    await vm.delete();
    const mirror = "from a mirror on the same computer, where a network's latency and limits are not seen";
    return [
        row("keys, certificates and kubeconfigs: ECDSA P-256 / RSA 2048", keys),
        row("downloads: at once / one after the other", files, mirror),
        row("the control plane's images: pulled at once / one after the other", pulls, mirror),
    ];
}

async function compare(index: number, one: () => Promise<number>, other: () => Promise<number>): Promise<Pair> {
    const [withIt, without] = await alternating(index, one, other);
    return { with: withIt, without };
}

/** Seconds that a script runs for, by the node's clock. `before` is not counted. */
async function seconds(vm: Vm, script: string, args: string[], before: string): Promise<number> {
    const file = "/run/bench.sh";
    await putFiles(vm, { [file]: onNode(script) });
    const { stdout } = await vm.script(
        `set -euo pipefail\n${before}begun=$EPOCHREALTIME\nbash ${file} "$@" >&2\necho "$begun $EPOCHREALTIME"`,
        args,
    );
    const [begun, ended] = stdout.trim().split(" ").map(Number) as [number, number];
    return ended - begun;
}

/** Seconds from the beginning of `kubeadm init` until the node is Ready, by a bridge as its network. */
async function nodeReady(lab: VmLab, node: PreparedNode, when: "before" | "after"): Promise<number> {
    const vm = await node.start();
    try {
        await putFiles(vm, kubeadmFiles(lab, vm));
        const late = "/root/10-bench.conflist";
        await putFiles(vm, { [when === "before" ? "/etc/cni/net.d/10-bench.conflist" : late]: bridge });
        return (await vm.marks(onNode("init.sh"), [when === "before" ? "-" : late])).READY!;
    } finally {
        await vm.delete();
    }
}

const bridge = JSON.stringify({
    cniVersion: "1.0.0",
    name: "bench",
    plugins: [
        {
            type: "bridge",
            bridge: "cni0",
            isGateway: true,
            ipMasq: true,
            ipam: { type: "host-local", ranges: [[{ subnet: "10.244.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
        },
        { type: "portmap", capabilities: { portMappings: true } },
    ],
});

function row(what: string, pairs: Pair[], note?: string): Row {
    const samples = pairs.map((pair) => pair.with / pair.without);
    const middle = (of: (pair: Pair) => number) => median(pairs.map(of)).toFixed(1);
    const figures = `${middle((pair) => pair.with)} s / ${middle((pair) => pair.without)} s`;
    return measured(what, "ratio", samples, { note: note ? `${figures}; ${note}` : figures });
}
