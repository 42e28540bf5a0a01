import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { localMachineName } from "../../components/machine/localMachine";
import { containerRuntimes, runtimeNames } from "../../components/node/containerRuntime";
import { parseOptions } from "../../stacks/local/options";
import { StateFolder } from "../../stacks/local/stateFolder";
import { stackName } from "../../stacks/local/workspace";
import { findRealReleases } from "../lab/realReleases";
import { corpus, documentsIn } from "../policy/support/corpus";
import { minutesLeft } from "../support/timeLeft";
import { eventually, minutes } from "../support/eventually";
import { kubectlFor, Kubectl } from "./support/kubectl";
import { nodeShell, NodeShell } from "./support/nodeShell";
import { npm } from "./support/npm";
import { savedStack } from "./support/savedStack";

/** KATA_CLUSTER_E2E_FLAGS gives npm start further flags: `--releases FOLDER` for real releases, `--container-runtime crio`. */
const flags = (process.env.KATA_CLUSTER_E2E_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
const { containerRuntime = "containerd", releases } = parseOptions(flags);
/** For the tests that change the runtime. */
const other = containerRuntime === "crio" ? "containerd" : "crio";

describe(`npm start to npm stop, ${containerRuntime}`, function () {
    this.timeout(40 * minutes);
    this.bail(true);

    const state = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-e2e-"));
    let output: string;
    /** How long npm start took, in minutes: a measure of the machine, which may be slow or busy. */
    let started: number;
    let kubectl: Kubectl;
    let node: NodeShell;
    const activeRuntimes = () =>
        runtimeNames.filter((service) => node.attempt(`systemctl is-active --quiet ${service}`).status === 0);

    before(async () => {
        const begun = Date.now();
        output = await npm(state, "start", ...flags);
        started = (Date.now() - begun) / minutes;
        kubectl = kubectlFor(path.join(state, "kubeconfig"));
        node = await nodeShell(state);
    });

    after(async function () {
        this.timeout(15 * minutes);
        if (fs.existsSync(state)) {
            await npm(state, "stop");
        }
    });

    it("ends with a summary that a person can read", () => {
        const summary = output.slice(output.indexOf("ISOLATED"));
        for (const row of [
            "node",
            "kernel in the pod",
            "kernel of the node",
            "Kata Containers",
            "kubeconfig",
            "Try next",
        ]) {
            assert.ok(summary.includes(row), `no "${row}" in:\n${summary}`);
        }
    });

    it("runs the guide's pod", () => {
        const pod = kubectl.json("get", "pod", "nginx-untrusted") as Pod;
        assert.equal(pod.status.phase, "Running");
        assert.equal(pod.metadata.annotations["io.kubernetes.cri.untrusted-workload"], "true");
        assert.equal(pod.spec.runtimeClassName, "kata");
        assert.deepEqual(pod.spec.overhead, { cpu: "250m", memory: "320Mi" });
    });

    it("answers HTTP through the API server", () => {
        const page = kubectl.text("get", "--raw", "/api/v1/namespaces/default/pods/nginx-untrusted:80/proxy/");
        assert.match(page, /Welcome to nginx/);
    });

    it("has a kernel of its own", () => {
        const inside = podBootId(kubectl);
        assert.match(inside, /^[0-9a-f-]{36}$/);
        assert.notEqual(inside, node.run("cat /proc/sys/kernel/random/boot_id").trim());
    });

    it("runs on the container runtime that was asked for, and on no other", () => {
        const { items } = kubectl.json("get", "nodes") as {
            items: { status: { nodeInfo: { containerRuntimeVersion: string } } }[];
        };
        const scheme = { containerd: "containerd://", crio: "cri-o://" }[containerRuntime];
        assert.ok(items[0]?.status.nodeInfo.containerRuntimeVersion.startsWith(scheme));
        assert.deepEqual(activeRuntimes(), [containerRuntime]);
    });

    it("has a RuntimeClass with overhead, and a node that pods may be scheduled to", () => {
        const { handler, overhead } = kubectl.json("get", "runtimeclass", "kata") as {
            handler: string;
            overhead: object;
        };
        assert.equal(handler, containerRuntimes[containerRuntime].kataHandler);
        assert.deepEqual(overhead, { podFixed: { cpu: "250m", memory: "320Mi" } });
        const [only] = (kubectl.json("get", "nodes") as { items: { spec: { taints?: object[] } }[] }).items;
        assert.deepEqual(only?.spec.taints ?? [], []);
    });

    it("fails the proof for a pod on runc", () => {
        kubectl.apply(runcPod);
        kubectl.text("wait", "--for=condition=Ready", "pod/on-runc", "--timeout=10m");
        const { metadata } = kubectl.json("get", "pod", "on-runc") as Pod;
        const proof = node.attempt(`sudo bash .kata-cluster/bundle.sh isolation prove default on-runc ${metadata.uid}`);
        kubectl.text("delete", "pod", "on-runc", "--wait=false", "--grace-period=0", "--force");
        assert.equal(proof.status, 1, proof.stdout);
        assert.match(proof.stderr, /not isolated/i);
    });

    it("refuses a handful of the corpus' manifests that want out", () => {
        for (const name of wayOut) {
            const one = corpus("refused").find((one) => one.name === name)!;
            for (const manifest of documentsIn("annotated", one)) {
                assert.throws(
                    () => kubectl.create(manifest),
                    (error: Error) => error.message.includes("denied request") && error.message.includes(one.says!),
                    name,
                );
            }
        }
    });

    it("admits a pod of the corpus, which passes the same proof", () => {
        const one = corpus("admitted").find(({ name }) => name === "class-kata")!;
        const [manifest] = documentsIn("trusted", one) as { spec: { containers: object[] } }[];
        // The mirror is gone by now; the node has the image.
        manifest!.spec.containers.forEach((container) => Object.assign(container, { imagePullPolicy: "IfNotPresent" }));
        kubectl.create(manifest!);
        kubectl.text("wait", "--for=condition=Ready", "pod/a", "--timeout=15m");
        const { metadata } = kubectl.json("get", "pod", "a") as Pod;
        const proof = JSON.parse(
            node.run(`sudo bash .kata-cluster/bundle.sh isolation prove default a ${metadata.uid}`),
        ) as { isolated: boolean; runtimeHandler: string };
        kubectl.text("delete", "pod", "a");
        assert.equal(proof.isolated, true);
        assert.equal(proof.runtimeHandler, containerRuntimes[containerRuntime].kataHandler);
    });

    it("leaves nothing to do for a second up", async () => {
        const stack = await savedStack(state);
        const { summary } = await stack.up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("keeps no secret in clear", () => {
        const stored = files(path.join(state, "backend")).map((file) => fs.readFileSync(file, "latin1"));
        const { users } = parse(fs.readFileSync(path.join(state, "kubeconfig"), "utf8")) as Kubeconfig;
        const secrets = [
            users[0]!.user["client-key-data"]!,
            ...node.privateKey.split("\n").filter((line) => line.length > 40),
        ];
        for (const secret of secrets.map((one) => one.trim()).filter((one) => !one.includes("PRIVATE KEY"))) {
            assert.ok(!stored.some((text) => text.includes(secret)), "a key lies in the state in clear");
            assert.ok(!output.includes(secret), "a key was printed");
        }
    });

    it("comes back by itself after a reboot of the machine", async function () {
        // It takes about as long as the start did.
        const bound = Math.max(20, 2 * started);
        this.timeout(2 * bound * minutes);
        if (minutesLeft() < bound) {
            console.log(`      CI has ${Math.floor(minutesLeft())} minutes left, and it may take ${Math.ceil(bound)}`);
            this.skip();
        }
        const before = node.run("cat /proc/sys/kernel/random/boot_id").trim();
        node.attempt("sudo systemctl reboot");
        await eventually(bound * minutes, "a new boot", () => {
            const now = node.attempt("cat /proc/sys/kernel/random/boot_id");
            return now.status === 0 && now.stdout.trim() !== before;
        });
        await eventually(bound * minutes, "the pod to be Ready on a kernel of its own", () => {
            kubectl.text("wait", "--for=condition=Ready", "pod/nginx-untrusted", "--timeout=30s");
            const inside = podBootId(kubectl);
            return inside !== before && inside !== node.run("cat /proc/sys/kernel/random/boot_id").trim();
        });
    });

    it("keeps the pod from the cloud's metadata server, since the boot too, and the node not", async function () {
        this.timeout(5 * minutes);
        const { hostIP } = (kubectl.json("get", "pod", "nginx-untrusted") as Pod).status;
        // kube-proxy's health, which it serves on every address of the node.
        const health = (address: string) => `http://${address}:10256/livez`;
        // An image has one or the other.
        const fetch = `wget -q -T 10 -O - "$0" || curl -s -f -m 10 "$0"`;
        const fromPod = (address: string) =>
            kubectl.text("exec", "nginx-untrusted", "--", "sh", "-c", fetch, health(address));
        const server = "169.254.169.254";
        node.run(`sudo ip address add ${server}/32 dev lo`);
        try {
            // After a boot the pod, which does not need kube-proxy, may be Ready before it.
            await eventually(
                4 * minutes,
                "kube-proxy",
                () => node.attempt(`curl -s -f -m 10 ${health(server)}`).status === 0,
            );
            fromPod(hostIP);
            assert.throws(() => fromPod(server));
        } finally {
            node.run(`sudo ip address delete ${server}/32 dev lo`);
        }
    });

    it("refuses to change the container runtime of a live node, and says what to do", async function () {
        needsCrio(this);
        await assert.rejects(
            npm(state, "start", ...flags, "--container-runtime", other),
            (error: Error) =>
                error.message.includes(`node lab-control-plane-0 runs ${containerRuntime}`) &&
                error.message.includes("set allowDisruption: { containerRuntime: true }"),
        );
        assert.equal(node.attempt(`systemctl is-active --quiet ${containerRuntime}`).status, 0);
    });

    it("changes it where that is allowed: the same pod runs on the other one, and is proved there", async function () {
        needsCrio(this);
        const before = (kubectl.json("get", "pod", "nginx-untrusted") as Pod).metadata.uid;
        const text = await npm(
            state,
            "start",
            ...flags,
            ...["--container-runtime", other, "--allow-disruption", "containerRuntime"],
        );
        assert.match(text, /ISOLATED: the pod runs on a kernel of its own/);
        assert.equal((kubectl.json("get", "pod", "nginx-untrusted") as Pod).metadata.uid, before);
        assert.deepEqual(activeRuntimes(), [other]);
        assert.equal(
            (kubectl.json("get", "runtimeclass", "kata") as { handler: string }).handler,
            containerRuntimes[other].kataHandler,
        );
        const { summary } = await (await savedStack(state)).up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("leaves no process, port or file after npm stop", async () => {
        const ports = Object.values(await new StateFolder(state).ports());
        const name = localMachineName("kata-cluster", stackName(new StateFolder(state)), "lab-control-plane-0");
        await npm(state, "stop");
        assert.equal(fs.existsSync(state), false, "the state folder is left");
        const home = process.env.XDG_STATE_HOME ?? path.join(os.homedir(), ".local/state");
        assert.equal(fs.existsSync(path.join(home, "kata-cluster", name)), false, "the machine's folder is left");
        assert.notEqual(spawnSync("pgrep", ["-f", `qemu-system.*${name}`]).status, 0, "QEMU is left");
        for (const port of ports) {
            assert.equal(await listens(port), false, `port ${port} is left open`);
        }
    });
});

interface Pod {
    metadata: { uid: string; annotations: Record<string, string> };
    spec: { runtimeClassName?: string; overhead?: object };
    status: { phase: string; hostIP: string };
}

interface Kubeconfig {
    users: { user: Record<string, string> }[];
}

/** Manifests of tests/policy/corpus/refused: what they try is said in each. */
const wayOut = [
    "host-pid",
    "host-network",
    "hostpath-kvm",
    "privileged-init",
    "capability-sys-admin",
    "node-name",
    "annotation-kata-config-path",
    "annotation-crio-devices",
    "deployment-sidecar",
];

const runcPod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "on-runc" },
    spec: { containers: [{ name: "nginx", image: "nginx", imagePullPolicy: "IfNotPresent" }] },
};

/** CRI-O can't be had from package registries. */
function needsCrio(test: Mocha.Context) {
    if (!findRealReleases(releases).crio) {
        console.log("      needs a folder with CRI-O's archive: KATA_CLUSTER_E2E_FLAGS='--releases FOLDER'");
        test.skip();
    }
}

function podBootId(kubectl: Kubectl): string {
    return kubectl.text("exec", "nginx-untrusted", "--", "cat", "/proc/sys/kernel/random/boot_id").trim();
}

function listens(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = net.connect(port, "127.0.0.1");
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
    });
}

function files(folder: string): string[] {
    return fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
}
