import * as assert from "node:assert/strict";
import { EngineEvent } from "@pulumi/pulumi/automation";
import { minutes } from "../support/eventually";
import { SshServer } from "../support/sshServer";
import { ControlPlanes, controlPlaneParts, members, readiness } from "./support/controlPlanes";
import { asyncKubectlFor } from "./support/kubectl";

const [first, second, lost] = ControlPlanes.names as [string, string, string];

/** Two virtual machines, which is what two cores without KVM carry, and a third that has an SSH server and no more. */
describe("Three control planes of which one can't be reached", function () {
    this.timeout(60 * minutes);
    this.bail(true);

    let cluster: ControlPlanes;
    let third: SshServer;

    before(async () => {
        cluster = await ControlPlanes.open();
        for (const machine of cluster.machines.slice(0, 2)) {
            await machine.boot();
        }
        third = await SshServer.start({ faults: { refuseConnections: Infinity } });
        third.stub("sudo", "exit 1");
    });

    after(async function () {
        this.timeout(15 * minutes);
        await third?.close();
        await cluster?.close();
    });

    it("fail by the name of that one; the others are a cluster", async () => {
        // A program ends when it sees that one of its resources failed, so the third fails when the others are through.
        const onEvent = ({ resOutputsEvent, resOpFailedEvent }: EngineEvent) => {
            if ((resOutputsEvent ?? resOpFailedEvent)?.metadata.urn.endsWith(`::${second}-join`)) {
                third.faults = { closeAfterBytes: 1 };
            }
        };
        const { port, privateKey, hostKey } = third;
        const args = { ...cluster.machines[2]!.args, port, privateKey, hostKey };
        const up = cluster.up([...cluster.machines.slice(0, 2), { args }], { continueOnError: true, onEvent });
        await assert.rejects(up, new RegExp(`${lost}-scripts`));
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

    it("become one with its pod when the others leave the program: etcd first, then what was installed", async function () {
        cluster.skipWithoutCores(this);
        const { isolation } = await cluster.up(cluster.machines.slice(0, 1));
        assert.equal(isolation.node, first);
        assert.equal(isolation.isolated, true);
        const kubectl = asyncKubectlFor(cluster.kubeconfig);
        assert.deepEqual(await readiness(kubectl.text), { [first]: "True" });
        assert.deepEqual(await members(kubectl.text), [`${first} started false`]);
        assert.equal(await cluster.left(cluster.machines[1]!), "inactive\n");
    });

    it("leave nothing to do for a second up", async function () {
        cluster.skipWithoutCores(this);
        const { summary } = await cluster.stack.up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("are destroyed as a whole", () => cluster.destroy());
});
