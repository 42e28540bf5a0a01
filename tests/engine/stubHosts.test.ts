import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { KataCluster } from "../../components/kataCluster";
import { StubHosts } from "../support/stubHosts/stubHosts";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";

/** The real scripts by real SSH, on hosts that are folders. */
describe(`stub hosts: ${announce("command")}, ${announce("kubernetes")}`, function () {
    this.timeout(180_000);
    let stubs: StubHosts;
    let stack: TestStack;
    const program = (count: number) =>
        exporting(() => {
            const cluster = new KataCluster("lab", stubs.args(count));
            return { isolation: cluster.isolation, nodes: cluster.nodes };
        });

    before(async () => {
        stubs = await StubHosts.start({ count: 2 });
        stack = await TestStack.create("stub-hosts");
    });
    after(async () => {
        await stubs?.close();
        stack?.remove();
    });

    it("become a cluster by the real bundle: installed, joined, and the pod's isolation proved", async () => {
        const run = await stubs.withPod(stack.up(program(2)));
        assert.equal(run.error, undefined, run.stdout + said(run));
        for (const { ssh } of stubs.hosts) {
            const files = ["etc/containerd/config.toml", "usr/local/bin/kubelet", "opt/kata/VERSION"];
            for (const file of [...files, "etc/kubernetes/kubelet.conf"]) {
                assert.ok(fs.existsSync(path.join(ssh.root, file)), `${file} is missing`);
            }
        }
        const certificate = path.join(stubs.hosts[1]!.ssh.root, "var/lib/kata-cluster/join/certificate.pem");
        assert.match(fs.readFileSync(certificate, "utf8"), /BEGIN CERTIFICATE/);
        const { isolated, runtimeHandler } = run.outputs.isolation as { isolated: boolean; runtimeHandler: string };
        assert.deepEqual({ isolated, runtimeHandler }, { isolated: true, runtimeHandler: "kata" });
    });

    it("count what reaches them, and are left alone when there is nothing to do", async () => {
        const { connections, bytes } = stubs;
        assert.ok(connections >= 2 && bytes > 50_000, `${connections} connections, ${bytes} bytes`);
        const run = await stack.up(program(2));
        assert.deepEqual([run.error, changes(run)], [undefined, []]);
        assert.deepEqual([stubs.connections, stubs.bytes], [connections, bytes]);
    });

    it("are as they were before, once they are destroyed", async () => {
        const run = await stack.destroy();
        assert.equal(run.error, undefined, run.stdout + said(run));
        for (const { ssh } of stubs.hosts) {
            for (const gone of ["opt/kata", "usr/local/bin/kubelet", "etc/kubernetes", "etc/kata-cluster"]) {
                assert.ok(!fs.existsSync(path.join(ssh.root, gone)), `${gone} is left`);
            }
        }
    });
});
