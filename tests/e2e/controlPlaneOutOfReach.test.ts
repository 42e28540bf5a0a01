import * as assert from "node:assert/strict";
import { minutes } from "../support/eventually";
import { ControlPlanes, controlPlaneParts, members, readiness } from "./support/controlPlanes";
import { asyncKubectlFor } from "./support/kubectl";

const [first, second, absent] = ControlPlanes.names as [string, string, string];

/** Two virtual machines, which is what two cores without KVM carry, and the address of a third that is not there. */
describe("Three control planes of which one can't be reached", function () {
    this.timeout(60 * minutes);
    this.bail(true);

    let cluster: ControlPlanes;

    before(async () => {
        cluster = await ControlPlanes.open();
        for (const machine of cluster.machines.slice(0, 2)) {
            await machine.boot();
        }
    });

    after(async function () {
        this.timeout(15 * minutes);
        await cluster?.close();
    });

    it("fail by the name of that one; the others are a cluster", async () => {
        // The others need less, and that is over before: a program ends when it sees that one of its resources failed.
        const up = cluster.up(3, { continueOnError: true, machineSeconds: 1500 });
        await assert.rejects(up, new RegExp(`${absent}-scripts`));
        assert.deepEqual(await readiness(cluster.kubectlThere), { [first]: "True", [second]: "True" });
    });

    it("have an etcd of two members that vote, and the control plane's parts twice", async () => {
        assert.deepEqual(
            await members(cluster.kubectlThere),
            [first, second].map((name) => `${name} started false`),
        );
        const pods = await cluster.kubectlThere("get", "pods", "-n=kube-system", "-l=tier=control-plane", "-o=name");
        assert.deepEqual(
            pods.trim().split("\n").sort(),
            controlPlaneParts.flatMap((part) => [first, second].map((name) => `pod/${part}-${name}`)),
        );
    });

    it("become one with its pod when the others leave the program: etcd first, then what was installed", async () => {
        const { isolation } = await cluster.up(1);
        assert.equal(isolation.node, first);
        assert.equal(isolation.isolated, true);
        const kubectl = asyncKubectlFor(cluster.kubeconfig);
        assert.deepEqual(await readiness(kubectl.text), { [first]: "True" });
        assert.deepEqual(await members(kubectl.text), [`${first} started false`]);
        assert.equal(await cluster.left(cluster.machines[1]!), "inactive\n");
    });

    it("leave nothing to do for a second up", async () => {
        const { summary } = await cluster.stack.up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("are destroyed as a whole", () => cluster.destroy());
});
