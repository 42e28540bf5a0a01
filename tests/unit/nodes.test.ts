import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { KataClusterArgs } from "../../components/args";
import { KataCluster } from "../../components/kataCluster";
import { folderNamedBy } from "../support/folderNamedBy";
import { hostKey, privateKey } from "../support/specs";
import { Recorded, recordingMocks, texts, withoutSecrets } from "../support/recordingMocks";

const machine = (i: number) => ({ address: `192.0.2.${i}`, hostKey, privateKey });
const machines = (count: number, from: number) => Array.from({ length: count }, (_, i) => machine(from + i));

const keys = {
    user: { privateKey: "CANARY-USER-KEY", publicKey: "ssh-ed25519 AAAAuser" },
    host: { privateKey: "CANARY-HOST-KEY", publicKey: "ssh-ed25519 AAAAhost" },
};
const stdout = {
    "-pod": JSON.stringify({ node: "lab-worker-0", uid: "uid" }),
    "-keys": JSON.stringify(keys),
    "-admit": "ADMITTED",
    "-init":
        'clusters: [{ cluster: { server: "https://10.0.0.1:6443" } }]\nusers: [{ user: { client-key-data: CANARY-ADMIN-KEY } }]\n',
    "-install": JSON.stringify({
        node: "x",
        verb: "apply",
        steps: [{ step: "containerd" }, { step: "key", request: "REQUEST" }],
    }),
    "-isolation": JSON.stringify({ pod: {}, node: {}, kata: {}, vmProcess: {}, control: {} }),
};

/** The cluster's resources, as a program with these machines registers them. */
async function register(args: KataClusterArgs): Promise<Recorded[]> {
    const { resources } = recordingMocks(false, stdout);
    const cluster = new KataCluster("lab", args);
    await pulumi.runtime.disconnect();
    assert.equal(await pulumi.isSecret(cluster.isolation), false, "the findings are no secret");
    return resources;
}

const onExisting = (controlPlanes: number, workers: number): KataClusterArgs => ({
    machines: { existing: { controlPlanes: machines(controlPlanes, 10), workers: machines(workers, 100) } },
    kubernetes: controlPlanes > 1 ? { controlPlaneEndpoint: "api.example.com" } : {},
});
const onLocal = (workers: number): KataClusterArgs => ({ machines: { local: { workers: { count: workers } } } });
const names = (resources: Recorded[]) => resources.map(({ type, name }) => `${type} ${name}`).sort();
const hostOf = ({ inputs }: Recorded) => (inputs.connection as { value: { host: string } }).value.host;
const of = (resources: Recorded[], name: string) => resources.find((one) => one.name === name)!;

