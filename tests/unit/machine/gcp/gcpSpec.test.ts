import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { secretArgs } from "../../../../components/secretArgs";
import { resolve } from "../../../../components/spec";
import { KataClusterArgs } from "../../../../components/args";
import { gcpSpecOf, instancesOf, office, onGcp } from "../../../support/gcp";
import { hostKey as publicKey, privateKey, specOf } from "../../../support/specs";

const root = path.resolve(__dirname, "../../../..");
const everywhere = { ssh: { sourceRanges: ["0.0.0.0/0"] }, api: { sourceRanges: ["0.0.0.0/0"] } };
const taint = { key: "example.com/a", effect: "NoSchedule" };
const smallGuests = { kata: { guestMemoryMib: 512 } };

describe("machines on Google Cloud", () => {
    it("are one control plane with the defaults", () => {
        const { gcp, machines, warnings } = gcpSpecOf();
        assert.deepEqual(gcp, {
            project: undefined,
            region: "europe-west4",
            controlPlanes: 1,
            subnetCidr: "10.80.0.0/20",
            proxySubnetCidr: "10.80.16.0/23",
            ssh: {
                via: "bastion",
                sourceRanges: [office],
                tunnelPort: 22122,
                bastionMachineType: "e2-micro",
                user: "kata",
                keys: undefined,
                bastionZone: "europe-west4-b",
            },
            api: { public: true, sourceRanges: [office] },
            labels: { "kata-cluster": "lab" },
        });
        assert.deepEqual(machines, [
            {
                kind: "gcp",
                name: "lab-control-plane-0",
                role: "control-plane",
                labels: {},
                taints: [],
                gcp: {
                    machineType: "n2-standard-4",
                    minCpuPlatform: undefined,
                    image: "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64",
                    diskGib: 50,
                    diskType: "pd-balanced",
                    nicType: undefined,
                    onHostMaintenance: undefined,
                    spot: false,
                    deletionProtection: true,
                    zone: "europe-west4-b",
                },
            },
        ]);
        assert.deepEqual(warnings, []);
    });

    it("are control planes first, then each pool, spread over its zones in turn", () => {
        const zones = ["europe-west4-a", "europe-west4-b"];
        const workerPools = [
            { name: "worker", count: 3, spot: true },
            { name: "big", machineType: "c3-standard-8", zones: ["europe-west4-c"], imageFamily: "debian-13" },
            { name: "none", count: 0 },
        ];
        const instances = instancesOf({ zones, controlPlane: { count: 3, deletionProtection: false }, workerPools });
        const [a, b, c] = ["a", "b", "c"].map((zone) => `europe-west4-${zone}`);
        assert.deepEqual(
            instances.map(({ name, role, zone, spot }) => [name, role, zone, spot]),
            [
                ["lab-control-plane-0", "control-plane", a, false],
                ["lab-control-plane-1", "control-plane", b, false],
                ["lab-control-plane-2", "control-plane", a, false],
                ["lab-worker-0", "worker", a, true],
                ["lab-worker-1", "worker", b, true],
                ["lab-worker-2", "worker", a, true],
                ["lab-big-0", "worker", c, false],
            ],
        );
        assert.ok(instances.every(({ deletionProtection }) => !deletionProtection));
        assert.match(instances[6]!.image, /^projects\/debian-cloud\/global\/images\/family\/debian-13$/);
    });

    it("keep their name and zone when a pool grows", () => {
        const of = (count: number) =>
            instancesOf({ zones: ["europe-west4-a", "europe-west4-c"], workerPools: [{ name: "worker", count }] });
        const [few, many] = [of(2), of(5)];
        assert.deepEqual(many.slice(0, few.length), few);
    });

    const accepted: [what: string, changes: object, others?: object][] = [
        ["all ways of SSH: iap", { ssh: { via: "iap", tunnelPort: 3000 } }],
        ["all ways of SSH: direct", { ssh: { via: "direct", sourceRanges: ["10.0.0.0/8"] } }],
        ["an API without public address", { api: { public: false, sourceRanges: ["10.0.0.0/8"] } }],
        ["keys of one's own", { ssh: { sourceRanges: [office], privateKey, publicKey } }],
        ["keys that are not known yet", { ssh: { sourceRanges: [office], ...outputs(privateKey, publicKey) } }],
        ["custom types", { controlPlane: { machineType: "n2-custom-4-8192" } }],
        ["more memory than usual", { controlPlane: { machineType: "n2-custom-2-65536-ext" } }],
        ["another range", { network: { subnetCidr: "172.16.0.0/24" } }],
        ["a shared range", { network: { subnetCidr: "100.64.0.0/24" } }],
        ["no range for proxies that are not there", { network: { subnetCidr: "10.80.0.0/16" } }],
        ["a subnet that is just large enough", { network: { subnetCidr: "10.80.0.0/28" }, workerPools: pool(10) }],
        ["the whole internet, on request", { ...everywhere, network: { dangerouslyAllowTheWholeInternet: true } }],
        ["labels", { labels: { team: "platform", "cost-center": "42", größe: "" } }],
        [
            "labels and taints of Nodes",
            { workerPools: [{ name: "a", labels: { "example.com/a": "b" }, taints: [taint] }] },
        ],
        ["a hyperdisk on C3", { controlPlane: { machineType: "c3-standard-4", diskType: "hyperdisk-balanced" } }],
        ["a project", { project: "example-project-1" }],
        ["a project of a domain", { project: "example.com:project-1" }],
        ["a small guest on a small worker", { workerPools: [{ name: "a", machineType: "n2-highcpu-2" }] }, smallGuests],
        ["five control planes", { controlPlane: { count: 5 } }],
        ["an AI zone", { region: "us-central1", zones: ["us-central1-ai1a"] }],
    ];
    for (const [what, changes, others] of accepted) {
        it(`can have ${what}`, () => assert.equal(gcpSpecOf(changes, others).name, "lab"));
    }

    it("are nothing to a cluster of other machines", () => assert.equal(specOf().gcp, undefined));
});

