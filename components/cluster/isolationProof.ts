import * as pulumi from "@pulumi/pulumi";
import { connectionToOneOf, identityOf } from "../machine/connection";
import { NodeBootstrap } from "../node/nodeBootstrap";
import { remoteStep, RemoteStepArgs } from "../node/remoteStep";
import { UntrustedPod } from "../workload/untrustedPod";
import { ControlPlane } from "./controlPlane";

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

/**
 * Proves that the pod runs in a virtual machine, on the node that it is on, and fails if it does not. The pod is looked
 * for after all nodes have joined. A node that is no longer among `nodes` is drained before: the pod was on it. Where
 * there is one node, it is proved where it is looked for.
 */
export function proveIsolation(
    name: string,
    nodes: NodeBootstrap[],
    controlPlane: ControlPlane,
    untrusted: UntrustedPod,
    timeoutSeconds: number,
    opts: pulumi.CustomResourceOptions,
): pulumi.Output<IsolationFindings> {
    const { metadata, spec } = untrusted.pod;
    const { node: first, init } = controlPlane;
    const names = nodes.map(({ machine }) => machine.name);
    const connections = nodes.map(({ machine }) => machine.connection);
    // Of the machine that the pod was last known to be on. Another one of that name has it no more.
    const identity = spec.nodeName.apply((node) => {
        const connection = connections[names.indexOf(node)];
        return connection ? identityOf(connection) : "";
    });
    const leaving = spec.nodeName.apply((node) => (node && !names.includes(node) ? ` ${node}` : ""));
    // The uid makes it run again for a pod that was made anew.
    const pod = pulumi.interpolate`${metadata.namespace} ${metadata.name} ${metadata.uid}${leaving}`;
    const installed = nodes.map((node) => node.installed);
    const proven = (args: Pick<RemoteStepArgs, "machine" | "run" | "digest">, after: pulumi.Resource[]) =>
        remoteStep(
            `${name}-isolation`,
            { ...args, timeoutSeconds, livesWith: init },
            { ...opts, dependsOn: [...after, ...installed] },
        ).stdout.apply(findings);
    const locating = pulumi.interpolate`${first.digests.locate} ${identity}`;
    if (nodes.length === 1) {
        const digest = pulumi.interpolate`${locating} ${first.digests.isolation}`;
        return proven({ machine: first.machine, run: pulumi.interpolate`locate prove ${pod}`, digest }, [untrusted]);
    }
    const located = remoteStep(
        `${name}-pod`,
        {
            machine: first.machine,
            run: pulumi.interpolate`locate find ${pod}`,
            digest: locating,
            timeoutSeconds,
            livesWith: init,
        },
        { ...opts, dependsOn: [first.installed, untrusted] },
    );
    const found = located.stdout.apply(location);
    const index = found.apply(({ node }) => Math.max(names.indexOf(node), 0));
    return proven(
        {
            machine: { ...first.machine, connection: connectionToOneOf(connections, index) },
            run: pulumi.interpolate`isolation prove ${metadata.namespace} ${metadata.name} ${found.uid}`,
            digest: first.digests.isolation,
        },
        [located],
    );
}

/** @internal */
export function location(stdout: string): { node: string; uid: string } {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { node: string; uid: string };
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
