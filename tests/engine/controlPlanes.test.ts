import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { KataCluster } from "../../components/kataCluster";
import { StubHosts } from "../support/stubHosts/stubHosts";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";

const names = ["lab-control-plane-0", "lab-control-plane-1", "lab-control-plane-2"];
/** What every control plane must have of the first. */
const keys = ["ca.key", "sa.key", "front-proxy-ca.key", "etcd/ca.key"];

/** The real scripts by real SSH, on hosts that are folders; kubeadm and etcd are stand-ins. */
describe(`Three control planes on stub hosts: ${announce("command")}, ${announce("kubernetes")}`, function () {
    this.timeout(240_000);
    let stubs: StubHosts;
    let stack: TestStack;

    const program = (controlPlanes: number) =>
        exporting(() => {
            const { nodes, isolation } = new KataCluster("lab", {
                ...stubs.args(controlPlanes, controlPlanes),
                kubernetes: { controlPlaneEndpoint: "192.0.2.1" },
            });
            return { nodes, isolation };
        });
    const inCluster = (...file: string[]) => path.join(stubs.cluster, ...file);
    const onHost = (host: number, file: string) => path.join(stubs.hosts[host]!.ssh.root, file);
    const key = (host: number, file: string) => fs.readFileSync(onHost(host, `etc/kubernetes/pki/${file}`), "utf8");

    before(async () => {
        stubs = await StubHosts.start({ count: 3, controlPlanes: 3, waits: { join: 2 } });
        stack = await TestStack.create("control-planes");
    });
    after(async () => {
        await stubs?.close();
        stack?.remove();
    });

    it("become one cluster", async () => {
        const run = await stubs.withPod(stack.up(program(3)));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(
            (run.outputs.nodes as { name: string }[]).map(({ name }) => name),
            names,
        );
        assert.deepEqual(fs.readdirSync(inCluster("nodes")).sort(), names);
    });

    it("join one after the other: the next is admitted when the one before is a Node", () => {
        const admitted = (name: string) => fs.statSync(onHost(0, `var/lib/kata-cluster/members/${name}.crt`)).mtimeMs;
        const joined = (name: string) => fs.statSync(inCluster("nodes", name)).mtimeMs;
        assert.ok(joined(names[0]!) < admitted(names[1]!), "the second was admitted before there was a cluster");
        assert.ok(joined(names[1]!) < admitted(names[2]!), "the third was admitted before the second was a Node");
    });

    it("have the cluster's keys, which are nowhere else: not in the state, not in what was said", async () => {
        const text = stack.stored() + JSON.stringify(await stack.resources());
        for (const file of keys) {
            const [first, ...others] = names.map((_name, host) => key(host, file));
            assert.match(first!, /BEGIN [A-Z ]*PRIVATE KEY/);
            assert.deepEqual(others, [first, first]);
            const body = first!.split("\n").slice(1, -2);
            assert.ok(body.length > 0 && body.every((line) => !text.includes(line)), `${file} is in the state`);
        }
        assert.match(text, /sealed/, "the sealed keys are there");
        assert.equal(fs.statSync(onHost(2, "etc/kubernetes/pki/ca.key")).mode & 0o777, 0o600);
    });

    it("are left alone when there is nothing to do", async () => {
        const { connections } = stubs;
        const run = await stack.up(program(3));
        assert.deepEqual([run.error, changes(run)], [undefined, []]);
        assert.equal(stubs.connections, connections);
    });

    it("become one when two leave: out of etcd and the cluster, then reset; the first stays as it is", async () => {
        const before = key(0, "ca.key");
        const run = await stack.up(program(1));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(fs.readFileSync(inCluster("etcd-left"), "utf8").trim().split("\n").sort(), names.slice(1));
        assert.deepEqual(fs.readdirSync(inCluster("nodes")), names.slice(0, 1));
        for (const host of [1, 2]) {
            assert.ok(!fs.existsSync(onHost(host, "etc/kubernetes")), `${names[host]} keeps the cluster's keys`);
        }
        assert.equal(key(0, "ca.key"), before);
    });

    it("are three again", async () => {
        fs.rmSync(inCluster("etcd-left"));
        const run = await stack.up(program(3));
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.deepEqual(fs.readdirSync(inCluster("nodes")).sort(), names);
        assert.equal(key(2, "ca.key"), key(0, "ca.key"));
    });

    it("are destroyed together, without etcd being asked for leave", async () => {
        const run = await stack.destroy();
        assert.equal(run.error, undefined, run.stdout + said(run));
        assert.ok(!fs.existsSync(inCluster("etcd-left")));
        names.forEach((name, host) => assert.ok(!fs.existsSync(onHost(host, "etc/kubernetes")), name));
    });
});
