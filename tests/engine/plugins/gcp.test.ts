import * as assert from "node:assert/strict";
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";
import { GcpCloud } from "../../support/gcpCloud";
import { announce, changes, exporting, Run, said, TestStack } from "./stack";

const region = "europe-west4";
const zone = `${region}-b`;

/** A resource whose inputs no type checks, as from a program in another language. */
class Untyped extends pulumi.CustomResource {}

describe(`gcp plugin: ${announce("gcp")}`, function () {
    this.timeout(180_000);
    let cloud: GcpCloud;
    let stack: TestStack;

    before(() => console.log(`    under test: ${announce("gcp")}`));
    beforeEach(async () => {
        cloud = new GcpCloud();
        stack = await TestStack.create("gcp", cloud.environment);
    });
    afterEach(() => {
        stack.remove();
        cloud.remove();
    });

    const succeeded = (run: Run) => assert.ok(!run.error, said(run, "error") || run.error?.message);
    const refused = (run: Run, ...patterns: RegExp[]) => {
        assert.ok(run.error, "it was not refused");
        patterns.forEach((pattern) => assert.match(said(run, "error"), pattern));
    };

    /** A network with one subnetwork. */
    const network = (ipCidrRange = "10.80.0.0/20") => {
        const net = new gcp.compute.Network("net", { autoCreateSubnetworks: false });
        const subnet = new gcp.compute.Subnetwork("subnet", { network: net.id, region, ipCidrRange });
        return { net, subnet };
    };

    /** An instance with nested virtualization in that network, with what is changed. */
    const instance = (
        subnetwork: pulumi.Input<string>,
        changed: Partial<gcp.compute.InstanceArgs> = {},
        opts: pulumi.CustomResourceOptions = {},
    ) =>
        new gcp.compute.Instance(
            "vm",
            {
                name: "vm",
                zone,
                machineType: "n2-standard-4",
                advancedMachineFeatures: { enableNestedVirtualization: true },
                bootDisk: {
                    initializeParams: { image: "projects/debian-cloud/global/images/family/debian-12", size: 50 },
                },
                networkInterfaces: [{ subnetwork }],
                metadata: { "enable-guest-attributes": "TRUE" },
                ...changed,
            },
            opts,
        );
    const withInstance = (changed: Partial<gcp.compute.InstanceArgs> = {}) =>
        exporting(() => {
            const vm = instance(network().subnet.id, changed);
            return { ip: vm.networkInterfaces[0]!.networkIp, link: vm.selfLink, id: vm.id };
        });

    describe("inputs, by the provider's published types", () => {
        /** A program that TypeScript would refuse. */
        const untyped = (args: object) => withInstance(args);

        it("refuses what has no such name, at any depth, and names it", async () => {
            const top = await stack.preview(
                // The SDK's own class leaves out what it does not know.
                exporting(() => void new Untyped("gcp:compute/network:Network", "net", { routingmode: "GLOBAL" })),
            );
            refused(top, /an argument named "routingmode" is not expected here: the resource has .*routingMode/);
            const nested = await stack.preview(
                untyped({
                    networkInterfaces: [{ network: "default", accessConfig: [{}] }],
                    advancedMachineFeatures: { enableNestedVirtualisation: true },
                }),
            );
            refused(
                nested,
                /networkInterfaces\[0\]\.accessConfig/,
                /advancedMachineFeatures\.enableNestedVirtualisation/,
            );
            assert.equal(cloud.list().length, 0);
        });

        it("refuses what has another type, or is missing", async () => {
            const run = await stack.preview(
                untyped({
                    tags: "web",
                    deletionProtection: "yes",
                    bootDisk: { initializeParams: { size: "50" } },
                    scratchDisks: [{ size: 375 }],
                }),
            );
            refused(
                run,
                /expected tags to be a list, got string/,
                /expected deletionProtection to be a boolean/,
                /expected bootDisk\.initializeParams\.size to be a number/,
                /"scratchDisks\[0\]\.interface" is required/,
            );
        });

        it("refuses values that the provider's documentation does not list", async () => {
            const run = await stack.preview(
                exporting(() => void new gcp.compute.Network("net", { routingMode: "WORLD" })),
            );
            refused(run, /expected routingMode to be one of \["REGIONAL","GLOBAL"\], got WORLD/);
        });

        it("refuses names, tags and labels of another form", async () => {
            const run = await stack.preview(
                withInstance({ name: "Vm_1", tags: ["Node"], labels: { "kata.cluster": "lab", team: "A" } }),
            );
            refused(run, /"name" \("Vm_1"\)/, /tag "Node"/, /label key "kata\.cluster"/, /label value "A" of team/);
        });
    });

    describe("resources", () => {
        it("are made, kept, updated in place, refreshed and deleted, with automatic names", async () => {
            const first = await stack.up(withInstance({ labels: { a: "1" } }));
            succeeded(first);
            assert.match(said(first), /stand-in for pulumi-resource-gcp 9\.37\.0/);
            assert.match(cloud.get("net")!.name, /^net-[0-9a-f]{7}$/);
            assert.equal(first.outputs.ip, "10.80.0.2");
            assert.equal(first.outputs.id, `projects/kata-test/zones/${zone}/instances/vm`);
            assert.equal(first.outputs.link, `https://www.googleapis.com/compute/v1/${String(first.outputs.id)}`);

            assert.deepEqual(changes(await stack.up(withInstance({ labels: { a: "1" } }))), []);

            const third = await stack.up(withInstance({ labels: { a: "2" } }));
            assert.deepEqual(changes(third), ["vm update"]);
            assert.equal(third.outputs.ip, "10.80.0.2");

            succeeded(await stack.refresh());
            assert.deepEqual(changes(await stack.preview(withInstance({ labels: { a: "2" } }))), []);
            succeeded(await stack.destroy());
            assert.deepEqual(cloud.list(), []);
        });

        it("leave in a preview unknown what only the cloud can say", async () => {
            const known: string[] = [];
            succeeded(
                await stack.preview(
                    exporting(() => {
                        const vm = instance(network().subnet.id);
                        vm.networkInterfaces.apply(() => known.push("networkInterfaces"));
                        vm.networkInterfaces[0]!.networkIp.apply(() => known.push("networkIp"));
                        vm.selfLink.apply(() => known.push("selfLink"));
                        vm.machineType.apply(() => known.push("machineType"));
                    }),
                ),
            );
            assert.ok(known.includes("machineType"), String(known));
            assert.ok(!known.includes("networkIp") && !known.includes("selfLink"), String(known));
        });

        it("are replaced where the provider replaces them, old one first if the name is the same", async () => {
            succeeded(await stack.up(withInstance()));
            const zoned = changes(await stack.preview(withInstance({ zone: `${region}-c` })));
            assert.deepEqual(zoned, ["vm delete-replaced", "vm replace", "vm create-replacement"]);
            const image = "projects/debian-cloud/global/images/family/debian-13";
            const bootDisk = { initializeParams: { image, size: 50 } };
            assert.ok(changes(await stack.preview(withInstance({ bootDisk }))).includes("vm replace"));
            const network2 = (ipCidrRange: string) => stack.preview(exporting(() => void network(ipCidrRange)));
            assert.ok(changes(await network2("10.80.0.0/19")).includes("subnet update"), "a range can grow");
            assert.ok(changes(await network2("10.80.0.0/21")).includes("subnet replace"), "a range can't shrink");
        });

        it("can't be changed while they run, where the provider says so", async () => {
            succeeded(await stack.up(withInstance()));
            const run = await stack.up(withInstance({ machineType: "n2-standard-8" }));
            refused(run, /requires stopping it.*allow_stopping_for_update/s);
            const allowed = { machineType: "n2-standard-8", allowStoppingForUpdate: true };
            succeeded(await stack.up(withInstance(allowed)));
            assert.equal(cloud.get("vm")!.inputs.machineType, "n2-standard-8");
        });

        it("are protected from deletion until they are not, also from a replacement", async () => {
            succeeded(await stack.up(withInstance({ deletionProtection: true })));
            refused(await stack.destroy(), /Cannot delete instance vm: instance Deletion Protection is enabled/);
            refused(
                await stack.up(withInstance({ deletionProtection: true, zone: `${region}-c` })),
                /Deletion Protection/,
            );
            assert.ok(cloud.get("vm"));
            succeeded(await stack.up(withInstance({ deletionProtection: false })));
            succeeded(await stack.destroy());
            assert.deepEqual(cloud.list(), []);
        });
    });

    describe("the API's rules", () => {
        const overlapping = exporting(() => {
            const { net, subnet } = network();
            const args = { network: net.id, region, ipCidrRange: "10.80.8.0/23" };
            new gcp.compute.Subnetwork("other", args, { dependsOn: [subnet] });
        });
        const twice = exporting(() => {
            const { subnet } = network();
            const { address: natIp } = new gcp.compute.Address("address", { region });
            const networkInterfaces = [{ subnetwork: subnet.id, accessConfigs: [{ natIp }] }];
            const first = instance(subnet.id, { networkInterfaces });
            new gcp.compute.Instance(
                "second",
                {
                    zone,
                    machineType: "e2-micro",
                    bootDisk: { initializeParams: { image: "debian-cloud/debian-12" } },
                    networkInterfaces,
                },
                { dependsOn: [first] },
            );
        });
        const loadBalancer = (changed: Partial<gcp.compute.SubnetworkArgs>) =>
            exporting(() => {
                const { net } = network();
                const proxies = new gcp.compute.Subnetwork("proxies", {
                    network: net.id,
                    region,
                    ipCidrRange: "10.80.16.0/23",
                    purpose: "REGIONAL_MANAGED_PROXY",
                    role: "ACTIVE",
                    ...changed,
                });
                const check = new gcp.compute.RegionHealthCheck("check", { region, tcpHealthCheck: { port: 6443 } });
                const service = new gcp.compute.RegionBackendService("service", {
                    region,
                    protocol: "TCP",
                    loadBalancingScheme: "EXTERNAL_MANAGED",
                    healthChecks: check.id,
                });
                const proxy = new gcp.compute.RegionTargetTcpProxy("proxy", { region, backendService: service.id });
                new gcp.compute.ForwardingRule(
                    "rule",
                    {
                        region,
                        target: proxy.id,
                        portRange: "6443",
                        loadBalancingScheme: "EXTERNAL_MANAGED",
                        network: net.id,
                    },
                    { dependsOn: [proxies] },
                );
            });

        for (const [what, program, pattern] of [
            ["ranges that overlap", overlapping, /10\.80\.8\.0\/23 conflicts with existing subnetwork/],
            ["an address that is in use", twice, /IP '127\.80\.0\.2' is already being used/],
            [
                "a load balancer without a subnetwork for its proxies",
                loadBalancer({ role: "BACKUP" }),
                /active proxy-only/,
            ],
            [
                "nested virtualization in a family without it",
                withInstance({ machineType: "n2d-standard-4" }),
                /n2d-standard-4 does not support nested virtualization/,
            ],
            [
                "a Persistent Disk where there is none",
                withInstance({ machineType: "c4-standard-4" }),
                /features are not compatible/,
            ],
            [
                "a network that is not there",
                withInstance({ networkInterfaces: [{ network: "nowhere" }] }),
                /'resource\.networkInterfaces\[0\]\.network': 'nowhere'\. The referenced resource cannot be found/,
            ],
            [
                "an instance in another region than its subnetwork",
                withInstance({ zone: "us-central1-a" }),
                /The subnetwork is in region europe-west4/,
            ],
            [
                "a Spot VM that restarts",
                withInstance({ scheduling: { provisioningModel: "SPOT", preemptible: true } }),
                /preemptible be false when AutomaticRestart is true/,
            ],
        ] as const) {
            it(`refuse ${what}`, async () => refused(await stack.up(program), pattern));
        }

        it("take a whole load balancer, and keep its parts while they are used", async () => {
            succeeded(await stack.up(loadBalancer({})));
            assert.deepEqual(changes(await stack.preview(loadBalancer({}))), []);
            assert.equal(cloud.get("rule")!.outputs.ipAddress, "127.80.0.2");
            succeeded(await stack.destroy());
        });

        it("refuse nested virtualization where the organization forbids it, and leave nothing of the instance", async () => {
            cloud.set({ constraints: ["compute.disableNestedVirtualization"] });
            const pattern =
                /Constraint constraints\/compute\.disableNestedVirtualization violated for projects\/kata-test/;
            refused(await stack.up(withInstance()), pattern);
            assert.equal(cloud.get("vm"), undefined);
            cloud.set({});
            succeeded(await stack.up(withInstance()));
        });
    });

    describe("guest attributes", () => {
        const read = (queryPath: string) =>
            exporting(() => {
                const vm = instance(network().subnet.id);
                const attributes = vm.name.apply((name) =>
                    gcp.compute.getInstanceGuestAttributes({ name, zone, queryPath }),
                );
                return { values: attributes.queryValues };
            });

        it("are not there until the machine has booted, and then tell its host key", async () => {
            cloud.set({ bootSeconds: 3600 });
            refused(
                await stack.up(read("hostkeys/")),
                /404: The resource 'hostkeys\/' of type 'Guest Attribute' was not found/,
            );
            cloud.set({ bootSeconds: 0 });
            const run = await stack.up(read("hostkeys/"));
            succeeded(run);
            const [type, key] = cloud.get("vm")!.machine!.hostKey.split(" ");
            assert.deepEqual(run.outputs.values, [{ namespace: "hostkeys", key: type, value: key }]);
            refused(await stack.up(read("other/")), /'other\/' of type 'Guest Attribute' was not found/);
        });
    });
});
