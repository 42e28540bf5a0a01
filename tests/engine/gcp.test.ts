import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { connect, createServer } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KataCluster } from "../../components/kataCluster";
import { ApiServer } from "../support/apiServer";
import { GcpCloud } from "../support/gcpCloud";
import { authorizedKeys } from "../support/plugins/gcp/machines/metadata";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, Run, said, TestStack } from "./plugins/stack";
import { NodeStandIn } from "./support/nodeStandIn";

const names = ["lab-control-plane-0", "lab-worker-0", "lab-worker-1"];
const me = ["127.0.0.1/32"];
/** What the stand-in gives out first as "external" addresses, on the loopback interface. */
const external = Array.from({ length: 8 }, (_, i) => `127.80.0.${i + 2}`);

describe(`KataCluster on Google Cloud: ${["gcp", "command", "kubernetes"].map((name) => announce(name as "gcp")).join(", ")}`, function () {
    this.timeout(600_000);
    this.bail(true);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-gcp-test-"));
    const journal = path.join(folder, "journal");
    let cloud: GcpCloud;
    let servers: SshServer[];
    let api: ApiServer;
    let stack: TestStack;

    const program = (workers: number, controlPlane: { deletionProtection?: boolean; count?: number } = {}) =>
        exporting(() => {
            const cluster = new KataCluster("lab", {
                machines: {
                    gcp: {
                        project: cloud.project,
                        region: "europe-west4",
                        controlPlane,
                        workerPools: [{ name: "worker", count: workers }],
                        ssh: { sourceRanges: me },
                        api: { sourceRanges: me },
                    },
                },
            });
            return { nodes: cluster.nodes, isolation: cluster.isolation };
        });
    /** Reports that the untrusted pod runs once it is there, however long the machines take. */
    const withPod = async (run: Promise<Run>): Promise<Run> => {
        let ended = false;
        const reported = (async () => {
            while (!ended && !(await api.get("pod", "nginx-untrusted"))) {
                await sleep(1000);
            }
            await (ended || api.podReady("nginx-untrusted"));
        })();
        const result = await run.finally(() => (ended = true));
        await reported;
        return result;
    };
    const succeeded = (run: Run) => assert.equal(run.error, undefined, run.stdout + said(run));
    const settings = () => ({
        nodes: {
            kind: "endpoints" as const,
            endpoints: Object.fromEntries(
                servers.map(({ port, hostKey }, i) => [
                    names[i]!,
                    { sshPort: port, hostKey, apiPort: i === 0 ? Number(new URL(api.url).port) : undefined },
                ]),
            ),
        },
    });
    const addressOf = (name: string) =>
        (instanceOf(name)!.outputs.networkInterfaces as { networkIp: string }[])[0]!.networkIp;
    const publicAddressOf = (name: string) =>
        (instanceOf(name)!.outputs.networkInterfaces as { accessConfigs: { natIp: string }[] }[])[0]!.accessConfigs[0]!
            .natIp;
    const instanceOf = (name: string) => cloud.list("instances").find(({ logicalName }) => logicalName === name);
    const throughBastion = () => cloud.forwarded(instanceOf("lab-bastion")!);
    /** What was run since, on whichever node. */
    let read = 0;
    const since = () => {
        const lines = fs.readFileSync(journal, "utf8").trim().split("\n");
        const seen = lines.slice(read);
        read = lines.length;
        return seen;
    };

    before(async function () {
        if (!(await canListen(external[0]!, 22))) {
            console.log(
                `    skipped: port 22 of ${external[0]} can't be listened on, which the stand-in's bastion does`,
            );
            this.skip();
        }
        cloud = new GcpCloud();
        // A machine lets in whom its metadata names, as Google's guest agent sees to it.
        servers = await Promise.all(
            names.map((name) => SshServer.start({ authorizedKeys: (user) => authorizedKeys(instanceOf(name), user) })),
        );
        api = await ApiServer.start({ addresses: external });
        servers.forEach((server, i) => new NodeStandIn(server, api.kubeconfig, names[i], journal));
        stack = await TestStack.create("kata-cluster", cloud.environment);
    });
    after(async () => {
        await api?.close();
        await Promise.all((servers ?? []).map((server) => server.close()));
        stack?.remove();
        cloud?.remove();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    it("previews everything, and asks nothing of the cloud", async () => {
        const run = await stack.preview(program(1));
        succeeded(run);
        assert.deepEqual(cloud.list(), []);
        assert.ok(changes(run).includes("lab-worker-0 create"));
    });

    it("names the policy that forbids nested virtualization, and what to do", async () => {
        cloud.set({ ...settings(), constraints: ["compute.disableNestedVirtualization"] });
        const run = await stack.up(program(1));
        assert.ok(run.error, "it went on");
        const errors = said(run, "error");
        assert.match(
            errors,
            /Constraint constraints\/compute\.disableNestedVirtualization violated for projects\/kata-test/,
        );
        assert.match(errors, /Fix: have it lifted for this project: gcloud resource-manager org-policies/);
        assert.equal(instanceOf("lab-control-plane-0"), undefined);
    });

    it("goes on when that is lifted: instances, SSH through the bastion, a worker that joins, the proof", async () => {
        cloud.set(settings());
        const run = await withPod(stack.up(program(1)));
        succeeded(run);
        assert.equal((run.outputs.isolation as { isolated: boolean }).isolated, true);
        const nodes = (run.outputs.nodes as { name: string }[]).map(({ name }) => name);
        assert.deepEqual(nodes, names.slice(0, 2));
        assert.ok(since().includes("lab-control-plane-0: admit apply lab-worker-0"));
        const targets = names.slice(0, 2).map((name) => `${addressOf(name)}:22 open`);
        assert.deepEqual(new Set(throughBastion()), new Set(targets));
    });

    it("gives no public address but to the bastion and the API, and lets nobody in by the API's", async () => {
        const withAddress = cloud
            .list("instances")
            .filter(({ inputs }) => JSON.stringify(inputs.networkInterfaces).includes("natIp"))
            .map(({ logicalName }) => logicalName);
        assert.deepEqual(withAddress.sort(), ["lab-bastion", "lab-control-plane-0"]);
        assert.match(await firstWords(publicAddressOf("lab-bastion"), 22), /^SSH-2\.0-/);
        assert.equal(await firstWords(publicAddressOf("lab-control-plane-0"), 22), "");
        assert.ok(instanceOf("lab-control-plane-0")!.machine!.sshPort, "there is a server that could have answered");
    });

    it("has no service account anywhere, and keeps no private key in clear", () => {
        for (const { inputs } of cloud.list("instances")) {
            assert.equal(inputs.serviceAccount, undefined);
        }
        assert.doesNotMatch(stack.stored(), /BEGIN [A-Z ]*PRIVATE KEY/);
    });

    it("has nothing to do at the next up, without a connection", async () => {
        const before = throughBastion().length;
        const run = await stack.up(program(1));
        assert.deepEqual([run.error, changes(run)], [undefined, []]);
        assert.equal(throughBastion().length, before);
    });

    it("refuses more control planes, for the nodes know the address of the one", async () => {
        const run = await stack.preview(program(1, { count: 3 }));
        assert.ok(run.error, "it went on");
        assert.match(
            said(run) + run.stdout,
            /KataCluster "lab": machines\.gcp\.controlPlane\.count = 3: the cluster began with 1, .* Allowed: 1\. Hint: set it back/,
        );
    });

    it("adds a worker: its own resources and nothing else", async () => {
        const run = await stack.up(program(2));
        succeeded(run);
        const others = changes(run).filter((change) => !/^lab-worker-1(-[a-z-]+)? create$/.test(change));
        assert.deepEqual(
            others.filter((change) => change !== "lab update"),
            [],
        );
        assert.ok(since().includes("lab-worker-1: node apply join"));
        assert.ok(throughBastion().includes(`${addressOf("lab-worker-1")}:22 open`));
    });

    it("removes a worker: its Node first, then its machine, nothing else", async () => {
        since();
        const run = await stack.up(program(1));
        succeeded(run);
        const others = changes(run).filter((change) => !/^lab-worker-1(-[a-z-]+)? delete$/.test(change));
        assert.deepEqual(
            others.filter((change) => change !== "lab update"),
            [],
        );
        assert.deepEqual(since(), ["lab-control-plane-0: admit reset lab-worker-1"]);
        assert.equal(instanceOf("lab-worker-1"), undefined);
    });

    it("refuses to be destroyed while the control plane is protected, and goes as a whole when it is not", async () => {
        const run = await stack.previewDestroy();
        assert.ok(run.error, "it would go");
        assert.match(said(run, "error"), /lab-control-plane-0.* protected/s);
        const allowed = await stack.up(program(1, { deletionProtection: false }));
        succeeded(allowed);
        const changed = changes(allowed).filter((change) => change !== "lab update");
        assert.deepEqual(changed, ["lab-control-plane-0 update"]);
        succeeded(await stack.destroy());
        assert.deepEqual(cloud.list(), []);
    });
});

function canListen(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, host, () => server.close(() => resolve(true)));
    });
}

/** What a server says first; nothing if it closes the connection. */
function firstWords(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host, port, timeout: 10_000 });
        socket.once("data", (data) => {
            resolve(data.toString());
            socket.destroy();
        });
        socket.once("close", () => resolve(""));
        socket.once("timeout", () => socket.destroy());
        socket.once("error", reject);
    });
}
