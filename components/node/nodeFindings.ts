import * as pulumi from "@pulumi/pulumi";
import { NodeBootstrap } from "./nodeBootstrap";

/** What was found and installed on a node. */
export interface NodeFindings {
    /** Name of the Node. */
    name: string;
    /** Operating system, as os-release names it. */
    operatingSystem: string;
    /** `uname -r` of the node. */
    kernel: string;
    /** Whether the node is itself emulated, and so many times slower than a real machine. */
    emulated: boolean;
    /** Container runtime and its version. */
    containerRuntime: string;
    /** Version in the Kata release on the node. */
    kataVersion: string;
    /** Version of the kubelet. */
    kubernetesVersion: string;
}

/** Reads what the node's installation reported. */
export function nodeFindings(node: NodeBootstrap): pulumi.Output<NodeFindings> {
    return node.installed.stdout.apply((stdout) => parseFindings(node.machine.name, stdout));
}
