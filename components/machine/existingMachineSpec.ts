import * as ipaddr from "ipaddr.js";
import * as args from "../args";
import { endpoint, host, port, rfc1123Label } from "../validation/checks";
import { nodeSettings } from "../validation/nodeSettings";
import { hasAny, Problems } from "../validation/problems";
import { privateKeyForm } from "../validation/sshKeys";
import { controlPlaneCount } from "./controlPlaneCount";
import { MachineSpec } from "./machineSpec";

const at = "machines.existing";

/** The machines that exist already, control planes first. */
export function resolveExisting(problems: Problems, cluster: string, all: args.KataClusterArgs): MachineSpec[] {
    const input = all.machines.existing!;
    const controlPlanes = input.controlPlanes ?? [];
    const count = controlPlanes.length;
    controlPlaneCount(problems, `${at}.controlPlanes`, count, `${count} machines`);
    problems.check(
        count < 2 || hasAny(all.kubernetes?.controlPlaneEndpoint),
        "kubernetes.controlPlaneEndpoint",
        all.kubernetes?.controlPlaneEndpoint,
        `the nodes need one address for the API of ${count} control planes`,
        "the host and port of a load balancer, or a virtual address",
        'for example "api.example.com:6443"',
    );
    const machines = [
        ...controlPlanes.map((machine, i) => resolveMachine(problems, cluster, "control-plane", machine, i)),
        ...(input.workers ?? []).map((machine, i) => resolveMachine(problems, cluster, "worker", machine, i)),
    ];
    checkTwice(problems, machines);
    return machines.map(({ machine }) => machine);
}

/** A machine, and the path of what describes it. */
interface Described {
    here: string;
    machine: MachineSpec & { kind: "existing" };
}

function resolveMachine(
    problems: Problems,
    cluster: string,
    role: args.NodeRole,
    machine: args.ExistingMachineArgs,
    i: number,
): Described {
    const here = `${at}.${role === "worker" ? "workers" : "controlPlanes"}[${i}]`;
    const name = machine.name ?? `${cluster}-${role}-${i}`;
    rfc1123Label(problems, `${here}.name`, name, 63);
    problems.given(`${here}.address`, machine.address, "the machine's host name or IP address");
    login(problems, here, machine);
    endpoint(problems, `${here}.apiAddress`, machine.apiAddress);
    const trustOnFirstUse =
        problems.oneOf(`${here}.hostKeyPolicy`, machine.hostKeyPolicy, args.HostKeyPolicy, "pinned") ===
        "trust-on-first-use";
    if (!trustOnFirstUse) {
        hostKey(problems, here, machine.hostKey);
    }
    if (machine.bastion) {
        problems.check(
            !trustOnFirstUse,
            `${here}.hostKeyPolicy`,
            machine.hostKeyPolicy,
            "a host key cannot be looked up through a bastion",
            '"pinned" where bastion is given',
            `set ${here}.hostKey`,
        );
        problems.given(`${here}.bastion.address`, machine.bastion.address, "the bastion's host name or IP address");
        login(problems, `${here}.bastion`, machine.bastion);
        hostKey(problems, `${here}.bastion`, machine.bastion.hostKey);
    }
    internalAddress(problems, here, machine.internalAddress);
    const settings = nodeSettings(problems, here, machine);
    return { here, machine: { kind: "existing", name, role, ...settings, existing: machine } };
}

/** Two nodes can't have one name, and one machine can't be two nodes. */
function checkTwice(problems: Problems, machines: Described[]) {
    const once = (field: string, what: string, fix: string, value: (one: Described) => string | undefined) =>
        machines.forEach((one, i) => {
            const own = value(one)?.toLowerCase();
            const other = own === undefined ? -1 : machines.findIndex((it) => value(it)?.toLowerCase() === own);
            problems.check(
                other < 0 || other === i,
                `${one.here}.${field}`,
                own,
                `${machines[other]?.here}.${field} is the same ${what}`,
                "each only once",
                fix,
            );
        });
    once("name", "name", "give one of them another name", ({ machine }) => machine.name);
    once("address", "machine", "remove one of them, or correct its address or port", ({ machine: { existing } }) => {
        const { address, port = 22, bastion } = existing;
        // Behind another bastion the same address is another machine.
        const through = bastion ? bastion.address : "";
        return typeof address === "string" && typeof through === "string"
            ? `${address}:${port}${through && ` through ${through}`}`
            : undefined;
    });
}

function internalAddress(problems: Problems, here: string, value: unknown) {
    problems.check(
        typeof value !== "string" || ipaddr.IPv4.isValidFourPartDecimal(value),
        `${here}.internalAddress`,
        value,
        "not an IPv4 address",
        "an address of one of the machine's interfaces",
        'for example "10.0.0.11"',
    );
}

function login(problems: Problems, at: string, input: args.ExistingMachineArgs | args.BastionArgs) {
    if (hasAny(input.address)) {
        host(problems, `${at}.address`, input.address);
    }
    port(problems, `${at}.port`, input.port ?? 22);
    problems.check(
        /^[^\s:@]+$/.test(input.user ?? "root"),
        `${at}.user`,
        input.user,
        "not a user",
        "the name of a user of the machine",
        'leave it out for "root"',
    );
    problems.check(
        hasAny(input.privateKey, input.password),
        `${at}.privateKey`,
        undefined,
        "no way to log in",
        "privateKey or password",
        "give the private key that the machine's user accepts",
    );
    privateKeyForm(problems, `${at}.privateKey`, input.privateKey);
}

function hostKey(problems: Problems, at: string, value: unknown) {
    problems.check(
        typeof value === "string" ? /^(ssh-(ed25519|rsa)|ecdsa-sha2-\S+) [A-Za-z0-9+/=]+/.test(value) : hasAny(value),
        `${at}.hostKey`,
        value,
        hasAny(value) ? "not a public host key" : "the machine's identity is not pinned",
        'a public host key, "ssh-ed25519 AAAA…"',
        "run ssh-keyscan -t ed25519 ADDRESS over a network that you trust, and take what follows the address" +
            (at.endsWith(".bastion") ? "" : ', or name hostKeyPolicy: "trust-on-first-use"'),
    );
}
