import * as args from "../args";
import { overlapping, port, positive, url } from "../validation/checks";
import { nodeSettings } from "../validation/nodeSettings";
import { Problems } from "../validation/problems";
import { MachineSpec } from "./machineSpec";

/** A local machine with its defaults filled in. */
export interface LocalMachineSpec {
    cpus: number;
    memoryMib: number;
    diskGib: number;
    image?: args.MachineImageArgs;
    accelerator: args.Accelerator;
    sshPort: number;
    /** A worker has none. */
    apiPort?: number;
    /** The machine's place on the segment that the cluster's machines share, from 0. */
    place: number;
}

/** The segment's addresses: behind it is nothing but the cluster's machines. */
export const segment = { cidr: "192.168.241.0/24", address: (place: number) => `192.168.241.${10 + place}` };

const most = 100;

/** One virtual machine for the control plane, and those of the workers. */
export function resolveLocal(problems: Problems, cluster: string, all: args.KataClusterArgs): MachineSpec[] {
    const at = "machines.local";
    const input = all.machines.local!;
    const shared = {
        accelerator: problems.oneOf(`${at}.accelerator`, input.accelerator, args.Accelerator, "auto"),
        image: input.image,
    };
    const local = {
        ...size(problems, at, input, 6144),
        ...shared,
        sshPort: input.sshPort ?? 22022,
        apiPort: input.apiPort ?? 26443,
        place: 0,
    };
    port(problems, `${at}.sshPort`, local.sshPort);
    port(problems, `${at}.apiPort`, local.apiPort);
    checkImage(problems, at, input.image);
    checkSegment(problems, all);
    const controlPlane: MachineSpec = {
        kind: "local",
        name: `${cluster}-control-plane-0`,
        role: "control-plane",
        labels: {},
        taints: [],
        local,
    };
    return [controlPlane, ...resolveWorkers(problems, cluster, local, shared, input.workers ?? {})];
}

function resolveWorkers(
    problems: Problems,
    cluster: string,
    controlPlane: { sshPort: number; apiPort: number },
    shared: Pick<LocalMachineSpec, "accelerator" | "image">,
    input: args.LocalWorkersArgs,
): MachineSpec[] {
    const at = "machines.local.workers";
    const count = input.count ?? 0;
    const { sshPort, apiPort } = controlPlane;
    const whole = problems.check(
        Number.isInteger(count) && count >= 0 && count <= most,
        `${at}.count`,
        count,
        "not a number of virtual machines for one computer",
        `a whole number from 0 to ${most}`,
        "leave it out for none",
    );
    const taken = apiPort - sshPort;
    problems.check(
        !(taken >= 0 && taken <= (whole ? count : 0)),
        "machines.local.apiPort",
        apiPort,
        taken === 0 ? "the same port as machines.local.sshPort" : `the SSH port of worker ${taken - 1}`,
        count > 0 ? `a port outside ${sshPort} to ${sshPort + count}` : "two different ports",
        "leave both out for 22022 and 26443",
    );
    problems.check(
        !whole || !Number.isInteger(sshPort) || sshPort + count <= 65535,
        "machines.local.sshPort",
        sshPort,
        `no room for the SSH ports of ${count} workers above it`,
        `a port up to ${65535 - count}`,
        "leave it out for 22022",
    );
    const settings = nodeSettings(problems, at, input);
    const worker = { ...size(problems, at, input, 4096), ...shared };
    return Array.from({ length: whole ? count : 0 }, (_, i) => ({
        kind: "local",
        name: `${cluster}-worker-${i}`,
        role: "worker",
        ...settings,
        local: { ...worker, sshPort: sshPort + 1 + i, place: 1 + i },
    }));
}

function size(problems: Problems, at: string, input: args.LocalMachineArgs | args.LocalWorkersArgs, memoryMib: number) {
    const chosen = {
        cpus: input.cpus ?? 2,
        memoryMib: input.memoryMib ?? memoryMib,
        diskGib: input.diskGib ?? 30,
    };
    const worker = at.endsWith(".workers");
    const [least, what] = worker ? [2048, "a node and one guest do"] : [3072, "a control plane and one guest do"];
    positive(problems, `${at}.cpus`, chosen.cpus, 2, "kubeadm wants 2 CPUs or more");
    positive(problems, `${at}.memoryMib`, chosen.memoryMib, least, `${what} not fit below that`);
    positive(problems, `${at}.diskGib`, chosen.diskGib, 20, "images and Kata do not fit below that");
    return chosen;
}

/** The machines would not find each other, or what lies behind their way out. */
function checkSegment(problems: Problems, { kubernetes = {} }: args.KataClusterArgs) {
    const taken = [
        [segment.cidr, "which the machines reach each other by"],
        ["10.0.2.0/24", "which QEMU gives to the machines"],
    ] as const;
    for (const key of ["podCidr", "serviceCidr"] as const) {
        for (const [cidr, what] of taken) {
            problems.check(
                !overlapping(kubernetes[key], cidr),
                `kubernetes.${key}`,
                kubernetes[key],
                `it overlaps ${cidr}, ${what}`,
                "a range that does not",
                "leave it out for the default",
            );
        }
    }
}

function checkImage(problems: Problems, at: string, image: args.MachineImageArgs | undefined) {
    if (!image) {
        return;
    }
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
