import { median } from "../measure";
import { Part, Row } from "../part";
import { Measured, StubCluster } from "../stubCluster";

type Say = (line: string) => void;

/** By round trip in ms, of https://github.com/kubernetes-sigs/kubespray/issues/8414 */
const others: Record<number, Pick<Row, "others">> = {
    5: { others: "kubespray, two nodes: 15 min, of which 10 are its transport's (kubernetes-sigs/kubespray#8414)." },
    270: {
        others: "kubespray, an upgrade of two nodes: 80 min, of which 65 are its transport's (kubernetes-sigs/kubespray#8414).",
    },
};

/** How many nodes of several there are: a control plane, and workers. */
const several = 4;

export const roundTrips: Part = {
    name: "round-trips",
    about:
        "SSH connections and bytes for a node, and what a far machine adds to `up`. The real scripts run on stub hosts; every " +
        "packet to them is late by half of the round trip that is named, in both directions.",
    quick: true,
    async run({ quick, say }) {
        return { rows: [...(await oneNode(quick, say)), ...(await severalNodes(say))] };
    },
};

async function oneNode(quick: boolean, say: Say): Promise<Row[]> {
    const cluster = await StubCluster.start({ count: 1 });
    try {
        const preview = await cluster.preview();
        const first = await cluster.create();
        say(`one node: ${sum(first)} connections, ${first.bytes} bytes, ${first.seconds.toFixed(1)} s`);
        const again = await cluster.up();
        return [
            count("connections to create one node", sum(first), 4),
            count("connections of its preview", sum(preview), 0),
            count("connections of an up with nothing to do", sum(again), 0),
            { what: "bytes over SSH to create one node", value: first.bytes, unit: "bytes", exact: false },
            ...(quick ? [] : await latencies(cluster, say)),
        ];
    } finally {
        await cluster.close();
    }
}

/** `up` of one node that is far away, against one that is near: both in turn. */
async function latencies(cluster: StubCluster, say: Say): Promise<Row[]> {
    await cluster.destroy();
    const ways = [0, 5, 50, 270];
    const seconds = new Map(ways.map((latency) => [latency, [] as number[]]));
    for (let round = 0; round < 5; round++) {
        for (const latency of ways) {
            cluster.stubs.farAway(latency);
            const up = await cluster.create();
            cluster.stubs.farAway(0);
            await cluster.destroy();
            seconds.get(latency)!.push(up.seconds);
            say(`up with a round trip of ${latency} ms: ${up.seconds.toFixed(1)} s`);
        }
    }
    const near = seconds.get(0)!;
    return ways.slice(1).map((latency) => {
        const added = seconds.get(latency)!.map((far, round) => far - near[round]!);
        return {
            what: `time that a round trip of ${latency} ms adds to the up of one node`,
            value: median(added),
            unit: "seconds",
            samples: added,
            ...(latency === 270 ? { most: 20 } : {}),
            exact: false,
            note: `SSH and the Kubernetes API are that far away. Without, it takes ${median(near).toFixed(1)} s.`,
            ...others[latency],
        };
    });
}

async function severalNodes(say: Say): Promise<Row[]> {
    const cluster = await StubCluster.start({ count: several + 1 });
    try {
        const created = await cluster.create(several);
        const [controlPlane, ...workers] = created.connections.slice(0, several) as [number, ...number[]];
        say(`${several} nodes: ${controlPlane} connections to the control plane, ${workers.join(", ")} to the workers`);
        const preview = await cluster.preview(several);
        const again = await cluster.up(several);
        const added = await cluster.up(several + 1);
        return [
            count("connections to one worker", Math.max(...workers)),
            count("connections for one more worker", sum(added), 4, "Its own, and those to the control plane for it."),
            count(
                `connections beyond four a node, of ${several} nodes that are created at once`,
                sum(created) - 4 * several,
                1,
                `${sum(created)} in all. One asks on which of several nodes the pod is, before its isolation is proved there.`,
            ),
            count(`connections of a preview of ${several} nodes`, sum(preview), 0),
            count(`connections of an up of ${several} nodes with nothing to do`, sum(again), 0),
        ];
    } finally {
        await cluster.close();
    }
}

function count(what: string, value: number, most?: number, note?: string): Row {
    return {
        what,
        value,
        unit: "count",
        ...(most === undefined ? {} : { most }),
        exact: true,
        ...(note ? { note } : {}),
    };
}

function sum({ connections }: Measured): number {
    return connections.reduce((all, one) => all + one, 0);
}
