import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { UntrustedPodArgs } from "../args";
import { untrustedAnnotation } from "../trust";
import { checkPodSpec } from "../validation/podSpec";
import { Problems } from "../validation/problems";
import { shaped } from "../validation/shape";
import { defaultImage } from "./podImages";

/**
 * A pod that is not trusted: it carries the guide's annotation, and so runs in a virtual machine of its own. Waits
 * until the pod is Ready. Give it the cluster through a Kubernetes `provider` made from `KataCluster.kubeconfig`.
 *
 * The API server adds RuntimeClass `kata` to it, and with that the overhead and the node selector.
 *
 * @throws pulumi.InputPropertiesError if the pod asks for access to its node.
 */
export class UntrustedPod extends pulumi.ComponentResource {
    /** Name of the pod. */
    public readonly name!: pulumi.Output<string>;
    /** Namespace of the pod. */
    public readonly namespace!: pulumi.Output<string>;
    /** The pod as the API server has it. */
    public readonly pod!: k8s.core.v1.Pod;

    constructor(name: string, args: UntrustedPodArgs, opts?: pulumi.ComponentResourceOptions) {
        const problems = new Problems(name, "UntrustedPod");
        const input = shaped<UntrustedPodArgs>(problems, "UntrustedPod", "args", args);
        checkPodSpec(problems, "args", input);
        problems.throwIfAny();
        super("kata-cluster:index:UntrustedPod", name, args, opts);
        const podName = input.name ?? "nginx-untrusted";
        const bounded = `${input.timeoutSeconds ?? 1800}s`;
        this.pod = new k8s.core.v1.Pod(
            name,
            {
                metadata: {
                    name: podName,
                    namespace: input.namespace ?? "default",
                    labels: pulumi.output(input.labels).apply((labels) => ({ app: podName, ...labels })),
                    annotations: pulumi
                        .output(input.annotations)
                        .apply((annotations) => ({ ...annotations, [untrustedAnnotation]: "true" })),
                },
                spec: (input.spec as pulumi.Input<k8s.types.input.core.v1.PodSpec> | undefined) ?? {
                    containers: [onlyContainer(input.image ?? defaultImage)],
                },
            },
            { parent: this, customTimeouts: { create: bounded, update: bounded, delete: bounded } },
        );
        this.name = this.pod.metadata.name;
        this.namespace = this.pod.metadata.namespace;
        this.registerOutputs({ name: this.name, namespace: this.namespace, pod: this.pod });
    }
}

/** The guide's container. It starts again after a reboot without its registry, which `latest` would ask by default. */
function onlyContainer(image: pulumi.Input<string>) {
    return { name: "nginx", image, imagePullPolicy: "IfNotPresent" };
}
