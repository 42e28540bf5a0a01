import * as ipaddr from "ipaddr.js";
import { ipv4Range, overlapping, parseIpv4 } from "../../validation/checks";
import { Problems } from "../../validation/problems";
import { textsAt } from "../../validation/shapes";

const at = "machines.gcp.network";
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
/** Google Cloud keeps the first two and the last two addresses of every subnet. */
const kept = 4;

/** Every range that has to be apart from the others. */
export interface Ranges {
    subnetCidr: string;
    /** Needed for several control planes only. */
    proxySubnetCidr?: string;
    podCidr: string;
    serviceCidr: string;
}

/** Checks the ranges of the network, for so many addresses in its subnet. */
export function checkRanges(problems: Problems, ranges: Ranges, addresses: number) {
    const { subnetCidr, proxySubnetCidr, podCidr, serviceCidr } = ranges;
    const subnet = privateRange(problems, `${at}.subnetCidr`, subnetCidr, "10.80.0.0/20");
    if (subnet) {
        const bits = subnet[1];
        problems.check(
            bits >= 8 && bits <= 28 && 2 ** (32 - bits) - kept >= addresses,
            `${at}.subnetCidr`,
            subnetCidr,
            bits < 8
                ? "larger than any private range"
                : `too small for ${addresses} addresses, and ${kept} that Google keeps`,
            `a prefix length from 8 to ${Math.min(28, 32 - Math.ceil(Math.log2(addresses + kept)))}`,
            'leave it out for "10.80.0.0/20"',
        );
    }
    if (proxySubnetCidr !== undefined) {
        const proxies = privateRange(problems, `${at}.proxySubnetCidr`, proxySubnetCidr, "10.80.16.0/23");
        problems.check(
            !proxies || proxies[1] <= 26,
            `${at}.proxySubnetCidr`,
            proxySubnetCidr,
            "too small for the load balancer's proxies",
            "a prefix length up to 26",
            'leave it out for "10.80.16.0/23"',
        );
    }
    const taken: [path: string, cidr: string | undefined][] = [
        [`${at}.subnetCidr`, subnetCidr],
        ["kubernetes.podCidr", podCidr],
        ["kubernetes.serviceCidr", serviceCidr],
    ];
    const apart = (path: string, cidr: string | undefined, others: typeof taken) =>
        others.forEach(([other, value]) =>
            problems.check(
                cidr === undefined || value === undefined || !overlapping(cidr, value),
                path,
                cidr,
                `it overlaps ${other} ${value}`,
                "two ranges that do not overlap",
                "leave both out for the defaults",
            ),
        );
    apart(`${at}.subnetCidr`, subnetCidr, taken.slice(1));
    apart(`${at}.proxySubnetCidr`, proxySubnetCidr, taken);
}

function privateRange(problems: Problems, path: string, value: string, example: string) {
    const range = ipv4Range(problems, path, value, example);
    const isPrivate = privateRanges.map((one) => ipaddr.IPv4.parseCIDR(one)).some((one) => range?.[0].match(one));
    const good = problems.check(
        !range || isPrivate,
        path,
        value,
        "not a private range",
        `a range within ${privateRanges.join(", ")}`,
        `use "${example}"`,
    );
    return good ? range : undefined;
}

/** The ranges that connections are taken from. A large part of the internet is refused unless it is allowed. */
export function sourceRanges(
    problems: Problems,
    path: string,
    value: string[] | undefined,
    wholeInternet: boolean,
): string[] {
    return textsAt(problems, path, value).map((source, i) => {
        const here = `${path}[${i}]`;
        const range = parseIpv4(source);
        const known = problems.check(
            range && ipaddr.IPv4.isValidCIDRFourPartDecimal(source),
            here,
            source,
            "not an IPv4 range",
            "an IPv4 CIDR",
            ipaddr.IPv4.isValidFourPartDecimal(source) ? `use "${source}/32"` : 'for example "203.0.113.7/32"',
        );
        if (known && range) {
            const network = ipaddr.IPv4.networkAddressFromCIDR(source).toString();
            problems.check(
                network === range[0].toString(),
                here,
                source,
                "the address is not the network's own",
                "host bits that are all zero",
                `use "${network}/${range[1]}", or "${range[0].toString()}/32" for the one address`,
            );
            problems.check(
                wholeInternet || range[1] >= 8,
                here,
                source,
                "anybody on a large part of the internet could connect",
                "a prefix length from 8 on",
                'give your own address, for example "203.0.113.7/32", or set machines.gcp.network.dangerouslyAllowTheWholeInternet: true',
            );
        }
        return source;
    });
}
