import * as assert from "node:assert/strict";
import { KataClusterArgs } from "../../components/args";
import { KataCluster } from "../../components/kataCluster";
import { ApiServer } from "../support/apiServer";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";
import { NodeStandIn } from "./support/nodeStandIn";

describe(`KataCluster on an existing machine: ${announce("command")}, ${announce("kubernetes")}`, function () {
    this.timeout(180_000);
    let ssh: SshServer;
    let api: ApiServer;
    let node: NodeStandIn;
    let stack: TestStack;

    const program = (changed: Partial<KataClusterArgs> = {}, hostKey = ssh.hostKey) =>
        exporting(() => {
            const cluster = new KataCluster("lab", {
                machines: {
                    existing: {
                        controlPlanes: [
                            {
                                address: ssh.host,
                                port: ssh.port,
                                privateKey: ssh.privateKey,
                                hostKey,
                                apiAddress: new URL(api.url).host,
                            },
                        ],
                    },
                },
                ...changed,
            });
            return { isolation: cluster.isolation, nodes: cluster.nodes, runtimeClass: cluster.runtimeClassName };
        });

    before(async () => {
        ssh = await SshServer.start();
        api = await ApiServer.start();
        node = new NodeStandIn(ssh, api.kubeconfig);
        stack = await TestStack.create("kata-cluster");
    });

    after(async () => {
        await api?.close();
        await ssh?.close();
        stack?.remove();
    });

    it("previews everything without a connection", async () => {
        const run = await stack.preview(program());
        assert.equal(run.error, undefined, run.stdout);
        assert.equal(ssh.connections, 0);
        const planned = run.steps.map(({ name }) => name);
        for (const name of ["lab-control-plane-0-install", "lab-control-plane-0-init", "lab-kata", "lab-isolation"]) {
            assert.ok(planned.includes(name), `${name} is not in the plan: ${planned.join(" ")}`);
        }
    });

    it("tells what went wrong on the node, and goes on from there at the next up", async () => {
        node.failOnce("node apply preflight");
        const run = await stack.up(program());
        assert.ok(run.error);
        assert.match(said(run), /node lab-control-plane-0, step kata: the disk is full. Fix: free some space/);
        assert.doesNotMatch(["info", "warning", "error"].map((severity) => said(run, severity)).join(), /PRIVATE KEY/);
    });

    it("makes the cluster with one connection for each command", async () => {
        const before = ssh.connections;
        const [run] = await Promise.all([stack.up(program()), api.podReady("nginx-untrusted")]);
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(node.calls().slice(-3).map(withoutUid), [
            "node apply preflight kernel metadata+kata+kubernetes+containerd,images",
            "node apply kubeadm",
            "locate prove default nginx-untrusted UID",
        ]);
        assert.equal(run.outputs.runtimeClass, "kata");
        assert.equal((run.outputs.isolation as { podKernel: { kernel: string } }).podKernel.kernel, "6.12.0");
        // It was created as soon as the policies were, and went by none of them.
        const pod = await api.get<{ spec: object }>("pod", "nginx-untrusted");
        assert.partialDeepStrictEqual(pod!.spec, {
            runtimeClassName: "kata",
            overhead: { cpu: "250m", memory: "320Mi" },
            nodeSelector: { "katacontainers.io/kata-runtime": "true" },
        });
        // The scripts were there from the run before.
        assert.equal(ssh.connections - before, 3);
    });

    it("has nothing to do at the next up, and opens no connection for it", async () => {
        const before = ssh.connections;
        const run = await stack.up(program());
        assert.deepEqual([run.error, changes(run), ssh.connections - before], [undefined, [], 0]);
    });

    it("refuses another container runtime on the live node, at preview and at up, and says what to do instead", async () => {
        const { length } = node.calls();
        for (const run of [await stack.preview(program(onCrio)), await stack.up(program(onCrio))]) {
            assert.ok(run.error, "it went on");
            assert.match(
                said(run) + run.stdout,
                /KataCluster "lab": containerRuntime = "crio": node lab-control-plane-0 runs containerd, and a change stops all its pods, and the Kubernetes API with them.* Allowed: "containerd"\. Hint: make a new cluster with crio .* or set allowDisruption: { containerRuntime: true }\./,
            );
        }
        assert.equal(node.calls().length, length, "a command was run on the node");
        // What the refused `up` left: the arguments, and scripts that nothing has run.
        assert.deepEqual(changes(await stack.preview(program())), ["lab update", "lab-control-plane-0-scripts update"]);
    });

    it("refuses a control plane endpoint for the cluster that began without one, before anything is touched", async () => {
        const { length } = node.calls();
        const endpoint = { kubernetes: { controlPlaneEndpoint: "api.example.com" } };
        for (const run of [await stack.preview(program(endpoint)), await stack.up(program(endpoint))]) {
            assert.ok(run.error, "it went on");
            assert.match(
                said(run) + run.stdout,
                /KataCluster "lab": kubernetes\.controlPlaneEndpoint = "api\.example\.com:6443": the cluster began with none, .* Allowed: none\. Hint: set it back, or make a new cluster/,
            );
        }
        assert.equal(node.calls().length, length, "a command was run on the node");
    });

    it("changes the container runtime in place when that is allowed, and proves the isolation anew", async () => {
        const allowed = { ...onCrio, allowDisruption: { containerRuntime: true } };
        const preview = await stack.preview(program(allowed));
        assert.equal(preview.error, undefined, preview.stdout + said(preview));
        const { length } = node.calls();
        const run = await stack.up(program(allowed));
        assert.equal(run.error, undefined, run.stdout + said(run));
        // The API server lets nobody change a RuntimeClass's handler, so that one is made anew; nothing else is.
        const replaced = [...changes(preview), ...changes(run)].filter((change) => !change.endsWith(" update"));
        assert.deepEqual(
            replaced.filter((change) => !change.startsWith("lab-kata ")),
            [],
        );
        assert.ok(replaced.length > 0);
        const calls = node.calls().slice(length).map(withoutUid);
        assert.equal(calls[0], "node apply preflight kernel metadata+kata+kubernetes crio,migrate,images");
        assert.deepEqual(calls.slice(1).sort(), ["locate prove default nginx-untrusted UID", "node apply kubeadm"]);
    });

    it("lets the permission go again once the node has the runtime", async () => {
        const run = await stack.up(program(onCrio));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.equal(node.calls().at(-1), "node apply preflight kernel metadata+kata+kubernetes crio,images");
        assert.deepEqual(changes(await stack.preview(program(onCrio))), []);
        const back = await stack.up(program({ allowDisruption: { containerRuntime: true } }));
        assert.equal(back.error, undefined, back.stdout + said(back));
    });

    it("refuses a machine that shows another host key, on every connection", async () => {
        ssh.faults = { wrongHostKey: true };
        const calls = node.calls().length;
        const run = await stack.up(
            program({ kata: { guestMemoryMib: 1024 }, timeouts: { machineSeconds: 5, nodeSeconds: 5 } }),
        );
        ssh.faults = {};
        assert.ok(run.error, "it went on");
        assert.equal(node.calls().length, calls, "a command was run on a machine that is not the pinned one");
    });

    it("resets the machine on destroy, the control plane first, and never asks the cluster", async () => {
        await stack.up(program());
        await api.stopApi();
        const run = await stack.destroy();
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(node.calls().slice(-2), [
            "node reset kubeadm",
            "node reset kubernetes crio containerd kata metadata kernel",
        ]);
    });
});

const onCrio = { containerRuntime: "crio" } as const;

function withoutUid(call: string): string {
    return call.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "UID");
}
