import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { KataClusterArgs } from "../../../../components/args";
import { KataCluster } from "../../../../components/kataCluster";
import { office } from "../../../support/gcp";
import { gcpMocks, onGcpWith, planOnGcp, RecordedOnCloud, shown, userKeys } from "../../../support/gcpRecording";
import { matchesGolden } from "../../../support/golden";
import { hostKey, privateKey } from "../../../support/specs";

const sizes: Record<string, KataClusterArgs> = {
    "1 node": onGcpWith(0),
    "3 control planes and 3 workers": onGcpWith(3, { controlPlane: { count: 3 } }),
    "100 nodes": onGcpWith(99),
    "2 nodes by a tunnel": onGcpWith(1, { ssh: { via: "iap" } }),
    "3 control planes, reached directly and internally": onGcpWith(1, {
        controlPlane: { count: 3 },
        ssh: { via: "direct", sourceRanges: ["10.0.0.0/8"] },
        api: { public: false, sourceRanges: ["10.0.0.0/8"] },
    }),
};

const label = ({ type, name }: RecordedOnCloud) => `${type} ${name}`;
const kindOf = ({ type }: RecordedOnCloud) => type.split(":").at(-1)!;
const ofKind = (resources: RecordedOnCloud[], kind: string) => resources.filter((one) => kindOf(one) === kind);
const named = (resources: RecordedOnCloud[], kind: string, name: string) =>
    ofKind(resources, kind).find((one) => one.name === name)!;

/** Plans that were made already: those of a hundred nodes take their time. */
const plans = new Map<string, ReturnType<typeof planOnGcp>>();

async function plan(args: KataClusterArgs, preview = false): ReturnType<typeof planOnGcp> {
    const key = JSON.stringify([args, preview]);
    const made = plans.get(key) ?? planOnGcp(args, preview);
    plans.set(key, made);
    return made;
}

/** All that a reviewer would read, sorted: resources are registered in no fixed order. */
function text(resources: RecordedOnCloud[]): string {
    const sorted = [...resources].sort((a, b) => (label(a) < label(b) ? -1 : 1));
    return stringify(
        sorted.map(({ type, name, parent, inputs, options }) => ({
            type,
            name,
            ...(parent ? { parent } : {}),
            inputs: shown(inputs),
            ...(Object.keys(options).length ? { options } : {}),
        })),
        { lineWidth: 0, aliasDuplicateObjects: false },
    );
}

/** The value of an output in a test without a preview. */
function valueOf<T>(output: pulumi.Input<T> | undefined): Promise<T> {
    return new Promise((done) => pulumi.output(output).apply((value) => done(value as T)));
}

