import { harmlessVolumes, kataRuntimeClass, runtimeAnnotations, untrustedAnnotation } from "../../trust";

/**
 * One rule for pods, in CEL over the variables of podPolicies.ts. A rule is told to the author of the pod: `message`
 * says what is wrong, then what to change.
 */
export interface PodRule {
    holds: string;
    message: string;
    /** Whether trusted pods keep it too. */
    everyPod?: boolean;
    /** Whether it is about what is decided when a pod is created. A template is judged at every change. */
    atCreation?: boolean;
}

const guide = JSON.stringify(untrustedAnnotation);
const kata = JSON.stringify(kataRuntimeClass);
/** The guide's annotation in any case, and the one that CRI-O had in its place. */
const spellings = String.raw`(?i)^io[.]kubernetes[.]cri(-o)?[.](untrusted-?workload|trusted-?sandbox)$`;
const appArmorKey = "container.apparmor.security.beta.kubernetes.io/";
const controlPlaneTaints = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
const handlers = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.?postStart", "lifecycle.?preStop"];

/** A pod that its author believes to be untrusted must not run on runc for a slip of the pen. */
const annotationRules: PodRule[] = [
    {
        everyPod: true,
        holds: `variables.annotations.all(key, key == ${guide} || !key.matches("${spellings}"))`,
        message: `an annotation that no container runtime reads would leave the pod trusted: write "${untrustedAnnotation}", in lower case`,
    },
    {
        everyPod: true,
        holds: `variables.annotations[?${guide}].orValue("true") in ["true", "false"]`,
        message: `annotation "${untrustedAnnotation}" is neither "true" nor "false": write "true" for an untrusted pod`,
    },
    {
        everyPod: true,
        holds: `variables.untrusted || variables.labels.all(key, !key.matches("${spellings}"))`,
        message: `"${untrustedAnnotation}" is a label here, which leaves the pod trusted: make it an annotation`,
    },
];

/** What would give an untrusted pod a part of its node. Those that the API server ties to others come first. */
const nodeRules: PodRule[] = [
    {
        holds: "variables.securityContexts.all(context, !context.?windowsOptions.?hostProcess.orValue(false))",
        message: "an untrusted pod may not run as a host process: remove windowsOptions.hostProcess",
    },
    {
        holds: ["hostNetwork", "hostPID", "hostIPC"]
            .map((field) => `!variables.spec.?${field}.orValue(false)`)
            .join(" && "),
        message: "an untrusted pod may not share its node's namespaces: remove hostNetwork, hostPID and hostIPC",
    },
    {
        holds: `variables.spec.?volumes.orValue([]).all(volume, dyn(volume).all(field, field in ${JSON.stringify(["name", ...harmlessVolumes])}))`,
        message: `an untrusted pod may not mount hostPath, nor a volume of another kind than ${harmlessVolumes.join(", ")}: remove it`,
    },
    {
        holds: "variables.containers.all(container, container.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0))",
        message: "an untrusted pod may not bind a port of its node: remove hostPort, and use a Service",
    },
    {
        holds: `variables.containers.all(container, [${handlers.map((handler) => `container.?${handler}`).join(", ")}].all(handler, handler.?httpGet.?host.orValue("") == "" && handler.?tcpSocket.?host.orValue("") == ""))`,
        message: "an untrusted pod may not send the kubelet to another host: remove host from probes and lifecycle",
    },
    {
        holds: "variables.securityContexts.all(context, !context.?privileged.orValue(false))",
        message: "an untrusted pod may not be privileged: remove securityContext.privileged",
    },
    {
        holds: "variables.securityContexts.all(context, context.?capabilities.?add.orValue([]).size() == 0)",
        message: "an untrusted pod gets no further capabilities: remove capabilities.add",
    },
    {
        holds: 'variables.securityContexts.all(context, context.?procMount.orValue("Default") == "Default")',
        message: 'an untrusted pod sees a masked /proc: remove procMount, or set it to "Default"',
    },
    {
        holds: 'variables.securityContexts.all(context, context.?seccompProfile.?type.orValue("") != "Unconfined")',
        message: 'an untrusted pod runs under seccomp: remove seccompProfile "Unconfined"',
    },
    {
        holds:
            'variables.securityContexts.all(context, context.?appArmorProfile.?type.orValue("") != "Unconfined") && ' +
            `variables.annotations.all(key, !key.startsWith("${appArmorKey}") || variables.annotations[key] != "unconfined")`,
        message: 'an untrusted pod runs under AppArmor: remove appArmorProfile "Unconfined"',
    },
    {
        atCreation: true,
        holds: 'variables.spec.?nodeName.orValue("") == ""',
        message: "an untrusted pod may not bypass the scheduler: remove nodeName, and use nodeSelector",
    },
    {
        holds: `variables.spec.?tolerations.orValue([]).all(toleration, !(toleration.?key.orValue("") in ${JSON.stringify(["", ...controlPlaneTaints])}))`,
        message:
            "an untrusted pod may not run on the control plane: remove the toleration of its taint, or give the toleration a key",
    },
    {
        holds: `variables.annotations.all(key, key == ${guide} || !key.matches("(?i)${runtimeAnnotations}"))`,
        message:
            "an untrusted pod may not configure its runtime: remove the annotations that a container runtime reads",
    },
];

/** The RuntimeClass of a pod is there: the user's, or what the MutatingAdmissionPolicy has set. */
const podClassRule: PodRule = {
    atCreation: true,
    holds: `variables.runtimeClass == ${kata}`,
    message: `an untrusted pod runs with RuntimeClass ${kata}: leave runtimeClassName out or set it to ${kata}; if it is left out, try again in some seconds`,
};

/** The RuntimeClass of a template may be absent: the pods made from it get theirs. */
const templateClassRule: PodRule = {
    holds: `variables.runtimeClass in ["", ${kata}]`,
    message: `an untrusted pod runs with RuntimeClass ${kata}: leave runtimeClassName out or set it to ${kata}`,
};

/** A restart of the pod's sandbox would read the annotation again. */
const fixedAnnotationRule: PodRule = {
    everyPod: true,
    holds: `oldObject == null || variables.annotations[?${guide}] == oldObject.metadata.?annotations[?${guide}]`,
    message: `annotation "${untrustedAnnotation}" stays as it was when the pod was created: delete the pod and create it anew`,
};

/** On the workload it says nothing about the pods. */
const placedAnnotationRule: PodRule = {
    everyPod: true,
    holds: `variables.untrusted || object.metadata.?annotations[?${guide}].orValue("") != "true"`,
    message: `annotation "${untrustedAnnotation}" is on the workload, which leaves its pods trusted: put it into the metadata of the pod template`,
};

/** The rules for pods. */
export const podRules: PodRule[] = [...annotationRules, fixedAnnotationRule, podClassRule, ...nodeRules];

/** The rules for the pod templates of workloads. */
export const templateRules: PodRule[] = [...annotationRules, placedAnnotationRule, templateClassRule, ...nodeRules];
