import { GcpSpec } from "./gcpSpec";

/** Where Google Cloud's Identity-Aware Proxy comes from: https://cloud.google.com/iap/docs/using-tcp-forwarding */
const iapRange = "35.235.240.0/20";

/** Where health checks come from: https://cloud.google.com/load-balancing/docs/firewall-rules */
const healthChecks = {
    proxy: ["35.191.0.0/16", "130.211.0.0/22"],
    passthrough: ["35.191.0.0/16", "209.85.152.0/22", "209.85.204.0/22"],
};

/** What may reach a port. There is no rule for anything else, so that the network's own refuses it. */
export interface FirewallRule {
    /** What follows the cluster's name. */
    name: string;
    description: string;
    protocol: "tcp" | "udp";
    ports: string[];
    /** Addresses in CIDR form, or tags of machines: one of both. */
    from: { sourceRanges: string[] } | { sourceTags: string[] };
    targetTags: string[];
}

/** Tags by which the rules know the machines. The network is the cluster's own, so nobody else's machine has them. */
export function networkTags(cluster: string) {
    return {
        /** Every machine that becomes a node, control planes too. */
        node: `${cluster}-node`,
        controlPlane: `${cluster}-control-plane`,
        bastion: `${cluster}-bastion`,
    };
}

/** The rules of a cluster's network. */
export function firewallRules(cluster: string, spec: GcpSpec): FirewallRule[] {
    const tags = networkTags(cluster);
    const several = spec.controlPlanes > 1;
    const rules: (FirewallRule | false)[] = [
        ...sshRules(spec, tags),
        {
            name: "api",
            description: "Users of the Kubernetes API",
            protocol: "tcp",
            ports: ["6443"],
            from: { sourceRanges: spec.api.sourceRanges },
            targetTags: [tags.controlPlane],
        },
        {
            name: "api-nodes",
            description: "Nodes, and the pods on them, to the Kubernetes API",
            protocol: "tcp",
            ports: ["6443"],
            from: { sourceTags: [tags.node] },
            targetTags: [tags.controlPlane],
        },
        several && {
            name: "api-balancers",
            description: "Load balancers of the Kubernetes API, and their health checks",
            protocol: "tcp",
            ports: ["6443"],
            from: { sourceRanges: balancerRanges(spec) },
            targetTags: [tags.controlPlane],
        },
        several && {
            name: "etcd",
            description: "etcd's members to each other",
            protocol: "tcp",
            ports: ["2379-2380"],
            from: { sourceTags: [tags.controlPlane] },
            targetTags: [tags.controlPlane],
        },
        {
            name: "kubelet",
            description: "The Kubernetes API to the kubelets, for logs and exec",
            protocol: "tcp",
            ports: ["10250"],
            from: { sourceTags: [tags.controlPlane] },
            targetTags: [tags.node],
        },
        {
            name: "overlay",
            description: "The pods' network, VXLAN between the nodes",
            protocol: "udp",
            ports: ["8472"],
            from: { sourceTags: [tags.node] },
            targetTags: [tags.node],
        },
    ];
    return rules.filter((rule) => rule !== false);
}

/** With a bastion, nothing else reaches the machines' SSH servers. */
function sshRules({ ssh }: GcpSpec, tags: ReturnType<typeof networkTags>): FirewallRule[] {
    const rule = { protocol: "tcp" as const, ports: ["22"] };
    if (ssh.via === "direct") {
        const from = { sourceRanges: ssh.sourceRanges };
        return [{ ...rule, name: "ssh", description: "SSH to the machines", from, targetTags: [tags.node] }];
    }
    return [
        {
            ...rule,
            name: "bastion",
            description: "SSH to the bastion",
            from: { sourceRanges: ssh.via === "iap" ? [iapRange] : ssh.sourceRanges },
            targetTags: [tags.bastion],
        },
        {
            ...rule,
            name: "ssh",
            description: "SSH from the bastion to the machines",
            from: { sourceTags: [tags.bastion] },
            targetTags: [tags.node],
        },
    ];
}

function balancerRanges({ api, proxySubnetCidr }: GcpSpec): string[] {
    return [...new Set([proxySubnetCidr, ...healthChecks.proxy, ...(api.public ? healthChecks.passthrough : [])])];
}
