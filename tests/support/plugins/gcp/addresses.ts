import * as ipaddr from "ipaddr.js";
import { ApiError } from "./apiError";
import { Cloud, Stored } from "./cloud";
import { addressesOf } from "./rules/references";

/**
 * "External" addresses are of the loopback network, so that anything on this computer can connect to them, on their
 * true ports, and nothing else can.
 */
export const externalRange = "127.80.0.0/16";

/** First address and bits of an IPv4 range; undefined if it is none. */
export function range(cidr: string): [first: string, bits: number] | undefined {
    if (!ipaddr.IPv4.isValidCIDR(cidr)) {
        return undefined;
    }
    return [ipaddr.IPv4.networkAddressFromCIDR(cidr).toString(), ipaddr.IPv4.parseCIDR(cidr)[1]];
}

/** Whether two ranges share an address. */
export function overlap(one: string, other: string): boolean {
    return isInSubnetwork(one, other.split("/")[0]!) || isInSubnetwork(other, one.split("/")[0]!);
}

/** Whether an address is in a range. */
export function isInSubnetwork(cidr: string | undefined, address: string): boolean {
    return (
        cidr !== undefined &&
        ipaddr.IPv4.isValidCIDR(cidr) &&
        ipaddr.IPv4.isValid(address) &&
        ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr))
    );
}

/** The first free address of a subnetwork, whose first two and last two are Google's own. */
export function nextInternal(cloud: Cloud, subnetwork: Stored): string {
    return next(cloud, subnetwork.project, subnetwork.inputs.ipCidrRange as string);
}

/** The first free external address. */
export function nextExternal(cloud: Cloud, project: string): string {
    return next(cloud, project, externalRange);
}

function next(cloud: Cloud, project: string, cidr: string): string {
    const [first, bits] = range(cidr)!;
    const taken = new Set(
        cloud
            .list(project)
            .flatMap((one) => (one.collection === "addresses" ? [one.outputs.address as string] : addressesOf(one))),
    );
    const start = number(first);
    for (let i = 2; i < 2 ** (32 - bits) - 2; i++) {
        const address = text(start + i);
        if (!taken.has(address)) {
            return address;
        }
    }
    throw new ApiError(400, "ipSpaceExhausted", `IP space of ${cidr} is exhausted`);
}

function number(address: string): number {
    return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function text(value: number): string {
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
