import { TrustSpec, runtimeAnnotations } from "../../trust";
import { AdmissionPolicy, resources, validatingPolicy } from "./policy";

/**
 * Keeps what the other policies rest on to cluster administrators, so that a role which grants too much by accident is
 * not enough. The policies themselves can't be guarded by a policy: the API server exempts them, and RBAC is alone.
 */
export function guardPolicy({ trustedNamespaces }: TrustSpec): AdmissionPolicy {
    const all = ["CREATE", "UPDATE", "DELETE"];
    const binding = "request.resource.resource in ['bindings', 'pods']";
    const trusted = JSON.stringify(trustedNamespaces);
    return validatingPolicy("guard", {
        matchConstraints: {
            resourceRules: [
                resources("node.k8s.io", ["runtimeclasses"], all),
                resources("", ["namespaces"], all),
                resources("", ["bindings", "pods/binding"], ["CREATE"]),
            ],
        },
        variables: [
            {
                name: "name",
                // A name that is generated is not in the request.
                expression: "(request.operation == 'DELETE' ? oldObject : object).metadata.name",
            },
            { name: "administrator", expression: "authorizer.group('*').resource('*').check('*').allowed()" },
            {
                name: "collector",
                // What an administrator deletes in the foreground, as Pulumi does, these end: they take its finalizers off.
                expression:
                    "request.operation == 'UPDATE' && has(oldObject.metadata.deletionTimestamp) && " +
                    "request.userInfo.username in ['system:serviceaccount:kube-system:generic-garbage-collector', " +
                    "'system:serviceaccount:kube-system:namespace-controller']",
            },
            {
                name: "binder",
                expression: `request.userInfo.username == 'system:kube-scheduler' || ${trusted}.exists(trusted, request.userInfo.username.startsWith('system:serviceaccount:' + trusted + ':'))`,
            },
        ],
        validations: [
            {
                expression:
                    "request.resource.resource != 'runtimeclasses' || variables.administrator || variables.collector",
                message:
                    "a RuntimeClass decides how untrusted pods are isolated: only a cluster administrator may change one",
            },
            {
                expression: `request.resource.resource != 'namespaces' || !(variables.name in ${trusted}) || variables.administrator || variables.collector`,
                message: "the pods of this namespace are trusted: only a cluster administrator may change it",
            },
            {
                expression: `!(${binding}) || variables.binder || variables.administrator`,
                message:
                    "only the scheduler assigns a pod to a node: leave it to the scheduler, and use nodeSelector in the pod",
            },
            {
                expression: `!(${binding}) || object.metadata.?annotations.orValue({}).all(key, !key.matches('(?i)${runtimeAnnotations}'))`,
                message: "a binding may not configure a pod's runtime: remove its annotations",
            },
        ],
    });
}
