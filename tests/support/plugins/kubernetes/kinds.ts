import { KubeObject } from "./object";

/** Built-in API groups; the kinds in them are known without asking the server. */
const builtIn = /^(v1|(apps|batch|autoscaling|policy|extensions|([a-z]+\.)*k8s\.io)\/v[0-9a-z]+)$/;

/** Built-in kinds that do not live in a namespace. */
const clusterScoped = new Set([
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterTrustBundle",
    "ComponentStatus",
    "CustomResourceDefinition",
    "DeviceClass",
    "FlowSchema",
    "IPAddress",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceSlice",
    "RuntimeClass",
    "SelfSubjectAccessReview",
    "SelfSubjectReview",
    "SelfSubjectRulesReview",
    "ServiceCIDR",
    "StorageClass",
    "StorageVersion",
    "StorageVersionMigration",
    "SubjectAccessReview",
    "TokenReview",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
]);

/** True or false for a built-in kind; undefined for a custom one, which only the server knows. */
export function isNamespaced(apiVersion: string, kind: string): boolean | undefined {
    return builtIn.test(apiVersion) ? !clusterScoped.has(kind) : undefined;
}

/** API version and kind of a type token such as `kubernetes:apps/v1:DaemonSet`. */
export function kindOf(type: string): { apiVersion: string; kind: string } {
    const [, module = "", kind = ""] = type.split(":");
    const [group, version, ...rest] = module.split("/");
    if (!version || rest.length > 0) {
        throw new Error(`apiVersion does not have both a group and a version: "${module}"`);
    }
    for (const unsupported of ["helm.sh", "kustomize", "yaml"]) {
        if (group === unsupported) {
            throw new Error(`${type}: the stand-in for pulumi-resource-kubernetes has typed resources only`);
        }
    }
    if (kind.endsWith("List")) {
        throw new Error("list resources exist for compatibility with YAML manifests, use the underlying resource type");
    }
    if (kind.endsWith("Patch")) {
        throw new Error(`${type}: the stand-in for pulumi-resource-kubernetes has no Patch resources`);
    }
    return { apiVersion: group === "core" ? version : `${group}/${version}`, kind };
}

/** True if the object defines a kind. */
export function isCrd(object: KubeObject): boolean {
    return object.kind === "CustomResourceDefinition" && object.apiVersion.startsWith("apiextensions.k8s.io/");
}

const container = [
    ...["args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe"],
    ...["resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy"],
    ...["tty", "volumeDevices", "volumeMounts", "workingDir"],
];
const podSpec = [
    ...["affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases"],
    ...["hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead"],
    ...["preemptionPolicy", "priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName"],
    ...["schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace"],
    ...["subdomain", "terminationGracePeriodSeconds", "volumes"],
];
const forceNew: Record<string, string[]> = {
    "apps/v1/DaemonSet": ["spec.selector"],
    "apps/v1/Deployment": ["spec.selector"],
    "apps/v1/StatefulSet": [
        ...["spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector", "spec.serviceName"],
        "spec.volumeClaimTemplates",
    ],
    "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
    "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
    "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
    "v1/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
    "v1/Pod": [
        ...podSpec.map((field) => `spec.${field}`),
        ...container.flatMap((field) => [`spec.containers.*.${field}`, `spec.initContainers.*.${field}`]),
    ],
    "v1/ResourceQuota": ["spec.scopes"],
    "v1/Service": ["spec.clusterIP"],
};

/**
 * The fields of which a change replaces the object, as the real provider decides; `*` is any element of a list. Other
 * fields that the API server does not let change, such as RuntimeClass's `handler`, make an update fail, there too.
 */
export function forceNewFields(object: KubeObject, mutable: { configMaps: boolean; secrets: boolean }): string[] {
    const fields = ["metadata.name", "metadata.namespace"];
    const kind = `${object.apiVersion}/${object.kind}`;
    if (kind === "v1/Secret") {
        const fixed = !mutable.secrets || object.immutable === true;
        return [...fields, ...(fixed ? ["type", "stringData", "data"] : ["type"])];
    }
    if (kind === "v1/ConfigMap" && (!mutable.configMaps || object.immutable === true)) {
        return [...fields, "binaryData", "data"];
    }
    return [...fields, ...(forceNew[kind] ?? [])];
}
