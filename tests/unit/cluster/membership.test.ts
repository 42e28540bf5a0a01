import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parseAllDocuments } from "yaml";
import { memberships } from "../../../components/cluster/membership";
import { Machine } from "../../../components/machine/machine";
import { specOf } from "../../support/specs";

const machine = (name: string, role: Machine["role"], internalAddress?: string): Machine => ({
    name,
    role,
    labels: {},
    taints: [],
    internalAddress: internalAddress === undefined ? undefined : pulumi.output(internalAddress),
    connection: {} as Machine["connection"],
    apiAddress: `${name}.example.com:6443`,
    dependsOn: [],
});

/** The documents that kubeadm reads on each node. */
async function documents(machines: Machine[], controlPlaneEndpoint?: string) {
    const members = memberships(specOf(), { machines, controlPlaneEndpoint });
    const files = await Promise.all(
        members.map(({ files }) => new Promise<Record<string, string>>((done) => pulumi.output(files).apply(done))),
    );
    return files.map((one) => {
        const text = Object.entries(one).find(([file]) => /kubeadm(-join)?\.yaml$/.test(file))![1];
        return Object.assign({}, ...parseAllDocuments(text).map((it) => it.toJS() as object)) as Documents;
    });
}

interface Documents {
    kind: string;
    controlPlaneEndpoint?: string;
    localAPIEndpoint?: { advertiseAddress: string };
    controlPlane?: { localAPIEndpoint?: { advertiseAddress: string } };
    apiServer: { certSANs: string[] };
    nodeRegistration: { name: string; taints: object[]; kubeletExtraArgs: { name: string; value: string }[] };
}

describe("memberships", () => {
    it("begins the cluster on the first machine alone, and joins the others by their role", async () => {
        const three = [0, 1, 2].map((i) => machine(`cp-${i}`, "control-plane", `10.0.0.${i}`));
        const nodes = await documents([...three, machine("w-0", "worker", "10.0.0.9")], "api.example.com:7443");
        const [init, second, third, worker] = nodes as [Documents, Documents, Documents, Documents];
        assert.equal(init.controlPlaneEndpoint, "api.example.com:7443");
        assert.deepEqual(init.localAPIEndpoint, { advertiseAddress: "10.0.0.0" });
        assert.deepEqual(init.apiServer.certSANs, [
            ...["10.0.0.0", "10.0.0.1", "10.0.0.2", "api.example.com"],
            ...["cp-0.example.com", "cp-1.example.com", "cp-2.example.com"],
        ]);
        assert.deepEqual(second.controlPlane, { localAPIEndpoint: { advertiseAddress: "10.0.0.1" } });
        assert.deepEqual([third.nodeRegistration.name, worker.controlPlane], ["cp-2", undefined]);
        const address = worker.nodeRegistration.kubeletExtraArgs.find(({ name }) => name === "node-ip");
        assert.equal(address?.value, "10.0.0.9");
        nodes.forEach(({ nodeRegistration }) => assert.deepEqual(nodeRegistration.taints, []));
    });

    it("says nothing of the first node that depends on the workers: their coming and going leaves it alone", async () => {
        const alone = machine("cp-0", "control-plane");
        const [before] = await documents([alone]);
        const [after] = await documents([alone, machine("w-0", "worker")]);
        assert.deepEqual(after, before);
        assert.equal(before!.localAPIEndpoint, undefined);
        assert.deepEqual(before!.nodeRegistration.kubeletExtraArgs, [
            { name: "node-labels", value: "katacontainers.io/kata-runtime=true" },
        ]);
    });
});
