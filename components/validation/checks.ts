import * as ipaddr from "ipaddr.js";
import { Problems } from "./problems";

/** RFC 1123 label, as Kubernetes wants of node names: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export function rfc1123Label(problems: Problems, path: string, value: string, maxLength: number) {
    problems.check(
        typeof value === "string" && value.length <= maxLength && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value),
        path,
        value,
        "not a valid name",
        `at most ${maxLength} lower-case letters, digits and "-", starting and ending with a letter or digit`,
        `for example "${labelOf(value, maxLength) || "lab"}"`,
    );
}

/** The label that is nearest to a text; empty if there is nothing left of it. */
function labelOf(value: unknown, maxLength: number): string {
    const allowed = typeof value === "string" ? value.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-") : "";
    return allowed.replace(/^-/, "").slice(0, maxLength).replace(/-$/, "");
}

/** A TCP port. */
export function port(problems: Problems, path: string, value: number) {
    problems.check(
        Number.isInteger(value) && value >= 1 && value <= 65535,
        path,
        value,
        "not a port",
        "a whole number from 1 to 65535",
        "leave it out for the default",
    );
}

/** A whole number from `least` on. */
export function positive(problems: Problems, path: string, value: number, least: number, why: string) {
    problems.check(
        Number.isInteger(value) && value >= least,
        path,
        value,
        why,
        `a whole number from ${least} on`,
        "leave it out for the default",
    );
}

/** Host name or IP address, with an optional port. An output is judged where it is used. */
export function endpoint(problems: Problems, path: string, value: unknown) {
    problems.check(
        typeof value !== "string" || /^(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:[1-9][0-9]{0,4})?$/.test(value),
        path,
        value,
        "not a host with an optional port",
        "a host name or an IP address (IPv6 in brackets), and :port",
        'for example "api.example.com:6443"',
    );
}

/** A host name or an IP address, and nothing around it. An output is judged where it is used. */
export function host(problems: Problems, path: string, value: unknown) {
    problems.check(
        typeof value !== "string" || ipaddr.isValid(value) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value),
        path,
        value,
        "not a host name or an IP address",
        "a name or an address alone, without scheme, user or port",
        'for example "192.0.2.10"; user and port are arguments of their own',
    );
}

/** A reference to a container image. An output is judged where it is used. */
export function imageReference(problems: Problems, path: string, value: unknown) {
    problems.check(
        typeof value !== "string" || /^[A-Za-z0-9][^\s]*$/.test(value),
        path,
        value,
        "not a reference to an image",
        "a name, with a registry, a tag or a digest where they are needed",
        'for example "nginx" or "registry.example.com/team/app:1.2"',
    );
}

/** An http or https URL. */
export function url(problems: Problems, path: string, value: string) {
    problems.check(
        URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
        path,
        value,
        "not a URL",
        "http:// or https://, with a host",
        'for example "https://mirror.example.com"',
    );
}

/** kubeadm gives every node a /24 out of the pod range, and wants at most 2^16 of them. */
export function podRange(problems: Problems, path: string, value: string) {
    const range = ipv4Range(problems, path, value, "10.244.0.0/16");
    problems.check(
        !range || (range[1] <= 24 && range[1] >= 8),
        path,
        value,
        "every node takes a /24 out of it",
        "a prefix length from 8 to 24",
        'for example "10.244.0.0/16"',
    );
}

/** kubeadm wants at least 10 addresses for services, and at most 20 host bits. */
export function serviceRange(problems: Problems, path: string, value: string, podCidr: string) {
    const range = ipv4Range(problems, path, value, "10.96.0.0/12");
    problems.check(
        !range || (range[1] >= 12 && range[1] <= 28),
        path,
        value,
        "too small or too large for kubeadm",
        "a prefix length from 12 to 28",
        'for example "10.96.0.0/12"',
    );
    const pods = parseIpv4(podCidr);
    problems.check(
        !range || !pods || !overlap(range, pods),
        path,
        value,
        `it overlaps kubernetes.podCidr ${podCidr}`,
        "two ranges that do not overlap",
        "leave both out for 10.244.0.0/16 and 10.96.0.0/12",
    );
}

/** An address, and the length of the prefix. */
export type Range = [ipaddr.IPv4, number];

/** An IPv4 range with its own address that is none of the special ones. Nothing where it is no range at all. */
export function ipv4Range(problems: Problems, path: string, value: string, example: string): Range | undefined {
    const range = parseIpv4(value);
    const fits = problems.check(
        range,
        path,
        value,
        "not an IPv4 range",
        "an IPv4 CIDR such as " + example,
        `use "${example}"`,
    );
    if (!fits || !range) {
        return undefined;
    }
    const network = ipaddr.IPv4.networkAddressFromCIDR(value).toString();
    problems.check(
        network === range[0].toString(),
        path,
        value,
        "the address is not the network's own",
        "host bits that are all zero",
        `use "${network}/${range[1]}"`,
    );
    for (const [taken, what] of reserved) {
        problems.check(
            !overlap(range, ipaddr.IPv4.parseCIDR(taken)),
            path,
            value,
            `it overlaps ${taken}, ${what}`,
            "a private range of your own",
            `use "${example}"`,
        );
    }
    return range;
}

const reserved: [string, string][] = [
    ["127.0.0.0/8", "which is loopback"],
    ["169.254.0.0/16", "which is link-local and holds cloud metadata servers"],
    ["224.0.0.0/4", "which is multicast"],
];

/** The IPv4 range that the text is, if it is one. */
export function parseIpv4(value: string | undefined): Range | undefined {
    return typeof value === "string" && ipaddr.IPv4.isValidCIDR(value) ? ipaddr.IPv4.parseCIDR(value) : undefined;
}

/** Whether two IPv4 ranges have an address in common. What is not a range has none. */
export function overlapping(one: string | undefined, other: string): boolean {
    const ranges = [parseIpv4(one), parseIpv4(other)];
    return ranges[0] !== undefined && ranges[1] !== undefined && overlap(ranges[0], ranges[1]);
}

function overlap(one: Range, other: Range): boolean {
    const bits = Math.min(one[1], other[1]);
    return one[0].match(other[0], bits);
}
