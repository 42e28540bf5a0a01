import { TaintArgs, TaintEffect } from "../machineArgs";
import { Problems } from "./problems";

/** What a Node is registered with, with its defaults filled in. */
export interface NodeSettings {
    labels: Record<string, string>;
    taints: TaintArgs[];
}

/**
 * Domains whose labels kubelet may not set on its own Node, and those in them that it may:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
const reserved = /(^|\.)(kubernetes|k8s)\.io$/;
const allowedDomains = /(^|\.)(kubelet|node)\.kubernetes\.io$/;
const allowedLabels = [
    ...["kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "node.kubernetes.io/instance-type"],
    ...["topology.kubernetes.io/region", "topology.kubernetes.io/zone"],
];
/** What this project sets by itself. */
const own = "katacontainers.io/kata-runtime";

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const domain = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Fills in and checks the labels and taints of the Nodes that `at` describes. */
export function nodeSettings(
    problems: Problems,
    at: string,
    input: { labels?: { [key: string]: string }; taints?: TaintArgs[] },
): NodeSettings {
    const labels = input.labels ?? {};
    const taints = input.taints ?? [];
    Object.entries(labels).forEach(([key, value]) => {
        const here = `${at}.labels["${key}"]`;
        qualifiedName(problems, here, key);
        labelValue(problems, here, value);
        const prefix = key.includes("/") ? key.split("/")[0]! : "";
        problems.check(
            !reserved.test(prefix) || allowedDomains.test(prefix) || allowedLabels.includes(key),
            here,
            key,
            "kubelet may not give its own Node this label, and would not start",
            "labels outside kubernetes.io and k8s.io, or in kubelet.kubernetes.io and node.kubernetes.io",
            'use a domain of your own, for example "example.com/role", or kubectl label once the node is there',
        );
        problems.check(key !== own, here, key, "every node gets it, with the value true", "other labels", "remove it");
    });
    taints.forEach((taint, i) => {
        const here = `${at}.taints[${i}]`;
        qualifiedName(problems, `${here}.key`, taint.key);
        labelValue(problems, `${here}.value`, taint.value ?? "");
        const effects: string[] = Object.values(TaintEffect);
        problems.check(
            effects.includes(taint.effect),
            `${here}.effect`,
            taint.effect,
            "not a known effect",
            effects.map((one) => `"${one}"`).join(", "),
            'use "NoSchedule"',
        );
        problems.check(
            !/^node(-role)?[.]kubernetes[.]io[/]/.test(taint.key),
            `${here}.key`,
            taint.key,
            "the control plane sets and removes this taint by itself",
            "a key of your own",
            'use a domain of your own, for example "example.com/dedicated"',
        );
        problems.check(
            taints.findIndex((other) => other.key === taint.key && other.effect === taint.effect) === i,
            here,
            `${taint.key}:${taint.effect}`,
            "the same taint twice",
            "one taint of each key and effect",
            "remove one of them",
        );
    });
    return inOrder({ labels, taints });
}

/** The order in which they are written means nothing, and is not to show as a change. */
function inOrder({ labels, taints }: NodeSettings): NodeSettings {
    const name = ({ key, effect }: TaintArgs) => `${key}:${effect}`;
    return {
        labels: Object.fromEntries(Object.entries(labels).sort()),
        taints: taints
            .map(({ key, value, effect }) => ({ key, ...(value === undefined ? {} : { value }), effect }))
            .sort((a, b) => (name(a) < name(b) ? -1 : 1)),
    };
}

function qualifiedName(problems: Problems, at: string, key: string | undefined) {
    const [prefix, rest] = key?.includes("/") ? splitOnce(key) : [undefined, key ?? ""];
    problems.check(
        name.test(rest) && (prefix === undefined || domain.test(prefix)),
        at,
        key,
        "not a qualified name",
        "at most 63 letters, digits, dashes, underscores and dots, with an optional DNS name and / before them",
        'for example "example.com/dedicated"',
    );
}

function labelValue(problems: Problems, at: string, value: string) {
    problems.check(
        typeof value === "string" && (value === "" || name.test(value)),
        at,
        value,
        "not a value of a label",
        "at most 63 letters, digits, dashes, underscores and dots",
        'for example "true", with quotes',
    );
}

function splitOnce(key: string): [string, string] {
    const slash = key.indexOf("/");
    return [key.slice(0, slash), key.slice(slash + 1)];
}
