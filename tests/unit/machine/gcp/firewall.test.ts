import * as assert from "node:assert/strict";
import { RecordedOnCloud, onGcpWith, planOnGcp } from "../../../support/gcpRecording";
import { office } from "../../../support/gcp";
import { mayReach, Sender } from "../../../support/reachability";

const worker = { tags: ["lab-node"] };
const controlPlane = { tags: ["lab-node", "lab-control-plane"] };
const bastion = { tags: ["lab-bastion"] };
const world: Sender = { address: "198.51.100.7" };
const user: Sender = { address: "203.0.113.9" };
const iap: Sender = { address: "35.235.240.1" };
const proxy: Sender = { address: "10.80.16.5" };
const healthCheck: Sender = { address: "35.191.3.3" };

type Row = [
    what: string,
    from: Sender,
    to: { tags: string[] },
    protocol: "tcp" | "udp",
    port: number,
    allowed: boolean,
];

const always: Row[] = [
    ["the world to a worker's SSH", world, worker, "tcp", 22, false],
    ["the world to a control plane's SSH", world, controlPlane, "tcp", 22, false],
    ["the world to the bastion", world, bastion, "tcp", 22, false],
    ["the world to the API", world, controlPlane, "tcp", 6443, false],
    ["the world to etcd", world, controlPlane, "tcp", 2379, false],
    ["the world to a kubelet", world, worker, "tcp", 10250, false],
    ["the world to the overlay", world, worker, "udp", 8472, false],
    ["users to the API", user, controlPlane, "tcp", 6443, true],
    ["users to a worker's port 6443", user, worker, "tcp", 6443, false],
    ["users to etcd", user, controlPlane, "tcp", 2379, false],
    ["users to a kubelet", user, worker, "tcp", 10250, false],
    ["a worker to the API", worker, controlPlane, "tcp", 6443, true],
    ["a control plane to the API", controlPlane, controlPlane, "tcp", 6443, true],
    ["a worker to etcd", worker, controlPlane, "tcp", 2379, false],
    ["a control plane to a worker's kubelet", controlPlane, worker, "tcp", 10250, true],
    ["a control plane to another's kubelet", controlPlane, controlPlane, "tcp", 10250, true],
    ["a worker to another's kubelet", worker, worker, "tcp", 10250, false],
    ["a worker to a control plane's kubelet", worker, controlPlane, "tcp", 10250, false],
    ["a node to another's overlay", worker, controlPlane, "udp", 8472, true],
    ["a node to another's overlay, by TCP", worker, worker, "tcp", 8472, false],
    ["a worker to another's SSH", worker, worker, "tcp", 22, false],
    ["a worker to the bastion", worker, bastion, "tcp", 22, false],
    ["the bastion to the API", bastion, controlPlane, "tcp", 6443, false],
    ["the bastion to a kubelet", bastion, worker, "tcp", 10250, false],
    ["a health check to a worker", healthCheck, worker, "tcp", 6443, false],
];

function judge(resources: RecordedOnCloud[], rows: Row[]) {
    for (const [what, from, to, protocol, port, allowed] of rows) {
        assert.equal(mayReach(resources, from, to, protocol, port), allowed, what);
    }
}

describe("firewall on Google Cloud", function () {
    this.timeout(120_000);

    it("lets in what one control plane and its workers need, and nothing else", async () => {
        const { resources } = await planOnGcp(onGcpWith(2));
        judge(resources, [
            ...always,
            ["users to the bastion", user, bastion, "tcp", 22, true],
            ["users to a node's SSH", user, worker, "tcp", 22, false],
            ["the bastion to a worker's SSH", bastion, worker, "tcp", 22, true],
            ["the bastion to a control plane's SSH", bastion, controlPlane, "tcp", 22, true],
            ["IAP to the bastion", iap, bastion, "tcp", 22, false],
            ["a health check to the API", healthCheck, controlPlane, "tcp", 6443, false],
            ["one etcd to itself over the network", controlPlane, controlPlane, "tcp", 2380, false],
        ]);
    });

    it("lets load balancers and etcd's members through where there are several control planes", async () => {
        const { resources } = await planOnGcp(onGcpWith(1, { controlPlane: { count: 3 } }));
        judge(resources, [
            ...always,
            ["etcd's clients", controlPlane, controlPlane, "tcp", 2379, true],
            ["etcd's members", controlPlane, controlPlane, "tcp", 2380, true],
            ["the proxies to the API", proxy, controlPlane, "tcp", 6443, true],
            ["the proxies to a worker", proxy, worker, "tcp", 6443, false],
            ["the proxies to SSH", proxy, controlPlane, "tcp", 22, false],
            ["a health check to the API", healthCheck, controlPlane, "tcp", 6443, true],
            ["the proxies' health check", { address: "130.211.1.1" }, controlPlane, "tcp", 6443, true],
            ["the users' health check", { address: "209.85.205.1" }, controlPlane, "tcp", 6443, true],
        ]);
    });

    it("lets no health check of a public load balancer in where there is none", async () => {
        const { resources } = await planOnGcp(
            onGcpWith(0, { controlPlane: { count: 3 }, api: { public: false, sourceRanges: [office] } }),
        );
        judge(resources, [...always, ["it", { address: "209.85.205.1" }, controlPlane, "tcp", 6443, false]]);
    });

    it("takes SSH to the bastion from IAP only, where that is the way", async () => {
        const { resources } = await planOnGcp(onGcpWith(1, { ssh: { via: "iap" } }));
        judge(resources, [
            ...always,
            ["IAP to the bastion", iap, bastion, "tcp", 22, true],
            ["IAP to a node", iap, worker, "tcp", 22, false],
            ["users to the bastion", user, bastion, "tcp", 22, false],
            ["the bastion to a worker's SSH", bastion, worker, "tcp", 22, true],
        ]);
    });

    it("takes SSH to the machines from the given ranges, where there is no bastion", async () => {
        const { resources } = await planOnGcp(onGcpWith(1, { ssh: { via: "direct", sourceRanges: [office] } }));
        judge(resources, [
            ...always,
            ["users to a worker's SSH", user, worker, "tcp", 22, true],
            ["IAP to a worker's SSH", iap, worker, "tcp", 22, false],
        ]);
        assert.ok(!resources.some(({ name }) => name.endsWith("-bastion")));
    });

    it("has a target and a source in every rule, and none that is everybody", async () => {
        for (const via of ["bastion", "iap", "direct"] as const) {
            for (const count of [1, 3]) {
                const ssh = { via, sourceRanges: via === "iap" ? undefined : [office] };
                const { resources } = await planOnGcp(onGcpWith(1, { ssh, controlPlane: { count } }));
                const rules = resources.filter(({ type }) => type === "gcp:compute/firewall:Firewall");
                assert.ok(rules.length >= 5);
                for (const { name, inputs } of rules) {
                    const { targetTags, sourceRanges = [], sourceTags = [] } = inputs as Record<string, string[]>;
                    assert.equal(targetTags!.length, 1, name);
                    assert.ok(sourceRanges.length > 0 !== sourceTags.length > 0, name);
                    assert.ok(!sourceRanges.some((range) => range.endsWith("/0")), name);
                    assert.equal(inputs.network, "Network lab", name);
                }
            }
        }
    });
});
