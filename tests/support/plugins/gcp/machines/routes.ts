import { connect } from "node:net";
import { isInSubnetwork, range } from "../addresses";
import { Cloud, Stored } from "../cloud";
import { references, referred } from "../rules/references";
import { membersOf, proxySubnetwork, serviceOf } from "../rules/loadBalancerRules";

/** A port on this computer. */
export interface Target {
    host: string;
    port: number;
}

const local = "127.0.0.1";
const sshPort = 22;
const apiPort = 6443;

/** The instance that has an internal address. */
export function instanceAt(cloud: Cloud, project: string, address: string): Stored | undefined {
    return cloud
        .list(project, "instances")
        .find(({ outputs }) => (outputs.networkInterfaces as { networkIp: string }[])[0]!.networkIp === address);
}

/** What stands for a port of an instance on this computer, if the firewall lets that source through. */
export function route(cloud: Cloud, instance: Stored, port: number, source: Source): Target | undefined {
    const { machine } = instance;
    const there = port === sshPort ? machine?.sshPort : port === apiPort ? machine?.apiPort : undefined;
    return there !== undefined && allows(cloud, instance, port, source) ? { host: local, port: there } : undefined;
}

/** Who connects: an address, and the instance's tags where it is one. */
export interface Source {
    address: string;
    tags?: string[];
}

/** An instance as a source of connections. */
export function sourceOf({ inputs, outputs }: Stored): Source {
    const [first] = outputs.networkInterfaces as { networkIp: string }[];
    return { address: first!.networkIp, tags: (inputs.tags ?? []) as string[] };
}

/** Whether the firewall rules of its network let a TCP connection through: the first rule by priority, else none. */
export function allows(cloud: Cloud, instance: Stored, port: number, { address, tags = [] }: Source): boolean {
    const network = networkOf(cloud, instance)?.key;
    const own = (instance.inputs.tags ?? []) as string[];
    const hit = cloud
        .list(instance.project, "firewalls")
        .filter((rule) => referred(cloud, rule, "network")?.key === network)
        .map(({ inputs }) => inputs as unknown as FirewallInputs)
        .filter(({ direction = "INGRESS", disabled }) => direction === "INGRESS" && !disabled)
        .filter(({ targetTags }) => !targetTags || targetTags.some((tag) => own.includes(tag)))
        .filter(
            ({ sourceRanges = [], sourceTags = [] }) =>
                sourceRanges.some((one) => isInSubnetwork(one, address)) ||
                sourceTags.some((tag) => tags.includes(tag)),
        )
        .filter(({ allows = [], denies = [] }) => [...allows, ...denies].some((protocol) => covers(protocol, port)))
        .sort((a, b) => (a.priority ?? 1000) - (b.priority ?? 1000) || (a.denies ? -1 : 1))[0];
    return hit?.allows !== undefined;
}

interface FirewallInputs {
    allows?: Protocol[];
    denies?: Protocol[];
    direction?: string;
    disabled?: boolean;
    priority?: number;
    sourceRanges?: string[];
    sourceTags?: string[];
    targetTags?: string[];
}

interface Protocol {
    protocol: string;
    ports?: string[];
}

function covers({ protocol, ports }: Protocol, port: number): boolean {
    return (
        ["tcp", "6", "all"].includes(protocol) &&
        (!ports ||
            ports.some((one) => {
                const [first, last = first] = one.split("-").map(Number);
                return port >= first! && port <= last!;
            }))
    );
}

function networkOf(cloud: Cloud, instance: Stored): Stored | undefined {
    const subnetwork = referred(cloud, instance, "networkInterfaces[0].subnetwork");
    return subnetwork
        ? referred(cloud, subnetwork, "network")
        : referred(cloud, instance, "networkInterfaces[0].network");
}

/** Google's health checks of regional load balancers come from here, among others. */
const healthChecker = { address: "35.191.0.1" };

/**
 * The instance that a load balancer sends a connection to: one of the backend service's groups, that answers, and that
 * the firewall lets the health checks reach, and those that connect: the proxies of a proxy, else the client itself.
 */
export async function balanced(cloud: Cloud, rule: Stored, client: Source): Promise<Target | undefined> {
    const service = serviceOf(cloud, rule);
    const { loadBalancingScheme: scheme = "EXTERNAL" } = rule.inputs as { loadBalancingScheme?: string };
    const proxies = scheme.endsWith("_MANAGED") ? proxySubnetwork(cloud, rule) : undefined;
    const source = proxies ? { address: range(proxies.inputs.ipCidrRange as string)![0] } : client;
    const groups = service ? references(cloud, service).filter(({ path }) => path.startsWith("backends")) : [];
    for (const instance of groups.flatMap(({ to: group }) => (group ? membersOf(cloud, group) : []))) {
        const target = route(cloud, instance, apiPort, source);
        if (target && allows(cloud, instance, apiPort, healthChecker) && (await answers(target))) {
            return target;
        }
    }
    return undefined;
}

function answers({ host, port }: Target): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 2000 });
        const end = (up: boolean) => {
            socket.destroy();
            resolve(up);
        };
        socket
            .once("connect", () => end(true))
            .once("error", () => end(false))
            .once("timeout", () => end(false));
    });
}
