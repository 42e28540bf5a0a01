import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

type ValidatingSpec = pulumi.Unwrap<k8s.types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec>;
type MutatingSpec = pulumi.Unwrap<k8s.types.input.admissionregistration.v1.MutatingAdmissionPolicySpec>;

/** An admission policy as plain data, with the spec of the binding by which it takes effect in the whole cluster. */
export type AdmissionPolicy = ValidatingPolicy | MutatingPolicy;

interface ValidatingPolicy {
    name: string;
    kind: "ValidatingAdmissionPolicy";
    version: "v1";
    spec: ValidatingSpec;
    binding: { policyName: string; validationActions: string[] };
}

interface MutatingPolicy {
    name: string;
    kind: "MutatingAdmissionPolicy";
    /** What the cluster serves. */
    version: "v1" | "v1beta1";
    spec: MutatingSpec;
    binding: { policyName: string };
}

/** A policy that refuses what does not hold, and refuses everything that it can't judge. */
export function validatingPolicy(shortName: string, spec: Omit<ValidatingSpec, "failurePolicy">): AdmissionPolicy {
    const name = objectName(shortName);
    return {
        name,
        kind: "ValidatingAdmissionPolicy",
        version: "v1",
        spec: { failurePolicy: "Fail", ...spec },
        binding: { policyName: name, validationActions: ["Deny"] },
    };
}

/** A policy that changes what is created, and refuses everything that it can't judge. */
export function mutatingPolicy(
    shortName: string,
    version: MutatingPolicy["version"],
    spec: Omit<MutatingSpec, "failurePolicy" | "reinvocationPolicy">,
): AdmissionPolicy {
    const name = objectName(shortName);
    return {
        name,
        kind: "MutatingAdmissionPolicy",
        version,
        // A second run would be too late for the plugins of the API server that fill in the rest.
        spec: { failurePolicy: "Fail", reinvocationPolicy: "Never", ...spec },
        binding: { policyName: name },
    };
}

/** The policy and its binding in full, as kubectl takes them. */
export function manifests({ name, kind, version, spec, binding }: AdmissionPolicy) {
    const head = { apiVersion: `admissionregistration.k8s.io/${version}`, metadata: { name } };
    return [
        { ...head, kind, spec },
        { ...head, kind: `${kind}Binding`, spec: binding },
    ];
}

/** Resources of one API group that a policy looks at. */
export function resources(apiGroup: string, names: string[], operations: string[]) {
    return { apiGroups: [apiGroup], apiVersions: ["v1"], operations, resources: names };
}

function objectName(shortName: string): string {
    return `${shortName}.kata-cluster`;
}
