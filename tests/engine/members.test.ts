import * as assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { workerJoinFiles } from "../../components/cluster/joinConfig";
import { nodeEnvironment, nodeName } from "../../components/node/nodeEnvironment";
import { ApiServer } from "../support/apiServer";
import { discoveryFile, kubeadmFurniture, makeKeys } from "../support/kubeadmFurniture";
import { findProgram, needProgram } from "../support/programs";
import { specOf } from "../support/specs";

const host = path.resolve(__dirname, "../../components/node/host");
const first = "lab-control-plane-0";
const worker = "lab-worker-0";

/**
 * The node's scripts with real kubectl, real openssl and a real control plane that has no kubelets: an API server that
 * authorizes nodes, and the controllers that sign, approve and clean up.
 */
describe("admission of nodes on a real kube-apiserver", function () {
    this.timeout(240_000);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-members-"));
    const authority = path.join(folder, "control-plane/etc/kubernetes/pki");
    let api: ApiServer;

    before(async () => {
        const signing = [
            "certificatesigningrequest-signing-controller",
            "certificatesigningrequest-approving-controller",
        ];
        const usual = ["garbage-collector-controller", "namespace-controller", "serviceaccount-controller"];
        makeKeys(authority);
        api = await ApiServer.start({
            controllers: [...usual, ...signing],
            flags: ["--enable-admission-plugins=NodeRestriction"],
            authority: { certificate: `${authority}/ca.crt`, key: `${authority}/ca.key` },
        });
        fs.writeFileSync(path.join(authority, "../admin.conf"), api.kubeconfig);
        await node(first, { "node-role.kubernetes.io/control-plane": "" });
        await kubeadmFurniture(folder, path.join(authority, "../admin.conf"), first);
    });

    after(async () => {
        await api?.close();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    /** Runs a script of the bundle as a node does. */
    async function script(on: string, input: string, ...args: string[]): Promise<string> {
        const root = path.join(folder, on === first ? "control-plane" : on);
        const bundle = path.join(folder, `bundle-${on}`);
        if (!fs.existsSync(bundle)) {
            fs.cpSync(host, bundle, { recursive: true });
            fs.writeFileSync(path.join(bundle, "node.env"), nodeEnvironment(specOf()));
            fs.writeFileSync(path.join(bundle, "name.env"), nodeName(on));
            fs.mkdirSync(path.join(root, "var/lib/kata-cluster"), { recursive: true });
        }
        const [name, ...rest] = args as [string, ...string[]];
        const env = {
            ...process.env,
            ROOT: root,
            PATH: `${path.dirname(needProgram("kubectl"))}:${process.env.PATH}`,
            ...{ DRAIN_SECONDS: "2", DEAD_SECONDS: "2", RETRY_DELAY: "1", SIGN_SECONDS: "60", API_SECONDS: "30" },
        };
        const running = promisify(execFile)("bash", [path.join(bundle, `${name}.sh`), ...rest], { env });
        running.child.stdin!.end(input);
        return (await running).stdout.trim().split("\n").at(-1)!;
    }

    const requestOf = async (on: string) => (JSON.parse(await script(on, "", "key", "apply")) as Key).request;
    const order = (request: string, more: object = {}) =>
        JSON.stringify({ request, role: "worker", labels: {}, taints: [], ...more });
    const admit = async (request: string, more: object = {}, name = worker) =>
        JSON.parse(await script(first, order(request, more), "admit", "apply", name)) as Admitted;

    const workerKey = path.join(folder, worker, "var/lib/kata-cluster/join/key.pem");
    const discoveryOf = (admitted: Admitted) => discoveryFile(folder, api.kubeconfig, workerKey, admitted);

    it("gives the node's identity to the node's key, the same one at every run", async () => {
        const request = await requestOf(worker);
        assert.equal(await requestOf(worker), request);
        const admitted = await admit(request);
        const subject = openssl(admitted.certificate, "x509", "-noout", "-subject", "-nameopt", "RFC2253");
        assert.equal(subject.trim(), `subject=CN=system:node:${worker},O=system:nodes`);
        assert.equal(admitted.ca.trim(), fs.readFileSync(`${authority}/ca.crt`, "utf8").trim());
        assert.equal(admitted.endpoint, api.url);
        assert.equal(admitted.sealed, undefined);
        assert.deepEqual(await admit(request), admitted);
        assert.equal(fs.statSync(workerKey).mode & 0o777, 0o600);
        assert.equal(fs.statSync(path.dirname(workerKey)).mode & 0o777, 0o700);
    });

    it("admits nobody under another node's name, or as somebody else", async () => {
        const request = await requestOf(worker);
        await assert.rejects(admit(request, {}, "lab-worker-9"), /the request is not one of node lab-worker-9/);
        for (const subject of [
            "/O=system:masters/CN=root",
            `/O=system:masters/O=system:nodes/CN=system:node:${worker}`,
        ]) {
            const forged = execFileSync(
                "openssl",
                [
                    "req",
                    "-new",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-subj",
                    subject,
                    "-keyout",
                    "/dev/null",
                ],
                { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
            );
            await assert.rejects(admit(forged), /the request is not one of node lab-worker-0/);
        }
        await assert.rejects(admit("no request"), /the request is not one of node/);
        await assert.rejects(admit(request, {}, first), /this is lab-control-plane-0 itself/);
    });

    it("taints the control plane, which has given its pods to nobody before", async () => {
        assert.deepEqual(await roleTaints(), [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]);
    });

    it("gives a certificate with which the real kubeadm reads all that it needs, and takes the static pods away", async function () {
        const kubeadm = findProgram("kubeadm");
        if (!kubeadm) {
            this.skip();
        }
        const admitted = await admit(await requestOf(worker));
        const files = workerJoinFiles(specOf(), { name: worker, labels: {}, taints: [] });
        const discovery = path.join(folder, "discovery.conf");
        fs.writeFileSync(discovery, discoveryOf(admitted));
        const patches = path.join(folder, "patches");
        fs.mkdirSync(patches);
        for (const [file, text] of Object.entries(files)) {
            const target = file.endsWith("kubeadm-join.yaml") ? folder : patches;
            const adapted = text
                .replace("/var/lib/kata-cluster/join/discovery.conf", discovery)
                .replace("/etc/kata-cluster/kubeadm-patches", patches);
            fs.writeFileSync(path.join(target, path.basename(file)), adapted);
        }
        const written = path.join(folder, "dry-run");
        fs.mkdirSync(written);
        const { status, stdout, stderr } = spawnSync(
            kubeadm,
            [
                "join",
                "--config",
                path.join(folder, "kubeadm-join.yaml"),
                "--dry-run",
                "--skip-phases",
                "preflight",
                "-v5",
            ],
            { encoding: "utf8", env: { ...process.env, KUBEADM_JOIN_DRYRUN_DIR: written } },
        );
        assert.equal(status, 0, stdout + stderr);
        const config = fs
            .readdirSync(folder, { recursive: true, encoding: "utf8" })
            .filter((file) => file.includes("dry-run") && file.endsWith("/config.yaml"));
        assert.equal(config.length, 1, stdout + stderr);
        const kubelet = parse(fs.readFileSync(path.join(folder, config[0]!), "utf8")) as Record<string, unknown>;
        assert.equal(kubelet.staticPodPath, undefined);
        assert.equal(kubelet.cgroupDriver, "systemd");
    });

    it("lets kubelet get a certificate of its own with it, register its Node, and see no other one", async () => {
        const admitted = await admit(await requestOf(worker));
        const as = path.join(folder, "as-node.conf");
        fs.writeFileSync(as, discoveryOf(admitted));
        const kubectl = (args: string[], input?: string) =>
            spawnSync(needProgram("kubectl"), ["--kubeconfig", as, ...args], { encoding: "utf8", input });
        const csr = {
            apiVersion: "certificates.k8s.io/v1",
            kind: "CertificateSigningRequest",
            metadata: { name: "kubelets-own" },
            spec: {
                request: Buffer.from(await requestOf(worker)).toString("base64"),
                signerName: "kubernetes.io/kube-apiserver-client-kubelet",
                usages: ["digital signature", "client auth"],
            },
        };
        assert.equal(kubectl(["create", "-f", "-"], JSON.stringify(csr)).status, 0);
        await until(async () =>
            Boolean((await api.get<{ status: { certificate?: string } }>("csr", "kubelets-own"))?.status.certificate),
        );
        const own = {
            apiVersion: "v1",
            kind: "Node",
            metadata: { name: worker, labels: { "katacontainers.io/kata-runtime": "true" } },
        };
        const made = kubectl(["create", "-f", "-"], JSON.stringify(own));
        assert.equal(made.status, 0, made.stderr);
        assert.notEqual(kubectl(["get", "node", first]).status, 0);
        assert.notEqual(kubectl(["delete", "node", first]).status, 0);
    });

    it("sets labels and taints on a Node that is there, and removes those that it set itself", async () => {
        const request = await requestOf(worker);
        await api.kubectl("label", "node", worker, "somebody=else");
        const taint = { key: "example.com/dedicated", value: "kata", effect: "NoSchedule" };
        await admit(request, { labels: { "example.com/disk": "ssd", zone: "a" }, taints: [taint] });
        let { metadata, spec } = (await api.get<Node>("node", worker))!;
        assert.deepEqual([metadata.labels["example.com/disk"], metadata.labels.zone], ["ssd", "a"]);
        assert.deepEqual(
            spec.taints?.filter(({ key }) => key === taint.key),
            [taint],
        );
        await admit(request, { labels: { zone: "b" } });
        ({ metadata, spec } = (await api.get<Node>("node", worker))!);
        assert.deepEqual(
            [metadata.labels["example.com/disk"], metadata.labels.zone, metadata.labels.somebody],
            [undefined, "b", "else"],
        );
        assert.deepEqual(spec.taints?.filter(({ key }) => key === taint.key) ?? [], []);
    });

    it("takes the old machine's Node away when another machine has its name, and makes the pod again that nobody else would", async () => {
        await pod("guide", worker);
        const old = (await api.get<Pod>("pod", "guide"))!;
        fs.rmSync(path.join(folder, worker), { recursive: true });
        fs.mkdirSync(path.join(folder, worker, "var/lib/kata-cluster"), { recursive: true });
        await admit(await requestOf(worker));
        assert.equal(await api.get("node", worker), undefined);
        const moved = (await api.get<Pod>("pod", "guide"))!;
        assert.notEqual(moved.metadata.uid, old.metadata.uid);
        assert.equal(moved.spec.nodeName, undefined);
        assert.deepEqual(moved.metadata.labels, old.metadata.labels);
        assert.deepEqual(moved.spec.containers, old.spec.containers);
    });

    it("refuses a Node of that name that it has not admitted, and touches it at no time", async () => {
        await node("lab-worker-8", {});
        const request = await requestOf("lab-worker-8");
        await assert.rejects(
            admit(request, {}, "lab-worker-8"),
            /a Node lab-worker-8 is there that KataCluster did not admit/,
        );
        await script(first, "{}", "admit", "reset", "lab-worker-8");
        assert.ok(await api.get("node", "lab-worker-8"));
        await api.kubectl("delete", "node", "lab-worker-8");
    });

    it("respects a disruption budget, then goes on, for the machine goes", async () => {
        await node(worker, {});
        await pod("guarded", worker, { app: "guarded" });
        const budget = {
            apiVersion: "policy/v1",
            kind: "PodDisruptionBudget",
            metadata: { name: "guarded", namespace: "default" },
            spec: { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } },
        };
        await api.request({
            method: "POST",
            path: "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            body: budget,
        });
        await script(first, "{}", "admit", "reset", worker);
        assert.equal(await api.get("node", worker), undefined);
        assert.equal((await api.get<Pod>("pod", "guarded"))?.spec.nodeName, undefined);
    });

    it("leaves nothing of a node that was taken out, gives the pods back to the control plane, and does nothing the next time", async () => {
        assert.doesNotMatch(await api.kubectl("get", "csr", "-o", "name"), /kata-cluster\.|kubelets-own/);
        assert.deepEqual(await roleTaints(), []);
        assert.match(await script(first, "{}", "admit", "reset", worker), /"removed":true/);
    });

    it("finds the pod, and drains a node that leaves before it looks", async () => {
        await admit(await requestOf(worker));
        await node(worker, {});
        await pod("there", worker);
        await api.podReady("there");
        const uid = async () => (await api.get<Pod>("pod", "there"))!.metadata.uid;
        const known = await uid();
        assert.deepEqual(JSON.parse(await script(first, "", "locate", "find", "default", "there", known)), {
            node: worker,
            uid: known,
        });
        const looking = script(first, "", "locate", "find", "default", "there", known, worker);
        await until(
            async () =>
                (await api.get<Pod>("pod", "there"))?.spec.nodeName === undefined &&
                Boolean(await api.get("pod", "there")),
        );
        await bind("there", first);
        await api.podReady("there");
        assert.deepEqual(JSON.parse(await looking), { node: first, uid: await uid() });
        assert.notEqual(await uid(), known);
        await script(first, "{}", "admit", "reset", worker);
    });

    it("seals the cluster's keys to a further control plane, and only that one opens them", async () => {
        const name = "lab-control-plane-1";
        const request = await requestOf(name);
        const admitted = await admit(request, { role: "control-plane" }, name);
        assert.doesNotMatch(JSON.stringify(admitted), /PRIVATE KEY/);
        const sealed = path.join(folder, "sealed");
        fs.writeFileSync(sealed, Buffer.from(admitted.sealed!, "base64"));
        const certificate = path.join(folder, "cp.crt");
        fs.writeFileSync(certificate, admitted.certificate);
        const open = (who: string) =>
            spawnSync("openssl", [
                ...["cms", "-decrypt", "-binary", "-inform", "DER", "-in", sealed, "-recip", certificate],
                ...["-inkey", path.join(folder, who, "var/lib/kata-cluster/join/key.pem")],
            ]);
        const listed = execFileSync("tar", ["-t"], { input: open(name).stdout, encoding: "utf8" });
        assert.deepEqual(listed.trim().split("\n"), [
            ...["ca.crt", "ca.key", "sa.pub", "sa.key", "front-proxy-ca.crt", "front-proxy-ca.key"],
            ...["etcd/ca.crt", "etcd/ca.key"],
        ]);
        assert.notEqual(open("lab-worker-8").status, 0);
    });

    /** The control plane's taints, but for what a Node without kubelet has. */
    async function roleTaints() {
        const { spec } = (await api.get<Node>("node", first))!;
        return (spec.taints ?? []).filter(({ key }) => key.startsWith("node-role."));
    }

    async function node(name: string, labels: object) {
        const body = { apiVersion: "v1", kind: "Node", metadata: { name, labels } };
        const { code } = await api.request({ method: "POST", path: "/api/v1/nodes", body });
        assert.equal(code, 201);
    }

    async function pod(name: string, nodeName: string, labels = { app: name }) {
        const body = {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name, namespace: "default", labels },
            spec: { nodeName, containers: [{ name: "app", image: "nginx" }], terminationGracePeriodSeconds: 0 },
        };
        await until(
            async () =>
                (await api.request({ method: "POST", path: "/api/v1/namespaces/default/pods", body })).code === 201,
        );
    }

    async function bind(name: string, nodeName: string) {
        const target = { apiVersion: "v1", kind: "Node", name: nodeName };
        const body = { apiVersion: "v1", kind: "Binding", metadata: { name }, target };
        await api.request({ method: "POST", path: `/api/v1/namespaces/default/pods/${name}/binding`, body });
    }
});

interface Key {
    request: string;
}

interface Admitted {
    certificate: string;
    ca: string;
    endpoint: string;
    sealed?: string;
}

interface Node {
    metadata: { labels: Record<string, string> };
    spec: { taints?: { key: string; value?: string; effect: string }[] };
}

interface Pod {
    metadata: { uid: string; labels: Record<string, string> };
    spec: { nodeName?: string; containers: object[] };
}

function openssl(input: string, ...args: string[]): string {
    return execFileSync("openssl", args, { input, encoding: "utf8" });
}

async function until(holds: () => Promise<boolean>) {
    for (const end = Date.now() + 120_000; !(await holds()); await new Promise((done) => setTimeout(done, 250))) {
        assert.ok(Date.now() < end, "not there after two minutes");
    }
}
