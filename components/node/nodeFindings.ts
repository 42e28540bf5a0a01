import * as pulumi from "@pulumi/pulumi";
import { runtimeNames } from "./containerRuntime";
import { NodeBootstrap } from "./nodeBootstrap";

/** What was found and installed on a node. */
export interface NodeFindings {
    /** Name of the Node. */
    name: string;
    /** Operating system, as os-release names it: `debian 12`. */
    operatingSystem: string;
    /** `uname -r` of the node. */
    kernel: string;
    /** Whether the node is itself emulated, and so many times slower than a real machine. */
    emulated: boolean;
    /** Container runtime and its version. */
    containerRuntime: string;
    /** Version in the Kata release on the node. */
    kataVersion: string;
    /** Version of kubelet and kubeadm. */
    kubernetesVersion: string;
}

/** Reads what the node's installation reported. */
export function nodeFindings(node: NodeBootstrap): pulumi.Output<NodeFindings> {
    return node.installed.stdout.apply(parseFindings);
}

/** @internal */
export function parseFindings(stdout: string): NodeFindings {
    const { node, steps } = JSON.parse(stdout.trim().split("\n").at(-1)!) as InstallOutput;
    const of = (step: string) => steps.find((one) => one.step === step) ?? {};
    const runtime = runtimeNames.find((name) => steps.some((one) => one.step === name))!;
    return {
        name: node,
        operatingSystem: String(of("preflight").system),
        kernel: String(of("preflight").kernel),
        emulated: of("preflight").emulated === true,
        containerRuntime: `${runtime} ${String(of(runtime).version)}`,
        kataVersion: String(of("kata").version),
        kubernetesVersion: String(of("kubernetes").version),
    };
}

/** The JSON that `host/node.sh` prints: what each step reported. */
interface InstallOutput {
    node: string;
    steps: Record<string, unknown>[];
}
