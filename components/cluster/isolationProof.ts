import * as pulumi from "@pulumi/pulumi";
import { NodeBootstrap } from "../node/nodeBootstrap";
import { remoteStep } from "../node/remoteStep";
import { UntrustedPod } from "../workload/untrustedPod";

/** A kernel as it shows itself to a process. */
export interface KernelFindings {
    /** `/proc/sys/kernel/random/boot_id`: one per boot of one kernel. */
    bootId: string;
    /** `uname -r`. Guest and node may run the same release. */
    kernel: string;
}

/** What the isolation proof found. */
export interface IsolationFindings {
    /** Namespace of the pod. */
    namespace: string;
    /** Name of the pod. */
    pod: string;
    /** Name of the node that it runs on. */
    node: string;
    /** Whether the pod runs in a virtual machine of its own. Always true: what is not isolated fails the `up`. */
    isolated: boolean;
    /** The kernel that the pod's containers see. */
    podKernel: KernelFindings;
    /** The node's kernel. */
    nodeKernel: KernelFindings;
    /** The runtime handler that started the pod. */
    runtimeHandler: string;
    /** Version in the Kata release on the node. */
    kataVersion: string;
    /** Process on the node that runs the pod's virtual machine. */
    vmProcess: string;
    /** Container on runc that the same test rejected, so that the test itself is tested. */
    control: string;
}

/** Proves on the node that the pod runs in a virtual machine, and fails if it does not. */
export function proveIsolation(
    name: string,
    node: NodeBootstrap,
    untrusted: UntrustedPod,
    timeoutSeconds: number,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<IsolationFindings> {
    const { metadata } = untrusted.pod;
    const proof = remoteStep(
        `${name}-isolation`,
        {
            machine: node.machine,
            // The uid makes it run again for a pod that was made anew.
            run: pulumi.interpolate`isolation prove ${metadata.namespace} ${metadata.name} ${metadata.uid}`,
            digest: node.bundle.digests.isolation,
            timeoutSeconds,
        },
        { ...opts, dependsOn: [node.installed, untrusted] },
    );
    return proof.stdout.apply(findings);
}

/** @internal */
export function findings(stdout: string): IsolationFindings {
    const seen = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as ProofOutput;
    return {
        namespace: seen.namespace,
        pod: seen.pod.name,
        node: seen.node.name,
        isolated: seen.isolated,
        podKernel: { bootId: seen.pod.bootId, kernel: seen.pod.kernel },
        nodeKernel: { bootId: seen.node.bootId, kernel: seen.node.kernel },
        runtimeHandler: seen.runtimeHandler,
        kataVersion: seen.kata.version,
        vmProcess: `${seen.vmProcess.command} (pid ${seen.vmProcess.pid})`,
        control: seen.control.container,
    };
}

/** The JSON that `host/isolation.sh` prints. */
interface ProofOutput {
    namespace: string;
    isolated: boolean;
    runtimeHandler: string;
    pod: { name: string; bootId: string; kernel: string };
    node: { name: string; bootId: string; kernel: string };
    kata: { version: string };
    vmProcess: { pid: number; command: string };
    control: { container: string };
}
