import { isInSubnetwork, range, overlap } from "../addresses";
import { invalid, invalidField } from "../apiError";
import { Cloud, Stored } from "../cloud";
import { referred } from "./references";

/** Ranges are networks of their own size, and do not overlap within a network. */
export function subnetworkRules(cloud: Cloud, resource: Stored) {
    const { ipCidrRange, purpose } = resource.inputs as { ipCidrRange?: string; purpose?: string };
    if (ipCidrRange === undefined) {
        throw invalidField("ipCidrRange", "", "Subnetwork must have an IP range.");
    }
    const [first, bits] = range(ipCidrRange) ?? [];
    if (
        bits === undefined ||
        !isInSubnetwork(ipCidrRange, ipCidrRange.split("/")[0]!) ||
        first !== ipCidrRange.split("/")[0]
    ) {
        throw invalidField("ipCidrRange", ipCidrRange, "Must be a CIDR address range whose host bits are all zero.");
    }
    if (bits > 29 || (purpose === "REGIONAL_MANAGED_PROXY" && bits > 26)) {
        throw invalidField("ipCidrRange", ipCidrRange, "The range is too small.");
    }
    const network = referred(cloud, resource, "network");
    for (const other of cloud.list(resource.project, "subnetworks")) {
        const same = referred(cloud, other, "network")?.key === network?.key && other.key !== resource.key;
        if (same && overlap(ipCidrRange, other.inputs.ipCidrRange as string)) {
            const where = `conflicts with existing subnetwork '${other.name}' in region '${other.region}'`;
            throw invalid(`Invalid IPCidrRange: ${ipCidrRange} ${where}.`);
        }
    }
    if (purpose === "REGIONAL_MANAGED_PROXY" && resource.inputs.role === undefined) {
        throw invalidField("role", "", "A proxy-only subnetwork must be ACTIVE or BACKUP.");
    }
}

/** A rule allows or denies, something, from somewhere. */
export function firewallRules({ inputs }: Stored) {
    const {
        allows = [],
        denies = [],
        direction = "INGRESS",
    } = inputs as {
        allows?: Protocol[];
        denies?: Protocol[];
        direction?: string;
    };
    if (allows.length > 0 === denies.length > 0) {
        throw invalid("Firewall must have either allowed or denied rules, and not both.");
    }
    for (const [i, { protocol, ports = [] }] of [...allows, ...denies].entries()) {
        const wrong = ports.find((port) => !/^\d{1,5}(-\d{1,5})?$/.test(port));
        if (wrong !== undefined || (ports.length > 0 && !["tcp", "udp", "sctp", "6", "17", "132"].includes(protocol))) {
            throw invalidField(`allowed[${i}].ports`, ports.join(","), `Not ports of protocol ${protocol}.`);
        }
    }
    const sources = ["sourceRanges", "sourceTags"].flatMap((key) => (inputs[key] ?? []) as string[]);
    if (direction === "INGRESS" && sources.length === 0) {
        throw invalid("Ingress firewall must have at least one of: sourceRanges, sourceTags, sourceServiceAccounts.");
    }
    const bad = ((inputs.sourceRanges ?? []) as string[]).find((one) => !range(one));
    if (bad !== undefined) {
        throw invalidField("sourceRanges", bad, "Must be a CIDR address range.");
    }
}

interface Protocol {
    protocol: string;
    ports?: string[];
}
