import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ContainerRuntime, Hypervisor } from "../args";
import { containerRuntimes } from "../node/containerRuntime";
import { ClusterSpec } from "../spec";
import { kataRuntimeClass } from "../trust";
import { kataNodeLabel } from "./nodeRegistration";

/** What a pod's virtual machine takes beside its containers, as Kata's own chart has it (kata-deploy runtimeclasses). */
const overhead: Record<Hypervisor, { cpu: string; memory: string }> = {
    qemu: { cpu: "250m", memory: "320Mi" },
    clh: { cpu: "250m", memory: "130Mi" },
    dragonball: { cpu: "250m", memory: "130Mi" },
};

/** RuntimeClass `kata` as plain data: https://kubernetes.io/docs/concepts/containers/runtime-class/ */
export function runtimeClassObject(containerRuntime: ContainerRuntime, hypervisor: Hypervisor) {
    return {
        metadata: { name: kataRuntimeClass },
        handler: containerRuntimes[containerRuntime].kataHandler,
        overhead: { podFixed: overhead[hypervisor] },
        scheduling: { nodeSelector: kataNodeLabel },
    };
}

/** RuntimeClass `kata`. The API server lets nobody change its handler, so another one is made in its place. */
export function runtimeClass(
    name: string,
    spec: ClusterSpec,
    opts: pulumi.CustomResourceOptions,
): k8s.node.v1.RuntimeClass {
    return new k8s.node.v1.RuntimeClass(
        `${name}-kata`,
        runtimeClassObject(spec.containerRuntime, spec.kata.hypervisor),
        { ...opts, replaceOnChanges: ["handler"], deleteBeforeReplace: true },
    );
}
