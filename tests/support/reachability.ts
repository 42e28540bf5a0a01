import * as ipaddr from "ipaddr.js";
import { Recorded } from "./recordingMocks";

/** Someone who sends: a machine by its tags, or anybody by an address. */
export type Sender = { tags: string[] } | { address: string };

interface Firewall {
    direction: string;
    allows: { protocol: string; ports: string[] }[];
    sourceRanges?: string[];
    sourceTags?: string[];
    targetTags: string[];
    disabled?: boolean;
}

/** What a network with only these rules lets in, by Google Cloud's own rule: nothing that no rule allows. */
export function mayReach(
    resources: Pick<Recorded, "type" | "name" | "inputs">[],
    from: Sender,
    to: { tags: string[] },
    protocol: "tcp" | "udp",
    port: number,
): boolean {
    return resources
        .filter(({ type }) => type === "gcp:compute/firewall:Firewall")
        .map(({ inputs }) => inputs as unknown as Firewall)
        .some(
            (rule) =>
                rule.direction === "INGRESS" &&
                !rule.disabled &&
                overlap(rule.targetTags, to.tags) &&
                rule.allows.some(
                    (one) => one.protocol === protocol && one.ports.some((ports) => includes(ports, port)),
                ) &&
                ("tags" in from
                    ? overlap(rule.sourceTags ?? [], from.tags)
                    : (rule.sourceRanges ?? []).some((cidr) => contains(cidr, from.address))),
        );
}

function overlap(some: string[], others: string[]): boolean {
    return some.some((one) => others.includes(one));
}

function includes(ports: string, port: number): boolean {
    const [first, last = first] = ports.split("-").map(Number) as [number, number?];
    return first <= port && port <= last;
}

function contains(cidr: string, address: string): boolean {
    return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr));
}