describe("nodes", function () {
    this.timeout(60_000);

    for (const [kind, args] of Object.entries({ existing: onExisting, local: (_: number, n: number) => onLocal(n) })) {
        it(`adds just a worker's own resources for one more on ${kind} machines`, async () => {
            const [before, after] = [names(await register(args(1, 1))), names(await register(args(1, 2)))];
            const added = after.filter((one) => !before.includes(one));
            assert.deepEqual(
                before.filter((one) => !after.includes(one)),
                [],
            );
            const own = ["", "-scripts", "-install", "-admit", "-join"].map((part) => `lab-worker-1${part}`);
            const vm = ["lab-worker-1", "lab-worker-1-keys", "lab-worker-1-vm"];
            assert.deepEqual(
                added.map((one) => one.split(" ")[1]).sort(),
                [...own, ...(kind === "local" ? vm : [])].sort(),
            );
        });
    }

    it("changes no input of another resource when a worker is added", async () => {
        const [before, after] = [await register(onExisting(1, 1)), await register(onExisting(1, 2))];
        for (const { name, type, inputs } of before.filter((one) => !one.type.endsWith(":KataCluster"))) {
            const later = after.find((one) => one.name === name && one.type === type)!;
            assert.deepEqual(texts(later.inputs), texts(inputs), name);
        }
    });

    it("has five resources for each of a hundred workers, and a name for each", async () => {
        const resources = await register(onExisting(1, 100));
        for (let i = 0; i < 100; i++) {
            const own = resources.filter(({ name }) => new RegExp(`^lab-worker-${i}(-|$)`).test(name));
            assert.equal(own.length, 5, own.map(({ name }) => name).join());
        }
        assert.equal(new Set(names(resources)).size, resources.length);
    });

    it("admits on the first control plane, and undoes it there; joins where the node is", async () => {
        const resources = await register(onExisting(1, 1));
        const host = (name: string) => hostOf(of(resources, name));
        assert.deepEqual(["lab-worker-0-install", "lab-worker-0-admit", "lab-worker-0-join"].map(host), [
            "192.0.2.100",
            "192.0.2.10",
            "192.0.2.100",
        ]);
        const admit = of(resources, "lab-worker-0-admit").inputs;
        assert.match(String(admit.create), /bundle.sh --input admit apply lab-worker-0 # \w+$/);
        assert.match(String(admit.delete), /bundle.sh --input admit reset lab-worker-0$/);
        assert.deepEqual(JSON.parse(String(admit.stdin)), {
            request: "REQUEST",
            role: "worker",
            labels: {},
            taints: [],
        });
        const join = of(resources, "lab-worker-0-join").inputs;
        assert.deepEqual([join.stdin, join.delete], ["ADMITTED", undefined]);
        assert.match(String(of(resources, "lab-worker-0-install").inputs.delete), /node reset join kubernetes /);
    });

    it("takes a worker out of the cluster before a machine of ours goes, and undoes nothing on that machine", async () => {
        const resources = await register(onLocal(1));
        assert.match(String(of(resources, "lab-worker-0-admit").inputs.delete), /admit reset lab-worker-0$/);
        for (const name of ["scripts", "install", "join"].map((part) => `lab-worker-0-${part}`)) {
            assert.equal(of(resources, name).inputs.delete, undefined, name);
        }
    });

    it("proves the isolation on the node that the pod is on", async () => {
        const resources = await register(onExisting(1, 2));
        const proof = of(resources, "lab-isolation");
        assert.equal(hostOf(proof), "192.0.2.100");
        assert.match(String(proof.inputs.create), /isolation prove default nginx-untrusted uid # /);
    });

    it("drains a node first that is no longer there and had the pod", async () => {
        const resources = recordingMocks(false, stdout, { nodeName: "lab-worker-7" }).resources;
        new KataCluster("lab", onExisting(1, 1));
        await pulumi.runtime.disconnect();
        assert.match(
            String(of(resources, "lab-pod").inputs.create),
            /locate find default nginx-untrusted \S+ lab-worker-7 # /,
        );
    });

    it("hands the cluster's keys to further control planes as secrets, one after the other", async () => {
        const resources = await register(onExisting(3, 2));
        const joined = resources.filter(({ name }) => name.endsWith("-join")).map(({ name }) => name);
        assert.deepEqual(joined.sort(), [
            "lab-control-plane-1-join",
            "lab-control-plane-2-join",
            "lab-worker-0-join",
            "lab-worker-1-join",
        ]);
        assert.ok(pulumi.runtime.isRpcSecret(of(resources, "lab-control-plane-1-join").inputs.stdin));
        assert.ok(!pulumi.runtime.isRpcSecret(of(resources, "lab-worker-0-join").inputs.stdin));
        const order = resources.map(({ name }) => name);
        assert.ok(order.indexOf("lab-control-plane-1-join") < order.indexOf("lab-control-plane-2-admit"));
        for (const { inputs } of resources.filter(({ type }) => type.startsWith("command:"))) {
            texts([inputs.create, inputs.delete, inputs.environment]).forEach((text) =>
                assert.doesNotMatch(text, /CANARY/),
            );
        }
    });

    it("keeps the credentials of workers as secrets", async () => {
        const [own] = (await register(onExisting(1, 1))).filter(({ type }) => type.endsWith(":KataCluster"));
        assert.ok(texts(own!.inputs).some((text) => text.includes("CANARY-PRIVATE-KEY")));
        assert.doesNotMatch(JSON.stringify(withoutSecrets(own!.inputs)), /CANARY-PRIVATE-KEY/);
    });

    it("gives local machines addresses on one segment, and each its own SSH port", async () => {
        const resources = await register(onLocal(2));
        const vms = resources.filter(({ name }) => name.endsWith("-vm"));
        const settings = vms.map(({ inputs }) => inputs.environment as Record<string, string>);
        assert.deepEqual(
            settings.map((one) => [one.VM_SSH_PORT, one.VM_API_PORT, one.VM_SEGMENT_ADDRESS, one.VM_SEGMENT]),
            [
                ["22022", "26443", "192.168.241.10/24", "kata-cluster-test-lab"],
                ["22023", "", "192.168.241.11/24", "kata-cluster-test-lab"],
                ["22024", "", "192.168.241.12/24", "kata-cluster-test-lab"],
            ],
        );
    });
});

describe("nodes on local machines", () => {
    const home = folderNamedBy("XDG_STATE_HOME");

    it("asks the first control plane's API again after its machine was started anew, and changes nothing else", async () => {
        const fresh = await register(onLocal(1));
        // As vm.sh leaves it where the process is gone.
        const folder = path.join(home(), "kata-cluster/kata-cluster-test-lab-control-plane-0");
        fs.mkdirSync(folder, { recursive: true });
        fs.writeFileSync(path.join(folder, "boot"), "1\n");
        const anew = await register(onLocal(1));
        const same = ({ type, name }: Recorded) => anew.find((one) => one.type === type && one.name === name)!;
        const changed = fresh.filter((one) => JSON.stringify(same(one).inputs) !== JSON.stringify(one.inputs));
        assert.deepEqual(changed.map(({ name }) => name).sort(), [
            "lab-control-plane-0-init",
            "lab-control-plane-0-vm",
        ]);
        assert.match(String(of(anew, "lab-control-plane-0-init").inputs.create), /# [0-9a-f]+, boot 2$/);
    });
});
