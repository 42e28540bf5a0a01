import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Hypervisor } from "../args";
import { ClusterSpec } from "../spec";
import { kataNodeLabel } from "./kubeadmConfig";

/** What a pod's virtual machine takes beside its containers, as Kata's own chart has it (kata-deploy runtimeclasses). */
const overhead: Record<Hypervisor, { cpu: string; memory: string }> = {
    qemu: { cpu: "250m", memory: "320Mi" },
    clh: { cpu: "250m", memory: "130Mi" },
    dragonball: { cpu: "250m", memory: "130Mi" },
};

/** RuntimeClass `kata`: https://kubernetes.io/docs/concepts/containers/runtime-class/ */
export function runtimeClass(
    name: string,
    spec: ClusterSpec,
    opts: pulumi.CustomResourceOptions,
): k8s.node.v1.RuntimeClass {
    return new k8s.node.v1.RuntimeClass(
        `${name}-kata`,
        {
            metadata: { name: "kata" },
            handler: "kata",
            overhead: { podFixed: overhead[spec.kata.hypervisor] },
            scheduling: { nodeSelector: kataNodeLabel },
        },
        opts,
    );
}
