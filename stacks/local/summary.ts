import { IsolationFindings, NodeFindings } from "../../index";

/** The stack's outputs that the summary shows. */
export interface Summary {
    isolation: IsolationFindings;
    nodes: NodeFindings[];
    runtimeClassName: string;
    kubeconfigPath: string;
    /** How kubectl is called on this computer. */
    kubectl: string;
    /** What the lab made, a line for each part; empty where upstream's releases were installed. */
    parts: string[];
}

/** What a person wants to know at the end of `npm start`. */
export function summary({ isolation, nodes, runtimeClassName, kubeconfigPath, kubectl, parts }: Summary): string {
    const node = nodes.find((one) => one.name === isolation.node) ?? nodes[0]!;
    const others = nodes
        .filter((one) => one !== node)
        .map(({ name }) => name)
        .join(", ");
    const rows: [string, string][] = [
        ["node", `${node.name} (${node.operatingSystem}${node.emulated ? ", emulated: many times slower" : ""})`],
        ...(nodes.length > 1 ? [["other nodes", others] as [string, string]] : []),
        ["Kubernetes", node.kubernetesVersion],
        ["container runtime", node.containerRuntime],
        ["Kata Containers", `${isolation.kataVersion}, handler "${isolation.runtimeHandler}"`],
        ["untrusted pod", `${isolation.namespace}/${isolation.pod}`],
        ["kernel in the pod", `${isolation.podKernel.kernel}   boot ${isolation.podKernel.bootId}`],
        ["kernel of the node", `${isolation.nodeKernel.kernel}   boot ${isolation.nodeKernel.bootId}`],
        ["its virtual machine", isolation.vmProcess],
        ["control", `${isolation.control} on runc was rejected by the same test`],
        ["kubeconfig", kubeconfigPath],
    ];
    const table = rows.map(([key, value]) => `  ${key.padEnd(20)} ${value}`);
    const verdict = isolation.isolated ? "ISOLATED: the pod runs on a kernel of its own." : "NOT ISOLATED";
    return [
        "",
        verdict,
        "",
        ...table,
        ...(parts.length > 0
            ? ["", "Made by the offline lab, in place of upstream's releases:", ...parts.map((line) => `  ${line}`)]
            : []),
        "",
        "Try next:",
        `  export KUBECONFIG=${kubeconfigPath}`,
        `  ${kubectl} get pod ${isolation.pod} -n ${isolation.namespace} -o wide`,
        `  ${kubectl} exec ${isolation.pod} -n ${isolation.namespace} -- cat /proc/sys/kernel/random/boot_id`,
        `  ${kubectl} get --raw /api/v1/namespaces/${isolation.namespace}/pods/${isolation.pod}:80/proxy/`,
        `  your own pods: annotation io.kubernetes.cri.untrusted-workload: "true", or runtimeClassName: ${runtimeClassName}`,
        "  npm stop removes all of it",
        "",
    ].join("\n");
}
