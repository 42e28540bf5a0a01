import * as assert from "node:assert/strict";
import { guardPolicy } from "../../components/cluster/admission/guardPolicy";
import { podRules, templateRules } from "../../components/cluster/admission/podRules";
import { specOf } from "../support/specs";
import { attempt } from "./support/attempt";
import { Case, corpus, modes } from "./support/corpus";
import { classOf, PolicyCluster } from "./support/cluster";

const refused = corpus("refused");
const admitted = corpus("admitted");
const trustedNamespaces = ["agents", "storage"];

describe("the corpus of manifests, on a real API server", function () {
    this.timeout(240_000);
    let cluster: PolicyCluster;

    before(async () => {
        cluster = await PolicyCluster.start({ controllers: ["clusterrole-aggregation-controller"] });
        await cluster.installRuntimeClass("containerd");
    });
    after(() => cluster?.close());

    it("is large enough, and says of each manifest which rule refuses it", () => {
        assert.ok(refused.length >= 40 && admitted.length >= 20, `${refused.length} and ${admitted.length}`);
        refused.forEach(({ name, says }) => assert.ok(says, name));
    });

    it("puts every rule to the test", () => {
        const guard = guardPolicy(specOf().trust).spec as { validations: { message: string }[] };
        for (const { message } of [...podRules, ...templateRules, ...guard.validations]) {
            assert.ok(
                refused.some(({ says }) => message.includes(says!)),
                `nothing in the corpus is refused for this: ${message}`,
            );
        }
    });

    describe("without the policies", () => {
        for (const one of refused) {
            it(`lets through: ${one.tries}`, async () => {
                for (const mode of one.modes) {
                    const { code, body } = await attempt(cluster, one, mode);
                    assert.ok(code < 300, `${one.name}, ${mode}: ${code} ${body.message}`);
                }
            });
        }
    });

    for (const mode of modes) {
        const untrusted = mode === "untrusted";
        describe(`with the policies, ${untrusted ? "untrusted" : "trusted"} by default, manifests ${mode === "annotated" ? "annotated" : "as they are"}`, () => {
            const inMode = (cases: Case[]) => cases.filter((one) => one.modes.includes(mode));
            before(async () => {
                // What is written for one container runtime holds for the other.
                await cluster.installRuntimeClass(untrusted ? "crio" : "containerd");
                await cluster.install({ defaultWorkloadTrust: untrusted ? "untrusted" : "trusted", trustedNamespaces });
            });

            for (const one of inMode(refused)) {
                it(`refuses: ${one.tries}`, async () => {
                    const { code, body } = await attempt(cluster, one, mode);
                    assert.equal(code, 422, `${one.name}: ${body.message}`);
                    assert.match(
                        body.message!,
                        /ValidatingAdmissionPolicy '.*\.kata-cluster' .*denied request: /,
                        one.name,
                    );
                    assert.ok(body.message!.includes(one.says!), `${one.name}: ${body.message}`);
                });
            }

            for (const one of inMode(admitted)) {
                it(`admits: ${one.tries}`, async () => {
                    const { code, body } = await attempt(cluster, one, mode);
                    assert.ok(code < 300, `${one.name}: ${code} ${body.message}`);
                    if (body.kind === "Pod" && one.request !== "patch status") {
                        inKata(one, classOf({ code, body }), body.spec as PodSpec, one.kata.includes(mode));
                    }
                });
            }
        });
    }
});

interface PodSpec {
    overhead?: object;
    nodeSelector?: Record<string, string>;
}

/** A pod in Kata has all that comes with the RuntimeClass; another has nothing of it. */
function inKata({ name, request }: Case, runtimeClass: string | undefined, spec: PodSpec, expected: boolean) {
    if (request !== "create" && request !== "apply") {
        return;
    }
    assert.equal(runtimeClass === "kata", expected, `${name}: runtimeClassName ${runtimeClass}`);
    assert.deepEqual(spec.overhead, expected ? { cpu: "250m", memory: "320Mi" } : undefined, name);
    assert.equal(spec.nodeSelector?.["katacontainers.io/kata-runtime"], expected ? "true" : undefined, name);
}
