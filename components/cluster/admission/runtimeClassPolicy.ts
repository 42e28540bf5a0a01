import * as semver from "semver";
import { TrustSpec, kataRuntimeClass } from "../../trust";
import { isUntrusted } from "./podPolicies";
import { AdmissionPolicy, mutatingPolicy, resources } from "./policy";

/**
 * Gives untrusted pods their RuntimeClass where they have none. A RuntimeClass of the user's stays: rewriting it would
 * make server-side apply a conflict for ever. The API server then runs its RuntimeClass plugin again, which fills in
 * the overhead and the node selector.
 */
export function runtimeClassPolicy(trust: TrustSpec, kubernetesVersion: string): AdmissionPolicy {
    return mutatingPolicy("untrusted-runtime-class", mutatingApi(kubernetesVersion).version, {
        matchConstraints: { resourceRules: [resources("", ["pods"], ["CREATE"])] },
        matchConditions: [
            { name: "no-runtime-class", expression: "!has(object.spec.runtimeClassName)" },
            { name: "untrusted", expression: isUntrusted(trust, "object.metadata.?annotations") },
        ],
        mutations: [
            {
                patchType: "JSONPatch",
                jsonPatch: {
                    expression: `[JSONPatch{op: 'add', path: '/spec/runtimeClassName', value: '${kataRuntimeClass}'}]`,
                },
            },
        ],
    });
}

/**
 * The API version of MutatingAdmissionPolicy, and what the API server must be told to serve it: it is on by default
 * from 1.36 on, and a beta that is off before that.
 * https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export function mutatingApi(kubernetesVersion: string): { version: "v1" | "v1beta1"; apiServerArgs: ExtraArg[] } {
    if (semver.gte(kubernetesVersion, "1.36.0")) {
        return { version: "v1", apiServerArgs: [] };
    }
    return {
        version: "v1beta1",
        apiServerArgs: [
            { name: "feature-gates", value: "MutatingAdmissionPolicy=true" },
            { name: "runtime-config", value: "admissionregistration.k8s.io/v1beta1=true" },
        ],
    };
}

/** A flag in kubeadm's form. */
export interface ExtraArg {
    name: string;
    value: string;
}
