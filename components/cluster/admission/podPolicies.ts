import { TrustSpec, kataRuntimeClass, untrustedAnnotation } from "../../trust";
import { AdmissionPolicy, resources, validatingPolicy } from "./policy";
import { PodRule, podRules, templateRules } from "./podRules";

const changes = ["CREATE", "UPDATE"];

/**
 * What untrusted pods are refused, and what every pod is. Subresources are listed, for a rule for pods does not cover
 * them: the status of a pod carries annotations too.
 */
export function podPolicy(trust: TrustSpec): AdmissionPolicy {
    const subresources = ["ephemeralcontainers", "resize", "status"].map((name) => `pods/${name}`);
    return validatingPolicy("untrusted-pods", {
        matchConstraints: { resourceRules: [resources("", ["pods", ...subresources], changes)] },
        // A pod from before the policies can still end: its status and finalizers may change, what it runs may not.
        matchConditions: [
            {
                name: "changed",
                expression:
                    "oldObject == null || object.spec != oldObject.spec || object.metadata.?annotations != oldObject.metadata.?annotations",
            },
        ],
        variables: variables(trust, "object.metadata", "object.spec"),
        validations: podRules.map((rule) => validation(rule, "request.operation != 'CREATE'")),
    });
}

/** The same for the pod templates of workloads, so that their author hears of it, not only the controller. */
export function templatePolicy(trust: TrustSpec): AdmissionPolicy {
    return validatingPolicy("untrusted-templates", {
        matchConstraints: {
            resourceRules: [
                resources("", ["podtemplates", "replicationcontrollers"], changes),
                resources("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], changes),
                resources("batch", ["cronjobs", "jobs"], changes),
            ],
        },
        matchConditions: [
            {
                name: "changed",
                expression: `oldObject == null || ${templateOf("object")} != ${templateOf("oldObject")} || object.metadata.?annotations != oldObject.metadata.?annotations`,
            },
        ],
        variables: [
            { name: "template", expression: templateOf("object") },
            ...variables(trust, "variables.template.?metadata", "variables.template.spec"),
        ],
        validations: templateRules.map((rule) => validation(rule)),
    });
}

/** Where the kinds of workloads have their pod template. `dyn`, for the API server knows the type of one kind only. */
function templateOf(object: string): string {
    const at = `dyn(${object})`;
    return `(has(${at}.template) ? ${at}.template : has(${at}.spec.jobTemplate) ? ${at}.spec.jobTemplate.spec.template : ${at}.spec.template)`;
}

function variables(trust: TrustSpec, metadata: string, spec: string) {
    const containers = ["containers", "initContainers", "ephemeralContainers"];
    return [
        { name: "spec", expression: spec },
        { name: "annotations", expression: `${metadata}.?annotations.orValue({})` },
        { name: "labels", expression: `${metadata}.?labels.orValue({})` },
        { name: "runtimeClass", expression: "variables.spec.?runtimeClassName.orValue('')" },
        {
            name: "untrusted",
            expression: `${isUntrusted(trust, "variables.annotations")} || variables.runtimeClass == '${kataRuntimeClass}'`,
        },
        // Their types differ, so the lists are joined without.
        {
            name: "containers",
            expression: containers.map((list) => `dyn(variables.spec.?${list}.orValue([]))`).join(" + "),
        },
        {
            name: "securityContexts",
            expression:
                "[dyn(variables.spec.?securityContext.orValue({}))] + variables.containers.map(container, container.?securityContext.orValue({}))",
        },
    ];
}

/**
 * CEL for whether a pod is untrusted by its annotation, or by the cluster's default. Namespaces are told by the name in
 * the request's path: a label could be set by whoever may change the namespace.
 */
export function isUntrusted(trust: TrustSpec, annotations: string): string {
    const byAnnotation = `${annotations}[?'${untrustedAnnotation}'].orValue('') == 'true'`;
    return trust.defaultWorkloadTrust === "trusted"
        ? byAnnotation
        : `${byAnnotation} || !(request.namespace in ${JSON.stringify(trust.trustedNamespaces)})`;
}

function validation({ holds, message, everyPod, atCreation }: PodRule, changed?: string) {
    const exempt = [...(atCreation && changed ? [changed] : []), ...(everyPod ? [] : ["!variables.untrusted"])];
    return { expression: exempt.length === 0 ? holds : [...exempt, `(${holds})`].join(" || "), message };
}
