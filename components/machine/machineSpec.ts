import * as args from "../args";
import { port, positive, rfc1123Label, url } from "../validation/checks";
import { hasAny, Problems } from "../validation/problems";

/** One machine, by where it comes from. */
export type MachineSpec =
    | { kind: "local"; name: string; local: LocalMachineSpec }
    | { kind: "existing"; name: string; existing: args.ExistingMachineArgs };

/** A local machine with its defaults filled in. */
export type LocalMachineSpec = Required<Omit<args.LocalMachineArgs, "image">> & { image?: args.MachineImageArgs };

/** Fills in defaults for the machines and checks them. */
export function resolveMachines(
    problems: Problems,
    cluster: string,
    input: args.MachinesArgs | undefined,
): MachineSpec[] {
    const given = Object.entries(input ?? {})
        .filter(([, value]) => value !== undefined)
        .map(([key]) => key);
    const single = problems.check(
        given.length === 1 && (given[0] === "local" || given[0] === "existing"),
        "machines",
        given.join(", ") || "nothing",
        "exactly one kind of machine is needed",
        "local or existing",
        "machines: { local: {} } makes a virtual machine on this computer",
    );
    if (!single) {
        return [];
    }
    const name = `${cluster}-control-plane-0`;
    return input?.local
        ? [{ kind: "local", name, local: resolveLocal(problems, input.local) }]
        : resolveExisting(problems, name, input!.existing!);
}

function resolveLocal(problems: Problems, input: args.LocalMachineArgs): LocalMachineSpec {
    const at = "machines.local";
    const local = {
        cpus: input.cpus ?? 2,
        memoryMib: input.memoryMib ?? 6144,
        diskGib: input.diskGib ?? 30,
        sshPort: input.sshPort ?? 22022,
        apiPort: input.apiPort ?? 26443,
        accelerator: problems.oneOf(`${at}.accelerator`, input.accelerator, args.Accelerator, "auto"),
        image: input.image,
    };
    positive(problems, `${at}.cpus`, local.cpus, 2, "kubeadm wants 2 CPUs or more");
    positive(problems, `${at}.memoryMib`, local.memoryMib, 3072, "control plane and one guest do not fit below that");
    positive(problems, `${at}.diskGib`, local.diskGib, 20, "images and Kata do not fit below that");
    port(problems, `${at}.sshPort`, local.sshPort);
    port(problems, `${at}.apiPort`, local.apiPort);
    problems.check(
        local.sshPort !== local.apiPort,
        `${at}.apiPort`,
        local.apiPort,
        `the same port as ${at}.sshPort`,
        "two different ports",
        "leave both out for 22022 and 26443",
    );
    const image = input.image;
    if (image) {
        problems.check(
            (image.path === undefined) !== (image.url === undefined),
            `${at}.image`,
            image.path && image.url ? "path and url" : "neither path nor url",
            "an image has one source",
            "path, or url with sha256 or sha512",
            "give the path of a qcow2 file, or leave image out for the pinned Debian 12 image",
        );
        if (image.url !== undefined) {
            url(problems, `${at}.image.url`, image.url);
            problems.check(
                /^[0-9a-f]{64}$/.test(image.sha256 ?? "") || /^[0-9a-f]{128}$/.test(image.sha512 ?? ""),
                `${at}.image.${image.sha512 === undefined ? "sha256" : "sha512"}`,
                image.sha512 ?? image.sha256,
                "a download is verified before it is used",
                "64 (sha256) or 128 (sha512) lower-case hexadecimal digits",
                "copy the digest from the SHA256SUMS or SHA512SUMS file beside the image",
            );
        }
    }
    return local;
}

function resolveExisting(problems: Problems, defaultName: string, input: args.ExistingMachinesArgs): MachineSpec[] {
    const at = "machines.existing.controlPlanes";
    problems.check(
        input.controlPlanes?.length === 1,
        at,
        `${input.controlPlanes?.length ?? 0} machines`,
        "a cluster has one control plane machine, for now",
        "exactly 1",
        "give one machine",
    );
    return (input.controlPlanes ?? []).map((machine, i) => {
        const here = `${at}[${i}]`;
        const name = machine.name ?? defaultName;
        rfc1123Label(problems, `${here}.name`, name, 63);
        problems.given(`${here}.address`, machine.address, "the machine's host name or IP address");
        port(problems, `${here}.port`, machine.port ?? 22);
        const trustOnFirstUse =
            problems.oneOf(`${here}.hostKeyPolicy`, machine.hostKeyPolicy, args.HostKeyPolicy, "pinned") ===
            "trust-on-first-use";
        credentials(problems, here, machine);
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
            port(problems, `${here}.bastion.port`, machine.bastion.port ?? 22);
            credentials(problems, `${here}.bastion`, machine.bastion);
            hostKey(problems, `${here}.bastion`, machine.bastion.hostKey);
        }
        return { kind: "existing", name, existing: machine };
    });
}

function credentials(problems: Problems, at: string, input: args.ExistingMachineArgs | args.BastionArgs) {
    problems.check(
        hasAny(input.privateKey, input.password),
        `${at}.privateKey`,
        "nothing",
        "no way to log in",
        "privateKey or password",
        "give the private key that the machine's user accepts",
    );
    problems.check(
        typeof input.privateKey !== "string" || /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(input.privateKey.trim()),
        `${at}.privateKey`,
        "[secret]",
        "not a private key",
        "a PEM or OpenSSH private key, from its BEGIN line on",
        "give the file without .pub, for example ~/.ssh/id_ed25519",
    );
}

function hostKey(problems: Problems, at: string, value: unknown) {
    problems.check(
        typeof value === "string" ? /^(ssh-(ed25519|rsa)|ecdsa-sha2-\S+) [A-Za-z0-9+/=]+/.test(value) : hasAny(value),
        `${at}.hostKey`,
        value,
        "the machine's identity is not pinned",
        'a public host key, "ssh-ed25519 AAAA…"',
        "run ssh-keyscan -t ed25519 ADDRESS over a network that you trust" +
            (at.endsWith(".bastion") ? "" : ', or name hostKeyPolicy: "trust-on-first-use"'),
    );
}
