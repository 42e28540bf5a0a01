import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { settling } from "../../components/cluster/admission/admissionPolicies";
import { mutatingApi } from "../../components/cluster/admission/runtimeClassPolicy";
import { classOf, dryRun, KubeObject, pathOf, podSpec, policyObjects, PolicyCluster } from "./support/cluster";

const untrusted = { defaultWorkloadTrust: "untrusted" } as const;
const annotations = { "io.kubernetes.cri.untrusted-workload": "true" };

function deployment(name: string, spec: object = {}): KubeObject {
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { ...podSpec, ...spec } };
    return {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace: "tenant" },
        spec: { selector: { matchLabels: labels }, template },
    };
}

describe("the policies in a cluster", function () {
    this.timeout(240_000);
    let cluster: PolicyCluster;

    before(async () => {
        const controllers = ["deployment-controller", "replicaset-controller", "clusterrole-aggregation-controller"];
        cluster = await PolicyCluster.start({
            controllers: [
                ...controllers,
                ...[
                    "validatingadmissionpolicy-status-controller",
                    "garbage-collector-controller",
                    "namespace-controller",
                ],
            ],
        });
        await cluster.installRuntimeClass("containerd");
    });
    after(() => cluster?.close());

    const patchAs = (as: string, object: KubeObject, body: object) =>
        cluster.send(as, {
            method: "PATCH",
            path: pathOf(object, object.metadata.name),
            contentType: "application/merge-patch+json",
            body,
        });

    it("let pods by for less time after they are made than a cluster waits for them", async () => {
        await cluster.make(deployment("before", { hostPID: true }));
        await cluster.make({
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: "before", finalizers: ["example.com/before"] },
            spec: { ...podSpec, hostPID: true },
        } as KubeObject);
        const milliseconds = await cluster.install(untrusted);
        console.log(`      in effect after ${milliseconds} ms`);
        const now = Date.now();
        assert.ok(milliseconds < settling([new Date(now).toISOString()], now), `${milliseconds} ms`);
    });

    it("have no expression that the API server's type checker finds fault with", async () => {
        const policies = policyObjects(untrusted).filter(({ kind }) => kind === "ValidatingAdmissionPolicy");
        assert.equal(policies.length, 3);
        for (const policy of policies) {
            let status: { typeChecking?: { expressionWarnings?: object[] } } = {};
            await cluster.until("the type check", async () => {
                const { body } = await cluster.api.request({ path: pathOf(policy, policy.metadata.name) });
                status = body.status as typeof status;
                return status.typeChecking !== undefined;
            });
            assert.deepEqual(status.typeChecking?.expressionWarnings ?? [], [], policy.metadata.name);
        }
    });

    it("can be neither changed nor removed nor shadowed by a tenant, nor by one who may make namespaces", async () => {
        for (const as of ["tenant", "careless"]) {
            for (const object of policyObjects(untrusted)) {
                const path = pathOf(object, object.metadata.name);
                const own = { ...object, metadata: { name: "my-own" } };
                const answers = [
                    await cluster.send(as, { method: "DELETE", path }),
                    await cluster.send(as, { method: "DELETE", path: pathOf(object) }),
                    await patchAs(as, object, { spec: { failurePolicy: "Ignore" } }),
                    await cluster.send(as, { method: "PUT", path, body: object }),
                    await cluster.send(as, dryRun(own)),
                ];
                assert.deepEqual(
                    answers.map(({ code }) => code),
                    [403, 403, 403, 403, 403],
                    `${as}: ${path}`,
                );
            }
        }
    });

    it("can't be worn out by a huge pod", async () => {
        const many = (count: number) => {
            const keys = Array.from({ length: count }, (_, i) => [`example.com/${"x".repeat(12)}${i}`, ""]);
            return { annotations: Object.fromEntries(keys) as Record<string, string> };
        };
        assert.equal((await cluster.tryPod(many(1000))).code, 201);
        for (const count of [1000, 8000]) {
            const { code, body } = await cluster.tryPod(many(count), { hostPID: true });
            assert.equal(code, 422, `${count} annotations: ${body.message}`);
        }
    });

    it("let what an administrator deletes in the foreground, as Pulumi does, come to its end", async () => {
        const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-flannel" } };
        const runtimeClass = {
            ...{ apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name: "ends" } },
            handler: "kata",
        };
        await cluster.make(runtimeClass);
        for (const object of [runtimeClass, namespace]) {
            const path = pathOf(object, object.metadata.name);
            const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground" };
            const { code } = await cluster.send("administrator", { method: "DELETE", path, body });
            assert.ok(code < 300);
            await cluster.until(`the end of ${object.kind}`, async () => {
                const { code } = await cluster.api.request({ path });
                return code === 404;
            });
        }
        await cluster.make(namespace);
    });

    it("send the pods that controllers make to Kata", async () => {
        await cluster.make(deployment("web"));
        let pods: { spec: { runtimeClassName?: string; overhead?: object } }[] = [];
        await cluster.until("the Deployment's pod", async () => {
            const { body } = await cluster.api.request({
                path: "/api/v1/namespaces/tenant/pods?labelSelector=app%3Dweb",
            });
            pods = body.items as typeof pods;
            return pods.length > 0;
        });
        assert.deepEqual(
            pods.map(({ spec }) => [spec.runtimeClassName, spec.overhead]),
            [["kata", { cpu: "250m", memory: "320Mi" }]],
        );
    });

    it("leave server-side apply without a conflict, and with nothing to do the second time", async () => {
        const applied = async (manager: string, spec: object) => {
            const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "applied" }, spec: { ...podSpec, ...spec } };
            const { code, body } = await cluster.send("tenant", {
                method: "PATCH",
                path: `${pathOf(pod, "applied")}?fieldManager=${manager}`,
                contentType: "application/apply-patch+yaml",
                body: pod,
            });
            assert.ok(code < 300, body.message);
            const { metadata, spec: live } = body as { metadata: { resourceVersion: string }; spec: object };
            assert.equal((live as { runtimeClassName?: string }).runtimeClassName, "kata");
            return metadata.resourceVersion;
        };
        const first = await applied("pulumi", {});
        assert.equal(await applied("pulumi", {}), first);
        await applied("other", { runtimeClassName: "kata" });
        await applied("pulumi", {});
    });

    it("let what was there before them end, but gain nothing", async () => {
        const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "before" } };
        const old = deployment("before");
        const gained = await patchAs("tenant", old, { spec: { template: { spec: { hostIPC: true } } } });
        assert.match(gained.body.message ?? "", /may not share its node's namespaces/);
        const codes = [
            await patchAs("tenant", old, { spec: { replicas: 0 } }),
            await cluster.send("tenant", { method: "DELETE", path: pathOf(pod, "before") }),
            await patchAs("tenant", pod, { metadata: { finalizers: null } }),
            await cluster.send("tenant", { method: "DELETE", path: pathOf(old, "before") }),
        ].map(({ code }) => code);
        assert.deepEqual(codes, [200, 200, 200, 200]);
    });

    it("are in effect from the first answer of an API server that starts again", async () => {
        await cluster.api.stopApi();
        let restarted = false;
        const tried = (async () => {
            const admitted: string[] = [];
            let refused = 0;
            while (!restarted || refused === 0) {
                const answers = await Promise.all([
                    cluster.tryPod({ annotations }).catch(() => undefined),
                    cluster.tryPod({}, { hostPID: true }).catch(() => undefined),
                ]);
                const [mutated, bad] = answers;
                if (mutated?.code === 201 && classOf(mutated) !== "kata") {
                    admitted.push("a pod without RuntimeClass");
                }
                if (bad?.code === 201) {
                    admitted.push("a pod with hostPID");
                }
                refused += bad?.code === 422 ? 1 : 0;
                await sleep(5);
            }
            return admitted;
        })();
        await cluster.api.startApi();
        restarted = true;
        assert.deepEqual(await tried, []);
    });

    it("refuse an untrusted pod rather than run it on runc, where the mutating one is gone", async () => {
        const binding = policyObjects(untrusted).find(({ kind }) => kind === "MutatingAdmissionPolicyBinding")!;
        await cluster.send("administrator", { method: "DELETE", path: pathOf(binding, binding.metadata.name) });
        await cluster.until("the end of the mutating policy", async () => {
            const answer = await cluster.tryPod({ annotations });
            assert.ok(classOf(answer) === "kata" || answer.code === 422, `${answer.code} ${classOf(answer)}`);
            return answer.code === 422;
        });
        const { body } = await cluster.tryPod({ annotations });
        assert.match(body.message ?? "", /runs with RuntimeClass "kata".*try again in some seconds/);
    });

    it("refuse an untrusted pod where there is no RuntimeClass kata", async () => {
        await cluster.install(untrusted);
        await cluster.send("administrator", { method: "DELETE", path: "/apis/node.k8s.io/v1/runtimeclasses/kata" });
        await cluster.until("the end of the RuntimeClass", async () => {
            const { code, body } = await cluster.tryPod({ annotations });
            return code === 403 && (body.message ?? "").includes('RuntimeClass "kata" not found');
        });
    });
});

/**
 * A server of 1.36 that serves the older API version too. A 1.35 that it emulates has no MutatingAdmissionPolicy: the
 * plugin waits for ever for the version that is not served.
 */
describe("the policies as Kubernetes 1.35 and 1.34 take them, with kubeadm's arguments", function () {
    this.timeout(240_000);
    let cluster: PolicyCluster;

    before(async () => {
        const { apiServerArgs } = mutatingApi("1.35.8");
        cluster = await PolicyCluster.start({
            controllers: ["clusterrole-aggregation-controller"],
            flags: apiServerArgs.map(({ name, value }) => `--${name}=${value}`),
        });
        await cluster.installRuntimeClass("crio");
    });
    after(() => cluster?.close());

    it("come into effect", async () => {
        await cluster.install({}, "1.34.11");
        await cluster.install(untrusted, "1.35.8");
    });
});
