import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { connectionTo, SshEndpoint } from "../../../components/machine/connection";
import { exporting, Run, TestStack } from "../../engine/plugins/stack";
import { measured, timed } from "../measure";
import { Part, Row } from "../part";
import { StubHostsOptions } from "../../support/stubHosts/stubHosts";
import { stateBytes, StubCluster } from "../stubCluster";
import { emptyProgram, idleProgram } from "../support/plainPrograms";

type Say = (line: string) => void;

/** Seconds that a stub host waits, as a real one does for downloads, services and kubeadm. */
const waits = { install: 50, init: 20, join: 20 };

export const growth: Part = {
    name: "growth",
    about:
        "What more nodes cost, on stub hosts that run the real scripts. All of them share this machine's cores, so each also waits " +
        `as long as a quick real machine does for its services and kubeadm (${waits.install} s to install, ${waits.init} s to init, ` +
        `${waits.join} s to join): a tool that works on them one after the other adds up those waits, one that works on them at once does not.`,
    quick: true,
    async run({ quick, say }) {
        return { rows: quick ? await withCluster(4, {}, say, (cluster) => oneMore(cluster, 4, say)) : await all(say) };
    },
};

/** Ever more hosts. The last cluster of them is then looked at closely. */
async function all(say: Say): Promise<Row[]> {
    const near = await withCluster(8, waits, say, async (_cluster, seconds) => seconds);
    const ratio = (cluster: StubCluster, count: number, seconds: number): Row => ({
        what: `up of ${count} hosts / up of 8`,
        value: seconds / near,
        unit: "ratio",
        ...(count === 32 ? { most: 1.5 } : {}),
        exact: false,
        note:
            `${seconds.toFixed(0)} s / ${near.toFixed(0)} s, with --parallel 32. The scripts of the ${count} hosts took ` +
            `${cluster.stubs.cpuSeconds.toFixed(0)} s of this machine's CPU, which real hosts would have brought along.`,
        others: "kubespray: 2.3 from 10 to 50 nodes, 4.3 from 10 to 150 (kubernetes-sigs/kubespray#478).",
    });
    const many = await withCluster(32, waits, say, async (cluster, seconds) => ratio(cluster, 32, seconds));
    const most = await withCluster(100, waits, say, async (cluster, seconds) => [
        ratio(cluster, 100, seconds),
        ...(await comparisons(cluster, 100, say)),
        ...(await oneMore(cluster, 100, say)),
    ]);
    return [many, ...most];
}

/** Makes a cluster of so many hosts, beside which there is one more. `look` is told in how many seconds. */
async function withCluster<T>(
    count: number,
    wait: StubHostsOptions["waits"],
    say: Say,
    look: (cluster: StubCluster, seconds: number) => Promise<T>,
): Promise<T> {
    const cluster = await StubCluster.start({ count: count + 1, waits: wait });
    try {
        const { seconds } = await cluster.create(count, 32);
        say(
            `${count} hosts: ${seconds.toFixed(1)} s, ${cluster.stubs.cpuSeconds.toFixed(1)} s of CPU by their scripts`,
        );
        return await look(cluster, seconds);
    } finally {
        await cluster.close();
    }
}