describe("machines on Google Cloud", function () {
    this.timeout(240_000);

    for (const [what, args] of Object.entries(sizes)) {
        for (const preview of [true, false]) {
            it(`${what}, ${preview ? "preview" : "up"}: every resource has a name of its own, a parent, and no secret in clear`, async () => {
                const { resources, machines, calls } = await plan(args, preview);
                assert.equal(new Set(resources.map(label)).size, resources.length);
                for (const one of resources.filter(({ type }) => type.startsWith("gcp:"))) {
                    assert.match(one.name, /^lab(-|$)/);
                    // Pulumi appends a dash and seven digits to it, and Google Cloud takes 63 characters.
                    assert.ok(one.name.length - "lab".length <= 55 - 39, one.name);
                    assert.match(one.parent, /^Gcp(Network|Bastion|LoadBalancer|Machine) lab/, one.name);
                }
                assert.doesNotMatch(JSON.stringify(shown(resources)), /CANARY/);
                for (const { inputs, name } of ofKind(resources, "Instance")) {
                    assert.equal(inputs.serviceAccount, undefined, name);
                    assert.doesNotMatch(JSON.stringify(inputs.metadata), /CANARY|PRIVATE/, name);
                    assert.equal((inputs.metadata as Record<string, string>)["enable-oslogin"], "FALSE", name);
                }
                for (const machine of machines) {
                    assert.equal(await pulumi.isSecret(pulumi.output(machine.connection)), true, machine.name);
                }
                // A preview asks nothing of Google Cloud, and an up one thing of each machine.
                assert.equal(calls.length, preview ? 0 : ofKind(resources, "Instance").length);
            });
        }
    }

    it("has this plan with one node", async () => {
        matchesGolden("gcp-1.yaml", text((await plan(onGcpWith(0))).resources));
    });

    it("has this plan with three control planes and three workers", async () => {
        const args = onGcpWith(0, {
            controlPlane: { count: 3, machineType: "n4-standard-4" },
            workerPools: [
                { name: "worker", count: 2, machineType: "n1-standard-4", imageFamily: "debian-12" },
                { name: "spot", count: 1, spot: true },
            ],
        });
        matchesGolden("gcp-3-3.yaml", text((await plan(args)).resources));
    });

    it("changes no input of anything else when a worker comes or goes", async () => {
        const [fewer, more] = [(await plan(onGcpWith(98))).resources, (await plan(onGcpWith(99))).resources];
        const before = new Map(fewer.map((one) => [label(one), one]));
        const after = new Map(more.map((one) => [label(one), one]));
        for (const [key, one] of before) {
            assert.deepEqual(after.get(key), one, key);
        }
        assert.deepEqual([...after.keys()].filter((key) => !before.has(key)).sort(), [
            "command:local:Command lab-worker-98-host-key",
            "gcp:compute/instance:Instance lab-worker-98",
            "kata-cluster:machine:GcpMachine lab-worker-98",
        ]);
    });

    it("spreads the machines over the zones, and gives a public address to none but the API and the bastion", async () => {
        const { resources } = await plan(onGcpWith(3));
        const instances = ofKind(resources, "Instance");
        const zones = Object.fromEntries(instances.map(({ name, inputs }) => [name, inputs.zone]));
        assert.deepEqual(zones, {
            "lab-bastion": "europe-west4-b",
            "lab-control-plane-0": "europe-west4-b",
            "lab-worker-0": "europe-west4-b",
            "lab-worker-1": "europe-west4-c",
            "lab-worker-2": "europe-west4-b",
        });
        const open = instances.filter(({ inputs }) =>
            JSON.stringify(inputs.networkInterfaces).includes("accessConfigs"),
        );
        assert.deepEqual(open.map(({ name }) => name).sort(), ["lab-bastion", "lab-control-plane-0"]);
    });

    it("names one control plane's own address as the API's", async () => {
        const { machines, controlPlaneEndpoint } = await plan(onGcpWith(1));
        assert.equal(controlPlaneEndpoint, undefined);
        assert.equal(await valueOf(machines[0]!.apiAddress), "address-of-lab-api-external:6443");
        assert.equal(await valueOf(machines[0]!.internalAddress), "address-of-lab-control-plane-0-internal");
        assert.equal(await valueOf(machines[1]!.internalAddress), "address-of-lab-worker-0");
        assert.equal(await valueOf(machines[1]!.apiAddress), "address-of-lab-worker-0:6443");
    });

    it("names the internal address where the API is not public", async () => {
        const api = { public: false, sourceRanges: ["10.0.0.0/8"] };
        const { machines } = await plan(onGcpWith(0, { api }));
        assert.equal(await valueOf(machines[0]!.apiAddress), "address-of-lab-control-plane-0-internal:6443");
        const several = await plan(onGcpWith(0, { api, controlPlane: { count: 3 } }));
        assert.equal(await valueOf(several.machines[0]!.apiAddress), "address-of-lab-nodes-internal:6443");
    });

    it("gives nodes and users each a load balancer in front of three control planes", async () => {
        const { machines, controlPlaneEndpoint, resources } = await plan(onGcpWith(1, { controlPlane: { count: 3 } }));
        assert.equal(await valueOf(controlPlaneEndpoint), "address-of-lab-nodes-internal:6443");
        for (const machine of machines.slice(0, 3)) {
            assert.equal(await valueOf(machine.apiAddress), "address-of-lab-users-external:6443");
            assert.ok(machine.dependsOn.some((one) => one.constructor.name === "InstanceGroupMembership"));
        }
        const members = ofKind(resources, "InstanceGroupMembership");
        assert.deepEqual(
            members.map(({ inputs }) => [inputs.instance, inputs.instanceGroup, inputs.zone]),
            [
                ["link-of-lab-control-plane-0", "lab-b-1a2b3c4", "europe-west4-b"],
                ["link-of-lab-control-plane-1", "lab-c-1a2b3c4", "europe-west4-c"],
                ["link-of-lab-control-plane-2", "lab-b-1a2b3c4", "europe-west4-b"],
            ],
        );
        for (const { inputs } of ofKind(resources, "RegionBackendService")) {
            const backends = inputs.backends as { group: string; balancingMode: string }[];
            assert.deepEqual(
                backends.map(({ group, balancingMode }) => [group, balancingMode]),
                [
                    ["InstanceGroup lab-b", "CONNECTION"],
                    ["InstanceGroup lab-c", "CONNECTION"],
                ],
            );
        }
    });

    it("connects through the bastion with both host keys pinned", async () => {
        const connection = async (args: KataClusterArgs) =>
            (await valueOf((await plan(args)).machines.at(-1)!.connection)) as unknown as Connection;
        const pinned = /^ssh-ed25519 AAAA/;
        const byBastion = await connection(onGcpWith(1));
        assert.deepEqual([byBastion.host, byBastion.user], ["address-of-lab-worker-0", "kata"]);
        assert.equal(byBastion.privateKey, userKeys.privateKey);
        assert.match(byBastion.hostKey, pinned);
        assert.deepEqual([byBastion.proxy!.host, byBastion.proxy!.port], ["address-of-lab-bastion-external", 22]);
        assert.match(byBastion.proxy!.hostKey, pinned);
        const byTunnel = await connection(onGcpWith(1, { ssh: { via: "iap", tunnelPort: 2222 } }));
        assert.deepEqual([byTunnel.proxy!.host, byTunnel.proxy!.port], ["127.0.0.1", 2222]);
        assert.match(byTunnel.proxy!.hostKey, pinned);
        const direct = await connection(onGcpWith(1, { ssh: { via: "direct", sourceRanges: ["10.0.0.0/8"] } }));
        assert.equal(direct.proxy, undefined);
    });

    it("makes no key where you give yours", async () => {
        const ssh = { sourceRanges: [office], privateKey, publicKey: `${hostKey}\n` };
        const { resources, machines } = await plan(onGcpWith(0, { ssh }));
        assert.ok(!resources.some(({ name }) => name === "lab-keys"));
        const { metadata } = named(resources, "Instance", "lab-control-plane-0").inputs as { metadata: object };
        assert.equal((metadata as Record<string, string>)["ssh-keys"], `kata:${hostKey}`);
        assert.equal(await pulumi.isSecret(pulumi.output(machines[0]!.connection)), true);
    });

    it("waits for the way to a machine and its way out before anything is run on it", async () => {
        const { machines, resources } = await plan(onGcpWith(1));
        const awaited = await Promise.all(machines[1]!.dependsOn.map((one) => valueOf(one.urn)));
        const kinds = awaited.map((urn) => urn.split("::").slice(-2).join(" "));
        for (const { type, name } of [...ofKind(resources, "Firewall"), ...ofKind(resources, "RouterNat")]) {
            assert.ok(
                kinds.some((one) => one.endsWith(`${type} ${name}`)),
                name,
            );
        }
        assert.ok(kinds.some((one) => one.endsWith("Instance lab-bastion")));
        assert.ok(kinds.some((one) => one.endsWith("Instance lab-worker-0")));
        assert.equal(machines[1]!.owner, machines[1]!.dependsOn[0]);
    });

    for (const preview of [true, false]) {
        it(`makes a whole cluster, ${preview ? "preview" : "up"}`, async () => {
            const { resources } = gcpMocks(preview, {
                "-pod": JSON.stringify({ node: "lab-worker-0", uid: "uid" }),
                "-admit": "ADMITTED",
                "-init":
                    'clusters: [{ cluster: { server: "https://10.0.0.1:6443" } }]\nusers: [{ user: { client-key-data: CANARY-ADMIN-KEY } }]\n',
                "-install": JSON.stringify({
                    node: "x",
                    verb: "apply",
                    steps: [{ step: "containerd" }, { step: "key", request: "REQUEST" }],
                }),
                "-isolation": JSON.stringify({ pod: {}, node: {}, kata: {}, vmProcess: {}, control: {} }),
            });
            const ssh = { sourceRanges: [office], privateKey, publicKey: hostKey };
            const cluster = new KataCluster("lab", onGcpWith(1, { controlPlane: { count: 3 }, ssh }));
            await pulumi.runtime.disconnect();
            assert.equal(await pulumi.isSecret(cluster.kubeconfig), true);
            assert.equal(resources.filter(({ name }) => name.endsWith("-scripts")).length, 4);
            assert.doesNotMatch(JSON.stringify(shown(resources)), /CANARY/);
            const root = resources.filter(({ type }) => type.startsWith("kata-cluster:machine:"));
            assert.equal(root.length, 7);
            root.forEach(({ parent }) => assert.equal(parent, "KataCluster lab"));
            // What is installed on a machine goes with it.
            assert.equal(
                named(resources, "CopyToRemote", "lab-worker-0-scripts").options.deletedWith,
                "Instance lab-worker-0",
            );
        });
    }
});

interface Connection {
    host: string;
    port: number;
    user: string;
    privateKey: string;
    hostKey: string;
    proxy?: Connection;
}
