import * as ipaddr from "ipaddr.js";
import { Resource, Rule } from "../rule";

/** Shorter prefixes than these are nobody's own network: two halves of the internet are the internet. */
const shortest = { ipv4: 8, ipv6: 16 };

/** Google Cloud lets everybody in where an ingress rule names no source at all. */
export const noWorldOpenFirewall: Rule = {
    name: "no-world-open-firewall",
    description: "No firewall rule lets the whole internet in.",
    enforcement: "mandatory",
    violations: ({ type, inputs }: Resource) => {
        if (type !== "gcp:compute/firewall:Firewall" || !letsIn(inputs)) {
            return [];
        }
        if (![inputs.sourceRanges, inputs.sourceTags, inputs.sourceServiceAccounts].some(names)) {
            return [
                "sourceRanges: neither ranges nor tags nor service accounts are named, which lets the whole internet in. Fix: name who may reach it",
            ];
        }
        return list(inputs.sourceRanges)
            .filter(isWorld)
            .map(
                (range) =>
                    `sourceRanges has ${range}, which lets the whole internet in. Fix: name the networks that need it, or go through Identity-Aware Proxy (35.235.240.0/20)`,
            );
    },
};

function letsIn({ direction, allows, disabled }: Resource["inputs"]): boolean {
    return direction !== "EGRESS" && disabled !== true && names(allows);
}

/** Whether there is anything in it, known or not. */
function names(value: unknown): boolean {
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

function list(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function isWorld(range: string): boolean {
    if (!ipaddr.isValidCIDR(range)) {
        return false;
    }
    const [address, length] = ipaddr.parseCIDR(range);
    return length < shortest[address.kind()];
}
