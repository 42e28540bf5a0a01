import assert from "node:assert/strict";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ApiServer } from "../../support/apiServer";
import { announce, changes, exporting, Run, said, TestStack } from "./stack";

describe(`kubernetes plugin: ${announce("kubernetes")}`, function () {
    this.timeout(300_000);
    let api: ApiServer;
    let stack: TestStack;

    before(async () => {
        console.log(`    under test: ${announce("kubernetes")}`);
        api = await ApiServer.start();
    });
    after(async () => api?.close());
    beforeEach(async () => (stack = await TestStack.create("kubernetes")));
    afterEach(() => stack.remove());

    const provider = (args: k8s.ProviderArgs = {}) =>
        new k8s.Provider("provider", { kubeconfig: pulumi.secret(api.kubeconfig), clusterIdentifier: "test", ...args });
    const pod = (name: string | undefined, image: string, more: object = {}): k8s.core.v1.PodArgs => ({
        metadata: { name, ...more },
        spec: { containers: [{ name: "main", image }] },
    });
    const succeeded = (run: Run) => assert.ok(!run.error, said(run) || run.error?.message);

    it("creates, keeps, updates in place, refreshes and deletes typed resources", async () => {
        const program = (value: string) =>
            exporting(() => {
                const options = { provider: provider({ enableConfigMapMutable: true }) };
                const namespace = new k8s.core.v1.Namespace("space", { metadata: { name: "apps" } }, options);
                const inside = { namespace: namespace.metadata.name };
                const config = new k8s.core.v1.ConfigMap("config", { metadata: inside, data: { key: value } }, options);
                new k8s.core.v1.ServiceAccount("account", { metadata: { ...inside, name: "worker" } }, options);
                const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
                new k8s.rbac.v1.ClusterRole("role", { metadata: { name: "reader" }, rules }, options);
                new k8s.node.v1.RuntimeClass(
                    "runtime",
                    {
                        metadata: { name: "kata" },
                        handler: "kata",
                        overhead: { podFixed: { memory: "1024Mi", cpu: "1000m" } },
                    },
                    options,
                );
                return { name: config.metadata.name, uid: config.metadata.uid };
            });
        const first = await stack.up(program("one"));
        succeeded(first);
        assert.match(String(first.outputs.name), /^config-[0-9a-f]{8}$/);
        assert.match(String(first.outputs.uid), /^[0-9a-f-]{36}$/);
        const config = (await stack.resource("config"))!;
        assert.equal(config.id, `apps/${String(first.outputs.name)}`);
        assert.equal((await stack.resource("role"))!.id, "reader");

        const again = await stack.up(program("one"));
        succeeded(again);
        assert.deepEqual(changes(again), []);

        const changed = await stack.up(program("two"));
        succeeded(changed);
        assert.deepEqual(changes(changed), ["config update"]);
        assert.deepEqual(Object.keys(changed.steps.find(({ name }) => name === "config")!.detailedDiff), ["data.key"]);
        const live = await api.get<{ data: object }>("configmap", String(first.outputs.name), "apps");
        assert.deepEqual(live!.data, { key: "two" });

        await api.kubectl("delete", "serviceaccount", "worker", "-n", "apps");
        succeeded(await stack.refresh());
        assert.equal(await stack.resource("account"), undefined);

        succeeded(await stack.destroy());
        assert.equal(await api.get("namespace", "apps"), undefined);
        assert.equal(await api.get("runtimeclass", "kata"), undefined);
    });

    it("waits until a pod is ready and shows why it is not yet", async () => {
        const program = exporting(() => {
            const app = new k8s.core.v1.Pod("app", pod("app", "nginx:1"), { provider: provider() });
            return { phase: app.status.phase };
        });
        const up = stack.up(program);
        const waiting = { waiting: { reason: "ImagePullBackOff", message: "no such image" } };
        await api.podStatus("app", {
            phase: "Pending",
            conditions: [
                { type: "PodScheduled", status: "True" },
                { type: "Initialized", status: "True" },
                { type: "Ready", status: "False", reason: "ContainersNotReady", message: "unready containers" },
            ],
            containerStatuses: [
                { name: "main", ready: false, restartCount: 0, image: "nginx:1", imageID: "", state: waiting },
            ],
        });
        await api.podEvent("app", "FailedCreatePodSandBox", "no runtime for kata is configured");
        await new Promise((resolve) => setTimeout(resolve, 4000));
        await api.podReady("app");
        const run = await up;
        succeeded(run);
        assert.equal(run.outputs.phase, "Running");
        assert.match(said(run), /Waiting for Pod "app" to be ready/);
        assert.match(said(run, "warning"), /FailedCreatePodSandBox: no runtime for kata is configured/);
        succeeded(await stack.destroy());
    });

    it("keeps a pod that does not become ready in time, says why, and repairs it in the next run", async () => {
        const program = exporting(() => {
            const customTimeouts = { create: "6s", update: "60s" };
            new k8s.core.v1.Pod("late", pod("late", "nginx:1"), { provider: provider(), customTimeouts });
        });
        const first = stack.up(program);
        await api.podStatus("late", {
            phase: "Pending",
            conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/0 nodes" }],
        });
        const failed = await first;
        assert.match(said(failed, "error"), /'late' timed out waiting to be Ready/);
        const { initErrors = [] } = (await stack.resource("late"))!;
        assert.match(initErrors.join("\n"), /failed to fully initialize or become live/);

        const second = stack.up(program);
        await api.podReady("late");
        const repaired = await second;
        succeeded(repaired);
        assert.deepEqual(changes(repaired), ["late update"]);
        succeeded(await stack.destroy());
    });

    it("replaces what cannot change in place, and first deletes what has a fixed name", async () => {
        const metadata = (fixed: boolean) => ({
            name: fixed ? "fixed" : undefined,
            annotations: { "pulumi.com/skipAwait": "true" },
        });
        const program = (image: string, handler: string) =>
            exporting(() => {
                const options = { provider: provider() };
                const spec = { containers: [{ name: "main", image }] };
                const automatic = new k8s.core.v1.Pod("automatic", { metadata: metadata(false), spec }, options);
                new k8s.core.v1.Pod("fixed", { metadata: metadata(true), spec }, options);
                new k8s.core.v1.ConfigMap("config", { metadata: { name: "replaced" }, data: { image } }, options);
                new k8s.node.v1.RuntimeClass("runtime", { metadata: { name: "runtime" }, handler }, options);
                return { automatic: automatic.metadata.name };
            });
        const first = await stack.up(program("nginx:1", "kata"));
        succeeded(first);
        const second = await stack.up(program("nginx:2", "kata"));
        succeeded(second);
        assert.notEqual(second.outputs.automatic, first.outputs.automatic);
        assert.deepEqual(changes(second).sort(), [
            "automatic create-replacement",
            "automatic delete-replaced",
            "automatic replace",
            "config create-replacement",
            "config delete-replaced",
            "config replace",
            "fixed create-replacement",
            "fixed delete-replaced",
            "fixed replace",
        ]);
        const order = (name: string) => second.steps.filter((step) => step.name === name).map(({ op }) => op);
        assert.deepEqual(order("automatic"), ["create-replacement", "replace", "delete-replaced"]);
        assert.deepEqual(order("fixed"), ["delete-replaced", "replace", "create-replacement"]);
        const replaced = second.steps.find(({ name, op }) => name === "fixed" && op === "replace")!;
        const kind = replaced.detailedDiff["spec.containers[0].image"];
        assert.match(String(kind?.diffKind), /update.replace/i);

        // A runtime class is updated in place, which the server refuses.
        const third = await stack.up(program("nginx:2", "other"));
        assert.match(said(third, "error"), /field is immutable/);
        succeeded(await stack.destroy());
    });

    it("previews without a cluster, and with a kubeconfig that is not known yet", async () => {
        const unreachable = api.kubeconfig.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:9");
        for (const kubeconfig of [unreachable, pulumi.unknown]) {
            const run = await stack.preview(
                exporting(() => {
                    const settings = provider({ kubeconfig: kubeconfig as string });
                    new k8s.core.v1.Pod("app", pod("app", "nginx:1"), { provider: settings });
                }),
            );
            succeeded(run);
            assert.deepEqual(changes(run), ["app create"]);
        }
    });

    it("replaces nothing while clusterIdentifier is the same, and everything when it changes", async () => {
        const other = api.kubeconfig.replace(/name: test/g, "name: other").replace(/: test$/gm, ": other");
        const moved = api.kubeconfig.replace("127.0.0.1", "localhost");
        const program = (kubeconfig: string, clusterIdentifier?: string) =>
            exporting(() => {
                const settings = provider({ kubeconfig, clusterIdentifier });
                new k8s.core.v1.ConfigMap("config", { metadata: { name: "known" } }, { provider: settings });
            });
        succeeded(await stack.up(program(api.kubeconfig, "one")));
        assert.deepEqual(changes(await stack.preview(program(moved, "one"))), []);
        assert.deepEqual(changes(await stack.preview(program(other, "one"))), []);
        const replaced = ["config create-replacement", "config delete-replaced", "config replace"];
        assert.deepEqual(changes(await stack.preview(program(api.kubeconfig, "two"))).sort(), replaced);
        succeeded(await stack.up(program(api.kubeconfig)));
        assert.deepEqual(changes(await stack.preview(program(other))), []);
        assert.deepEqual(changes(await stack.preview(program(moved))).sort(), replaced);
        succeeded(await stack.destroy());
    });

    it("hides the data of a Secret", async () => {
        const program = exporting(() => {
            const metadata = { name: "credentials" };
            const secret = new k8s.core.v1.Secret(
                "credentials",
                { metadata, stringData: { password: "canary-value" } },
                { provider: provider() },
            );
            return { data: secret.data };
        });
        succeeded(await stack.up(program));
        const live = await api.get<{ data: Record<string, string> }>("secret", "credentials");
        assert.equal(Buffer.from(live!.data.password!, "base64").toString(), "canary-value");
        const state = stack.stored();
        assert.match(state, /"default\/credentials"/);
        const encoded = Buffer.from("canary-value").toString("base64");
        assert.ok(!state.includes("canary-value") && !state.includes(encoded));
        const again = await stack.up(program);
        assert.deepEqual(changes(again), []);
        assert.ok(!again.stdout.includes(encoded));
        succeeded(await stack.destroy());
    });

    it("does not take over an object that exists already", async () => {
        await api.kubectl("create", "configmap", "taken");
        const program = exporting(() => {
            new k8s.core.v1.ConfigMap("config", { metadata: { name: "taken" } }, { provider: provider() });
        });
        const run = await stack.up(program);
        assert.match(said(run, "error"), /already exists/);
        assert.equal(await stack.resource("config"), undefined);
        await api.kubectl("delete", "configmap", "taken");
    });

    it("takes a cluster for unreachable whose schema takes longer than a request may", async () => {
        const asked: string[] = [];
        const slow = http.createServer(({ url = "" }, response) => {
            asked.push(url.replace(/\?.*/, ""));
            if (url.startsWith("/openapi/v2")) {
                setTimeout(() => response.writeHead(404).end(), 2500);
            } else if (url.startsWith("/version")) {
                response.setHeader("content-type", "application/json");
                response.end(JSON.stringify({ major: "1", minor: "36", gitVersion: "v1.36.4" }));
            } else {
                response.writeHead(404).end();
            }
        });
        await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
        const server = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
        const kubeconfig = JSON.stringify({
            ...{ apiVersion: "v1", kind: "Config", "current-context": "slow" },
            clusters: [{ name: "slow", cluster: { server, "insecure-skip-tls-verify": true } }],
            users: [{ name: "slow", user: {} }],
            contexts: [{ name: "slow", context: { cluster: "slow", user: "slow" } }],
        });
        const failure = async (timeout: number) => {
            const program = exporting(() => {
                const settings = provider({ kubeconfig, kubeClientSettings: { timeout } });
                new k8s.core.v1.ConfigMap("config", { metadata: { name: "late" } }, { provider: settings });
            });
            return said(await stack.up(program), "error");
        };
        try {
            const cut = /unable to load schema information from the API server: .*(deadline exceeded|timeout)/;
            assert.match(await failure(1), cut);
            const refused = await failure(30);
            assert.doesNotMatch(refused, cut);
            assert.notEqual(refused, "");
            assert.ok(asked.includes("/openapi/v2"));
        } finally {
            slow.closeAllConnections();
            slow.close();
        }
    });

    it("refuses to forget objects of an unreachable cluster, unless told to", async () => {
        const own = await ApiServer.start();
        try {
            const program = exporting(() => {
                const settings = provider({ kubeconfig: own.kubeconfig });
                new k8s.core.v1.ConfigMap("config", { metadata: { name: "lost" } }, { provider: settings });
            });
            succeeded(await stack.up(program));
            await own.stopApi();
            const refused = await stack.destroy();
            assert.match(said(refused, "error"), /configured Kubernetes cluster is unreachable/);
            assert.ok(await stack.resource("config"));
            const told = await TestStack.create("kubernetes", { PULUMI_K8S_DELETE_UNREACHABLE: "true" }, stack);
            succeeded(await told.destroy());
            assert.equal(await told.resource("config"), undefined);
            told.remove();
        } finally {
            await own.close();
        }
    });
});
