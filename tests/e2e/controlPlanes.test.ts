import * as assert from "node:assert/strict";
import { eventually, minutes } from "../support/eventually";
import { ControlPlanes, controlPlaneParts, etcd, members, readiness } from "./support/controlPlanes";
import { AsyncKubectl, asyncKubectlFor } from "./support/kubectl";

const { names } = ControlPlanes;
/** Not the first: the machine that the cluster began on is the one that takes others in and out. */
const lost = 2;

describe("Three control planes on existing machines", function () {
    this.timeout(90 * minutes);
    this.bail(true);

    let cluster: ControlPlanes;
    let kubectl: AsyncKubectl;

    const connections = () => cluster.machines.map((machine) => machine.connections);

    before(async function () {
        cluster = await ControlPlanes.open();
        // One after the other: a boot alone is fast, three at once on two cores panic.
        for (const machine of cluster.machines) {
            await machine.boot();
            cluster.skipWithoutCores(this);
        }
    });

    after(async function () {
        this.timeout(15 * minutes);
        await cluster?.close();
    });

    it("become one cluster, with the pod proved isolated", async () => {
        const { isolation, nodes } = await cluster.up(cluster.machines);
        assert.deepEqual(
            nodes.map(({ name }) => name),
            names,
        );
        assert.equal(isolation.isolated, true);
        assert.notEqual(isolation.podKernel.bootId, isolation.nodeKernel.bootId);
        kubectl = asyncKubectlFor(cluster.kubeconfig);
    });

    it("are three Nodes that are Ready, each with its part of the control plane", async () => {
        assert.deepEqual(await readiness(kubectl.text), Object.fromEntries(names.map((name) => [name, "True"])));
        const pods = await kubectl.json<{ items: Pod[] }>(
            "get",
            "pods",
            "-n",
            "kube-system",
            "-l",
            "tier=control-plane",
        );
        assert.deepEqual(
            pods.items.map(({ metadata }) => metadata.name).sort(),
            controlPlaneParts.flatMap((part) => names.map((name) => `${part}-${name}`)),
        );
    });

    it("have an etcd of three members that vote", async () => {
        assert.deepEqual(
            await members(kubectl.text),
            names.map((name) => `${name} started false`),
        );
    });

    it("leave nothing to do for a second up, and it reaches no machine", async () => {
        const before = connections();
        const { summary } = await cluster.stack.up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
        assert.deepEqual(connections(), before);
    });

    it("go on without one of them: objects are written and read, an untrusted pod runs", async () => {
        cluster.machines[lost]!.kill();
        await eventually(
            10 * minutes,
            "the loss to be seen",
            async () => (await readiness(kubectl.text))[names[lost]!] !== "True",
        );
        const data = { written: "without one" };
        await kubectl.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "two-of-three" }, data });
        assert.deepEqual((await kubectl.json<{ data: object }>("get", "configmap", "two-of-three")).data, data);
        await kubectl.create({
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: "second", annotations: { "io.kubernetes.cri.untrusted-workload": "true" } },
            spec: { containers: [{ name: "nginx", image: "nginx" }] },
        });
        await kubectl.text("wait", "--for=condition=Ready", "pod/second", "--timeout=20m", "--request-timeout=0");
    });

    it("take it back by themselves when it boots again", async () => {
        await cluster.machines[lost]!.boot();
        await eventually(
            20 * minutes,
            "its Node",
            async () => (await readiness(kubectl.text))[names[lost]!] === "True",
        );
        const health = async () => (await etcd(kubectl.text, "endpoint", "health", "--cluster")).length >= 0;
        await eventually(10 * minutes, "every member of etcd", health);
        await cluster.stack.preview({ expectNoChanges: true, color: "never" });
    });

    it("become one when two leave the program: etcd and the cluster first, then what was installed", async () => {
        const { isolation } = await cluster.up(cluster.machines.slice(0, 1));
        assert.equal(isolation.node, names[0]);
        assert.deepEqual(await readiness(kubectl.text), { [names[0]!]: "True" });
        assert.deepEqual(await members(kubectl.text), [`${names[0]} started false`]);
        for (const machine of cluster.machines.slice(1)) {
            assert.equal(await cluster.left(machine), "inactive\n");
        }
    });

    it("are destroyed as a whole", () => cluster.destroy());
});

interface Pod {
    metadata: { name: string };
}