/** What one worker adds to so many nodes: hosts that it touches, resources, and bytes of state. */
async function oneMore(cluster: StubCluster, count: number, say: Say): Promise<Row[]> {
    const before = { resources: (await cluster.stack.resources()).length, bytes: cluster.stateBytes() };
    say(`${count} nodes: ${before.resources} resources, ${before.bytes} bytes of state`);
    const added = await cluster.up(count + 1, 32);
    const resources = (await cluster.stack.resources()).length - before.resources;
    const bytes = cluster.stateBytes() - before.bytes;
    say(`one more: ${resources} resources, ${bytes} bytes of state`);
    return [
        {
            what: `hosts touched when a worker is added to ${count} nodes`,
            value: added.connections.filter((connections) => connections > 0).length,
            unit: "count",
            most: 2,
            exact: true,
            others: "kubespray asks every node for its facts: an hour for one more to a thousand (kubernetes-sigs/kubespray#10449).",
        },
        { what: "resources of a worker", value: resources, unit: "count", most: 6, exact: true },
        {
            what: "state of a worker",
            value: bytes,
            unit: "bytes",
            most: 30_000,
            exact: true,
            note: "The stack's state as compact JSON, secrets encrypted: that with it, less that without. Lines of the program are not counted.",
        },
        {
            what: "state of as many commands that do nothing on that worker",
            value: await bareState(cluster),
            unit: "bytes",
            exact: true,
            note: "What Pulumi itself keeps of four commands in a component: their connection encrypted, eight times, and names.",
        },
    ];
}

/** Bytes of state of a component with four commands over the connection of a stub host. Nothing is dialled for them. */
async function bareState(cluster: StubCluster): Promise<number> {
    const { address, ...login } = cluster.stubs.args(2).machines.existing!.workers![0]!;
    const connection = connectionTo({ address, ...login } as SshEndpoint);
    const stack = await TestStack.create("empty");
    const program = (nodes: number) =>
        exporting(() => {
            for (let i = 0; i < nodes; i++) {
                const parent = new pulumi.ComponentResource("kata-cluster:node:NodeBootstrap", `lab-worker-${i}`);
                for (const name of ["scripts", "install", "admit", "join"]) {
                    new command.remote.Command(`lab-worker-${i}-${name}`, { connection }, { parent });
                }
            }
        });
    const bytes = async (nodes: number) => {
        await mustPass(stack.up(program(nodes)));
        return stateBytes(stack);
    };
    try {
        const one = await bytes(1);
        return (await bytes(2)) - one;
    } finally {
        stack.remove();
    }
}

/** Preview and an `up` with nothing to do, against programs with as many resources that do nothing. */
async function comparisons(cluster: StubCluster, count: number, say: Say): Promise<Row[]> {
    const resources = (await cluster.stack.resources()).filter(({ type }) => !type.startsWith("pulumi:"));
    const empty = await TestStack.create("empty");
    const idle = await TestStack.create("idle");
    const others = [
        {
            of: "as many empty resources",
            stack: empty,
            program: emptyProgram(resources),
            more: { most: 1.25, note: `${resources.length} resources.` },
        },
        {
            of: "as many idle ones of the same plugins",
            stack: idle,
            program: idleProgram(cluster, resources),
            more: {
                note: "Commands log in as the nodes' do, and there is a Kubernetes provider with as many objects.",
            },
        },
    ];
    try {
        for (const { stack, program } of others) {
            await mustPass(stack.up(program, { parallel: 32 }));
        }
        const rows: Row[] = [];
        for (const verb of ["preview", "up"] as const) {
            const ratios = others.map(() => [] as number[]);
            for (let round = 0; round < 3; round++) {
                const ours = await timed(() => mustPass(cluster.stack[verb](cluster.program(count))));
                say(`${verb}: ${ours.seconds.toFixed(1)} s`);
                for (const [i, { of, stack, program }] of others.entries()) {
                    const other = await timed(() => mustPass(stack[verb](program)));
                    ratios[i]!.push(ours.seconds / other.seconds);
                    say(`${verb} of ${of}: ${other.seconds.toFixed(1)} s`);
                }
            }
            const what = `${verb === "up" ? "up with nothing to do" : verb} of ${count} nodes`;
            rows.push(
                ...others.map(({ of, more }, i) => measured(`${what} / the same of ${of}`, "ratio", ratios[i]!, more)),
            );
        }
        return rows;
    } finally {
        empty.remove();
        idle.remove();
    }
}

async function mustPass(running: Promise<Run>): Promise<void> {
    const { error } = await running;
    if (error) {
        throw error;
    }
}