describe("warnings of machines on Google Cloud", () => {
    const warned: [what: string, changes: object, says: RegExp][] = [
        ["many machines", { workerPools: pool(8, "n2-highcpu-4") }, /9 machines.*quota/],
        ["many vCPUs", { workerPools: pool(2, "n2-standard-16") }, /36 vCPUs \(quota CPUS/],
        ["much disk", { workerPools: [{ name: "a", diskGib: 600 }] }, /650 GiB of SSD disks \(quota SSD_TOTAL_GB\)/],
        [
            "a Spot VM as the only worker",
            { workerPools: [{ name: "a", spot: true }] },
            /every worker is a Spot VM \(1\)/,
        ],
    ];
    for (const [what, changes, says] of warned) {
        it(`are given of ${what}`, () => {
            const { warnings } = gcpSpecOf(changes);
            assert.equal(warnings.length, 1, warnings.join("\n"));
            assert.match(warnings[0]!, says);
        });
    }

    it("are not given of Spot VMs beside others", () => {
        const workerPools = [{ name: "a", spot: true }, { name: "b" }];
        assert.deepEqual(gcpSpecOf({ workerPools }).warnings, []);
    });
});

describe("the SSH key for Google Cloud", () => {
    it("is a secret in the arguments, and the other keys stay as they are", async () => {
        const args = secretArgs(onGcp({ ssh: { sourceRanges: [office], privateKey, publicKey } }));
        const { ssh } = args.machines.gcp!;
        assert.ok(await pulumi.isSecret(pulumi.output(ssh.privateKey)));
        assert.equal(ssh.publicKey, publicKey);
        assert.deepEqual(ssh.sourceRanges, [office]);
    });
});

describe("the stacks on Google Cloud", () => {
    for (const runtime of ["containerd", "crio"]) {
        const file = `stacks/Pulumi.gcp-${runtime}.yaml`;
        it(`${file} is accepted as it is, but for the addresses`, () => {
            const { config } = parse(fs.readFileSync(path.join(root, file), "utf8")) as {
                config: Record<string, unknown>;
            };
            const args = Object.fromEntries(
                Object.entries(config)
                    .filter(([key]) => key.startsWith("kata-cluster:"))
                    .map(([key, value]) => [key.slice("kata-cluster:".length), value]),
            );
            const { name, ...rest } = args as unknown as KataClusterArgs & { name: string };
            const spec = resolve(name, rest);
            assert.equal(spec.containerRuntime, runtime);
            assert.ok(spec.machines.every(({ kind }) => kind === "gcp"));
            assert.deepEqual(spec.warnings, []);
            assert.ok(spec.gcp!.api.sourceRanges.every((range) => range.startsWith("203.0.113.")));
        });
    }
});

function pool(count: number, machineType = "n2-highcpu-4") {
    return [{ name: "a", count, machineType, diskGib: 20 }];
}

function outputs(secret: string, open: string) {
    return { privateKey: pulumi.secret(secret), publicKey: pulumi.output(open) };
}
