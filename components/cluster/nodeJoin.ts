import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { NodeBootstrap } from "../node/nodeBootstrap";
import { remoteStep } from "../node/remoteStep";
import { joinSteps } from "../node/steps";
import { ClusterSpec } from "../spec";

/** The control plane that the cluster began on: it admits the other nodes. */
export interface Admission {
    node: NodeBootstrap;
    init: command.remote.Command;
}

/**
 * Joins an installed node to the cluster. Only public things go from machine to machine: the node's request for a
 * certificate, and the certificate. To a further control plane the cluster's keys go too, sealed to that certificate's
 * key. When the node goes, `admit` takes its pods and its Node away before its machine is touched.
 */
export function joinNode(
    node: NodeBootstrap,
    admission: Admission,
    spec: ClusterSpec,
    after: pulumi.Resource[] = [],
): command.remote.Command {
    const { machine } = node;
    const { name, role, labels, taints } = machine;
    const controlPlane = role === "control-plane";
    const timeoutSeconds = spec.timeouts.nodeSeconds;
    const admit = remoteStep(
        `${name}-admit`,
        {
            machine: admission.node.machine,
            run: `admit apply ${name}`,
            undo: `admit reset ${name}`,
            input: node.lasting.apply((stdout) => JSON.stringify({ request: requestIn(stdout), role, labels, taints })),
            digest: admission.node.digests.admit,
            timeoutSeconds,
            secretOutput: controlPlane,
            livesWith: admission.init,
        },
        { parent: node, dependsOn: [admission.init, ...after] },
    );
    return remoteStep(
        `${name}-join`,
        {
            machine,
            run: `node apply ${joinSteps.join(" ")}`,
            input: controlPlane ? pulumi.secret(admit.stdout) : admit.stdout,
            digest: node.digests.join,
            timeoutSeconds: controlPlane ? spec.timeouts.controlPlaneSeconds : timeoutSeconds,
        },
        { parent: node, dependsOn: [node.installed, admit] },
    );
}

/**
 * The request for a certificate that `host/key.sh` printed.
 * @throws if there is none.
 * @internal
 */
export function requestIn(stdout: string): string {
    const { node, steps } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as KeyOutput;
    const request = steps.find(({ step }) => step === "key")?.request;
    if (!request) {
        throw new Error(`node ${node} gave no request for a certificate; run up again`);
    }
    return request;
}

interface KeyOutput {
    node: string;
    steps: { step: string; request?: string }[];
}
