import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { minutes } from "../support/eventually";
import { kubectlFor, Kubectl } from "./support/kubectl";
import { nodeShell } from "./support/nodeShell";
import { npm } from "./support/npm";
import { savedStack } from "./support/savedStack";

const controlPlane = "lab-control-plane-0";
const worker = "lab-worker-0";
/** As in local.test.ts. */
const flags = (process.env.KATA_CLUSTER_E2E_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
const controlPlaneTaint = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };

describe("npm start with a worker", function () {
    this.timeout(60 * minutes);
    this.bail(true);

    const state = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-e2e-"));
    let output: string;
    let kubectl: Kubectl;

    before(async () => {
        output = await npm(state, "start", "--workers", "1", ...flags);
        kubectl = kubectlFor(path.join(state, "kubeconfig"));
    });

    after(async function () {
        this.timeout(15 * minutes);
        if (fs.existsSync(state)) {
            await npm(state, "stop");
        }
    });

    const nodes = () => (kubectl.json("get", "nodes") as { items: Node[] }).items;
    const nodeOf = (pod: string) => (kubectl.json("get", "pod", pod) as Pod).spec.nodeName;
    const addressOf = ({ status }: Node) => status.addresses.find(({ type }) => type === "InternalIP")?.address;

    it("has two Nodes that are Ready, on their own segment, and keeps pods off the control plane", () => {
        const [first, second] = nodes();
        assert.deepEqual([first!.metadata.name, second!.metadata.name], [controlPlane, worker]);
        for (const { status } of [first!, second!]) {
            assert.equal(status.conditions.find(({ type }) => type === "Ready")?.status, "True");
        }
        assert.deepEqual([first!, second!].map(addressOf), ["192.168.241.10", "192.168.241.11"]);
        assert.deepEqual(first!.spec.taints, [controlPlaneTaint]);
        assert.equal(second!.metadata.labels["katacontainers.io/kata-runtime"], "true");
    });

    it("runs the guide's pod on the worker, and has proved there that it is isolated", () => {
        assert.equal(nodeOf("nginx-untrusted"), worker);
        assert.match(output, /ISOLATED: the pod runs on a kernel of its own/);
        assert.match(output, new RegExp(`node +${worker} `));
    });

    it("reaches the pod from the control plane: by the API server, and by its own address", async () => {
        const page = kubectl.text("get", "--raw", "/api/v1/namespaces/default/pods/nginx-untrusted:80/proxy/");
        assert.match(page, /Welcome to nginx/);
        const { podIP } = (kubectl.json("get", "pod", "nginx-untrusted") as Pod).status;
        const shell = await nodeShell(state);
        assert.match(shell.run(`curl --silent --max-time 60 http://${podIP}/`), /Welcome to nginx/);
    });

    it("looks for no static pods on the worker, and keeps its key to root", async () => {
        const shell = await nodeShell(state, worker);
        assert.doesNotMatch(shell.run("sudo cat /var/lib/kubelet/config.yaml"), /staticPodPath/);
        assert.equal(shell.run("sudo stat -c %a /var/lib/kata-cluster/join/key.pem").trim(), "600");
        assert.equal(shell.attempt("sudo test -e /etc/kubernetes/bootstrap-kubelet.conf").status, 1);
    });

    it("leaves nothing to do for a second up", async () => {
        const { summary } = await (await savedStack(state)).up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("has no token by which a node could join", () => {
        const secrets = kubectl.json(
            ...["get", "secrets", "-n", "kube-system", "--field-selector", "type=bootstrap.kubernetes.io/token"],
        ) as { items: object[] };
        assert.deepEqual(secrets.items, []);
    });

    it("takes the worker out: the pod goes to the control plane and is proved there, the machine goes last", async () => {
        const text = await npm(state, "start", "--workers", "0", ...flags);
        assert.deepEqual(
            nodes().map(({ metadata }) => metadata.name),
            [controlPlane],
        );
        assert.deepEqual(nodes()[0]!.spec.taints ?? [], []);
        assert.equal(nodeOf("nginx-untrusted"), controlPlane);
        assert.match(text, new RegExp(`node +${controlPlane} `));
        assert.notEqual(spawnSync("pgrep", ["-f", `qemu-system.*-${worker} `]).status, 0, "its machine is left");
    });

    it("takes it in again, as the new machine that it is", async () => {
        await npm(state, "start", "--workers", "1", ...flags);
        assert.deepEqual(
            nodes().map(({ metadata }) => metadata.name),
            [controlPlane, worker],
        );
        kubectl.text("wait", "--for=condition=Ready", `node/${worker}`, "--timeout=1m");
        const { summary } = await (await savedStack(state)).up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("leaves no machine after npm stop", async () => {
        await npm(state, "stop");
        assert.equal(fs.existsSync(state), false, "the state folder is left");
    });
});

interface Node {
    metadata: { name: string; labels: Record<string, string> };
    spec: { taints?: object[] };
    status: { addresses: { type: string; address: string }[]; conditions: { type: string; status: string }[] };
}

interface Pod {
    spec: { nodeName: string };
    status: { podIP: string };
}
