import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { setTimeout as sleep } from "node:timers/promises";
import { ClusterSpec } from "../../spec";
import { guardPolicy } from "./guardPolicy";
import { podPolicy, templatePolicy } from "./podPolicies";
import { AdmissionPolicy } from "./policy";
import { runtimeClassPolicy } from "./runtimeClassPolicy";

/** Every admission policy of the cluster, as plain data. */
export function admissionPolicies({ trust, kubernetes }: Pick<ClusterSpec, "trust" | "kubernetes">): AdmissionPolicy[] {
    return [podPolicy(trust), templatePolicy(trust), guardPolicy(trust), runtimeClassPolicy(trust, kubernetes.version)];
}

/** The admission policies in the cluster. Whatever they are to judge depends on `inEffect`. */
export class AdmissionPolicies extends pulumi.ComponentResource {
    /** The policies, once the API server goes by them. */
    public readonly inEffect: pulumi.Output<pulumi.Resource>;

    constructor(name: string, spec: ClusterSpec, opts: pulumi.ComponentResourceOptions) {
        super("kata-cluster:cluster:AdmissionPolicies", name, {}, opts);
        const objects = admissionPolicies(spec).flatMap((policy) => bound(name, policy, { parent: this }));
        const made = pulumi.all(objects.map(({ metadata }) => metadata.creationTimestamp));
        // In a preview nothing is made that could be waited for, and an unknown would hide what depends on it.
        this.inEffect = pulumi.runtime.isDryRun()
            ? pulumi.output<pulumi.Resource>(this)
            : made.apply(async (times) => {
                  await sleep(settling(times, Date.now()));
                  return this;
              });
        this.registerOutputs({});
    }
}

/** A policy and its binding. */
function bound(parent: string, policy: AdmissionPolicy, opts: pulumi.CustomResourceOptions): Made[] {
    const { v1, v1beta1 } = k8s.admissionregistration;
    const metadata = { name: policy.name };
    const name = `${parent}-${policy.name.split(".")[0]}`;
    if (policy.kind === "ValidatingAdmissionPolicy") {
        return [
            new v1.ValidatingAdmissionPolicy(name, { metadata, spec: policy.spec }, opts),
            new v1.ValidatingAdmissionPolicyBinding(`${name}-binding`, { metadata, spec: policy.binding }, opts),
        ];
    }
    const { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } = policy.version === "v1" ? v1 : v1beta1;
    return [
        new MutatingAdmissionPolicy(name, { metadata, spec: policy.spec }, opts),
        new MutatingAdmissionPolicyBinding(`${name}-binding`, { metadata, spec: policy.binding }, opts),
    ];
}

interface Made {
    metadata: pulumi.Output<k8s.types.output.meta.v1.ObjectMeta>;
}

const settlingMilliseconds = 10_000;
const freshMilliseconds = 30_000;

/**
 * How long to wait for policies that were made at `times`. The API server looks for new ones once a second, compiles
 * them, which takes 0.1 s of a real CPU and twenty times that of an emulated one, and reports nothing.
 * @internal
 */
export function settling(times: (string | undefined)[], now: number): number {
    // The node's clock may differ from ours by some seconds.
    const fresh = times.some((time) => time !== undefined && Math.abs(now - Date.parse(time)) < freshMilliseconds);
    return fresh ? settlingMilliseconds : 0;
}
