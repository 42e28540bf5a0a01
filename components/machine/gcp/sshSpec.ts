import * as args from "../../args";
import { port } from "../../validation/checks";
import { hasAny, Problems } from "../../validation/problems";
import { objectAt } from "../../validation/shapes";
import { privateKeyForm, publicKeyForm } from "../../validation/sshKeys";
import { GcpSpec } from "./gcpSpec";
import { machineFamilies, parseMachineType } from "./machineFamilies";
import { sourceRanges } from "./ranges";

const at = "machines.gcp.ssh";

/** How the machines are reached by SSH, but for the bastion's zone. */
export function resolveSsh(
    problems: Problems,
    value: args.GcpSshArgs | undefined,
    wholeInternet: boolean,
): Omit<GcpSpec["ssh"], "bastionZone"> {
    const input = objectAt(problems, at, value);
    const via = problems.oneOf(`${at}.via`, input.via, args.GcpSshPath, "bastion");
    const tunnelPort = input.tunnelPort ?? 22122;
    port(problems, `${at}.tunnelPort`, tunnelPort);
    only(problems, "tunnelPort", input, via === "iap", `via "${via}" has no tunnel`, 'nothing but for via "iap"');
    checkUser(problems, input.user);
    return {
        via,
        sourceRanges: sources(problems, input, via, wholeInternet),
        tunnelPort,
        bastionMachineType: bastionMachineType(problems, input, via),
        user: input.user ?? "kata",
        keys: keys(problems, input),
    };
}

function sources(problems: Problems, input: Partial<args.GcpSshArgs>, via: string, wholeInternet: boolean): string[] {
    const path = `${at}.sourceRanges`;
    if (via === "iap") {
        const wrong = 'via "iap" takes connections from Google\'s Identity-Aware Proxy only';
        only(problems, "sourceRanges", input, false, wrong, 'nothing for via "iap"');
        return [];
    }
    const ranges = sourceRanges(problems, path, input.sourceRanges, wholeInternet);
    problems.check(
        ranges.length > 0 || (input.sourceRanges !== undefined && !Array.isArray(input.sourceRanges)),
        path,
        input.sourceRanges,
        "nobody could log in, and Pulumi has to",
        "one range or more, IPv4 CIDR",
        via === "direct"
            ? "give the range that Pulumi runs in"
            : 'give your own address, for example ["203.0.113.7/32"], or set via: "iap"',
    );
    return ranges;
}

function bastionMachineType(problems: Problems, input: Partial<args.GcpSshArgs>, via: string): string {
    const path = `${at}.bastionMachineType`;
    const type = input.bastionMachineType ?? "e2-micro";
    only(problems, "bastionMachineType", input, via !== "direct", 'via "direct" has no bastion', "nothing");
    const parsed = parseMachineType(type);
    const family = machineFamilies[parsed?.family ?? ""] ?? {};
    problems.check(
        parsed && !parsed.bareMetal && !family.arm && family.disks?.includes("pd-standard") !== false,
        path,
        type,
        parsed ? "the bastion's disk or image is not for it" : "not a machine type",
        "an x86 machine type that takes standard Persistent Disk",
        'leave it out for "e2-micro"',
    );
    return type;
}

/** A setting that has a meaning in some cases only. */
function only(
    problems: Problems,
    key: keyof args.GcpSshArgs,
    input: Partial<args.GcpSshArgs>,
    good: boolean,
    wrong: string,
    allowed: string,
) {
    problems.check(good || input[key] === undefined, `${at}.${key}`, input[key], wrong, allowed, "remove it");
}

function checkUser(problems: Problems, value: string | undefined) {
    problems.check(
        value === undefined || (typeof value === "string" && /^[a-z_][a-z0-9_-]{0,31}$/.test(value)),
        `${at}.user`,
        value,
        "not a name of a user",
        "at most 32 lower-case letters, digits, - and _, with a letter first",
        'leave it out for "kata"',
    );
    problems.check(
        value !== "root",
        `${at}.user`,
        value,
        "Google's images let nobody log in as root",
        "another user, who gets sudo without a password",
        'leave it out for "kata"',
    );
}

function keys(problems: Problems, { privateKey, publicKey }: Partial<args.GcpSshArgs>): GcpSpec["ssh"]["keys"] {
    const [hasPrivate, hasPublic] = [hasAny(privateKey), hasAny(publicKey)];
    problems.check(
        hasPrivate === hasPublic,
        hasPrivate ? `${at}.publicKey` : `${at}.privateKey`,
        "nothing",
        `it belongs to ${at}.${hasPrivate ? "privateKey" : "publicKey"}, which is there`,
        "both keys, or none",
        "leave both out for a key that is made and kept as a secret",
    );
    privateKeyForm(problems, `${at}.privateKey`, hasPrivate ? privateKey : undefined);
    publicKeyForm(problems, `${at}.publicKey`, hasPublic ? publicKey : undefined);
    return hasPrivate && hasPublic ? { privateKey: privateKey!, publicKey: publicKey! } : undefined;
}
