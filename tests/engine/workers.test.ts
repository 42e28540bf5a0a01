import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KataCluster } from "../../components/kataCluster";
import { ApiServer } from "../support/apiServer";
import { matchesFile } from "../support/golden";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";
import { NodeStandIn } from "./support/nodeStandIn";
import { treeIn } from "./support/tree";

describe(`Workers on existing machines: ${announce("command")}, ${announce("kubernetes")}`, function () {
    this.timeout(180_000);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-workers-"));
    const journal = path.join(folder, "journal");
    let servers: SshServer[];
    let api: ApiServer;
    let controlPlane: NodeStandIn;
    let worker: NodeStandIn;
    let stack: TestStack;

    const machine = ({ host: address, port, privateKey, hostKey }: SshServer) => ({
        address,
        port,
        privateKey,
        hostKey,
        apiAddress: new URL(api.url).host,
    });

    /** The program with that many workers, each with those changes. */
    const program = (count: number, changed: object = {}) =>
        exporting(() => {
            const [first, ...others] = servers.map(machine);
            const cluster = new KataCluster("lab", {
                machines: {
                    existing: {
                        controlPlanes: [first!],
                        workers: others.slice(0, count).map((one) => ({ ...one, ...changed })),
                    },
                },
            });
            return { nodes: cluster.nodes };
        });

    /** What was run since, on whichever node, without uids. */
    let read = 0;
    const since = () => {
        const lines = fs.readFileSync(journal, "utf8").trim().split("\n");
        const seen = lines.slice(read).map((line) => line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "UID"));
        read = lines.length;
        return seen;
    };
    const inOrder = (calls: string[], one: string, other: string) =>
        assert.ok(calls.includes(one) && calls.indexOf(one) < calls.indexOf(other), calls.join("\n"));

    before(async () => {
        servers = await Promise.all([SshServer.start(), SshServer.start(), SshServer.start()]);
        api = await ApiServer.start();
        const names = ["lab-control-plane-0", "lab-worker-0", "lab-worker-1"];
        [controlPlane, worker] = servers.map(
            (server, i) => new NodeStandIn(server, api.kubeconfig, names[i], journal),
        ) as [NodeStandIn, NodeStandIn, NodeStandIn];
        stack = await TestStack.create("kata-cluster");
    });
    after(async () => {
        await api?.close();
        await Promise.all((servers ?? []).map((server) => server.close()));
        stack?.remove();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    it("joins a worker, which opens three connections, and proves the isolation afterwards", async () => {
        const [run] = await Promise.all([stack.up(program(1)), api.podReady("nginx-untrusted")]);
        assert.equal(run.error, undefined, run.stdout + said(run));
        const calls = since();
        inOrder(calls, "lab-control-plane-0: node apply kubeadm", "lab-control-plane-0: admit apply lab-worker-0");
        inOrder(
            calls,
            "lab-worker-0: node apply preflight kernel metadata+kata+kubernetes+key+containerd,images",
            "lab-control-plane-0: admit apply lab-worker-0",
        );
        inOrder(calls, "lab-control-plane-0: admit apply lab-worker-0", "lab-worker-0: node apply join");
        inOrder(calls, "lab-worker-0: node apply join", "lab-control-plane-0: locate find default nginx-untrusted UID");
        assert.equal(calls.at(-1), "lab-control-plane-0: isolation prove default nginx-untrusted UID");
        assert.equal(servers[1]!.connections, 3);
        assert.match(worker.lastInput(), /CERTIFICATE-REQUEST-lab-worker-0/);
        assert.deepEqual(
            (run.outputs.nodes as { name: string }[]).map(({ name }) => name),
            ["lab-control-plane-0", "lab-worker-0"],
        );
    });

    it("makes a tree by names and types that stay as they are: a change needs an alias", () =>
        matchesFile(path.resolve(__dirname, "golden/tree.txt"), treeIn(stack.stored())));

    it("has nothing to do at the next up, without a connection, and has no key in its state", async () => {
        const connections = servers.map((server) => server.connections);
        const run = await stack.up(program(1));
        assert.deepEqual([run.error, changes(run)], [undefined, []]);
        assert.deepEqual(
            servers.map((server) => server.connections),
            connections,
        );
        const state = stack.stored();
        assert.doesNotMatch(state, /BEGIN [A-Z ]*PRIVATE KEY|SEALED-KEYS/);
        assert.ok(state.includes("CERTIFICATE-REQUEST-lab-worker-0"), "the public part is readable");
    });

    it("tells the control plane of other labels, and leaves all other nodes alone", async () => {
        since();
        const run = await stack.up(program(1, { labels: { "example.com/disk": "ssd" } }));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(since(), [
            "lab-worker-0: node apply preflight kernel metadata+kata+kubernetes+key+containerd,images",
            "lab-control-plane-0: admit apply lab-worker-0",
            "lab-worker-0: node apply join",
        ]);
        assert.match(controlPlane.lastInput(), /"example\.com\/disk":"ssd"/);
    });

    it("admits a machine that was exchanged under the same name, and joins it", async () => {
        worker.renewKey();
        const run = await stack.up(program(1, { user: "admin" }));
        assert.equal(run.error, undefined, run.stdout + said(run));
        const calls = since();
        inOrder(
            calls,
            "lab-worker-0: node apply preflight kernel metadata+kata+kubernetes+key+containerd,images",
            "lab-control-plane-0: admit apply lab-worker-0",
        );
        inOrder(calls, "lab-control-plane-0: admit apply lab-worker-0", "lab-worker-0: node apply join");
    });

    it("refuses a worker that shows another host key", async () => {
        servers[1]!.faults = { wrongHostKey: true };
        const { length } = worker.calls();
        const run = await stack.up(
            exporting(() => {
                const [first, one] = servers.map(machine);
                new KataCluster("lab", {
                    machines: { existing: { controlPlanes: [first!], workers: [{ ...one!, user: "other" }] } },
                    timeouts: { machineSeconds: 5, nodeSeconds: 5 },
                });
            }),
        );
        servers[1]!.faults = {};
        assert.ok(run.error, "it went on");
        assert.equal(worker.calls().length, length, "a command was run on a machine that is not the pinned one");
        const back = await stack.up(program(1));
        assert.equal(back.error, undefined, back.stdout + said(back));
    });

    it("removes a worker: its pods and its Node first, then what was installed; nothing else", async () => {
        since();
        const run = await stack.up(program(0));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(since(), [
            // With one node left, that is where the pods will be, and the proof looks for them itself.
            "lab-control-plane-0: node apply preflight kernel metadata+kata+kubernetes+containerd,images",
            "lab-control-plane-0: locate prove default nginx-untrusted UID",
            "lab-control-plane-0: admit reset lab-worker-0",
            "lab-worker-0: node reset join kubernetes crio containerd kata metadata kernel",
        ]);
    });

    it("takes it in again", async () => {
        const run = await stack.up(program(1));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.ok(since().includes("lab-worker-0: node apply join"));
        assert.deepEqual(changes(await stack.preview(program(1))), []);
    });

    it("asks no control plane that goes too when all is destroyed, and resets the machines", async () => {
        since();
        const run = await stack.destroy();
        assert.equal(run.error, undefined, run.stdout + said(run));
        const calls = since();
        assert.deepEqual(
            calls.filter((call) => call.includes("admit")),
            [],
        );
        assert.ok(calls.includes("lab-worker-0: node reset join kubernetes crio containerd kata metadata kernel"));
    });
});
