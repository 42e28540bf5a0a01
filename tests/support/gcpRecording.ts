import * as pulumi from "@pulumi/pulumi";
import { KataClusterArgs } from "../../components/args";
import { Machines } from "../../components/machine/machine";
import { createMachines } from "../../components/machine/machines";
import { resolve } from "../../components/spec";
import { onGcp } from "./gcp";
import { Recorded } from "./recordingMocks";

export const userKeys = { privateKey: "CANARY-USER-KEY", publicKey: "ssh-ed25519 AAAAuser" };
export const hostKeyBlob = "AAAAC3NzaC1lZDI1NTE5AAAAIE1y1Wxp0V8d3WmVY1sC3bDgkI3ZQ0xq0Z7yJr8Vd0aX";

/** A resource with what the program told the engine of it beside its inputs. */
export interface RecordedOnCloud extends Recorded {
    /** Type and name of the parent. */
    parent: string;
    options: Record<string, unknown>;
}

/** Arguments of a cluster with a pool of workers, where there are some. */
export function onGcpWith(workers: number, changes: object = {}): KataClusterArgs {
    return onGcp({
        project: "project",
        zones: ["europe-west4-b", "europe-west4-c"],
        ...(workers > 0 ? { workerPools: [{ name: "worker", count: workers }] } : {}),
        ...changes,
    });
}

/** Mocks of Google Cloud that record every resource with its options. Addresses and ids say what they are of. */
export function gcpMocks(
    preview: boolean,
    stdout: Record<string, string> = {},
    guestAttributes: () => object = () => ({ queryValues: [{ key: "ssh-ed25519", value: hostKeyBlob }] }),
): { resources: RecordedOnCloud[]; calls: { token: string; inputs: Record<string, unknown> }[] } {
    const resources: RecordedOnCloud[] = [];
    const calls: { token: string; inputs: Record<string, unknown> }[] = [];
    const answers: Record<string, string> = {
        "-host-key": `ssh-ed25519 ${hostKeyBlob}`,
        "-keys": JSON.stringify({ user: userKeys }),
        ...stdout,
    };
    void pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs: given }) => {
                const inputs = given as Record<string, unknown>;
                const state = preview ? inputs : { ...inputs, ...outputsOf(type, name, inputs, answers) };
                const kind = type.split(":").at(-1)!;
                return { id: preview ? undefined : `${kind} ${name}`, state };
            },
            call: ({ token, inputs }) => {
                calls.push({ token, inputs: inputs as Record<string, unknown> });
                return guestAttributes();
            },
        },
        "kata-cluster",
        "test",
        preview,
    );
    recordRequests(resources);
    return { resources, calls };
}

function outputsOf(type: string, name: string, inputs: Record<string, unknown>, answers: Record<string, string>) {
    const kind = type.split(":").at(-1)!;
    switch (kind) {
        case "Command":
            return {
                stdout: answers[Object.keys(answers).find((suffix) => name.endsWith(suffix)) ?? ""] ?? "",
                stderr: "",
            };
        case "Address":
            return { address: `address-of-${name}-${String(inputs.addressType).toLowerCase()}` };
        case "Instance": {
            const [nic] = inputs.networkInterfaces as Record<string, unknown>[];
            const networkIp = nic!.networkIp ?? `address-of-${name}`;
            return { name: `${name}-1a2b3c4`, selfLink: `link-of-${name}`, networkInterfaces: [{ ...nic, networkIp }] };
        }
        case "Pod":
            return { metadata: { uid: `uid-of-${name}`, ...(inputs.metadata as object) }, spec: inputs.spec };
        default:
            return { name: `${name}-1a2b3c4`, selfLink: `link-of-${name}` };
    }
}

/** The SDK's mocks are not told of parents and options. The engine is, by the request that is noted here. */
function recordRequests(resources: RecordedOnCloud[]) {
    const monitor = pulumi.runtime.getMonitor() as unknown as { registerResource: (...args: unknown[]) => unknown };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (...args) => {
        const request = args[0] as Request;
        resources.push({
            type: request.getType(),
            name: request.getName(),
            inputs: pulumi.runtime.deserializeProperties(request.getObject()),
            parent: shortName(request.getParent()),
            options: optionsOf(request),
        });
        return register(...args);
    };
}

interface Request {
    getType(): string;
    getName(): string;
    getObject(): Parameters<typeof pulumi.runtime.deserializeProperties>[0];
    getParent(): string;
    getDependenciesList(): string[];
    getIgnorechangesList(): string[];
    getDeletedwith(): string;
    getReplaceWithList(): string[];
    getDeletebeforereplace(): boolean;
    getAdditionalsecretoutputsList(): string[];
}

function optionsOf(request: Request): Record<string, unknown> {
    const options = {
        dependsOn: request.getDependenciesList().map(shortName).sort(),
        ignoreChanges: request.getIgnorechangesList(),
        deletedWith: shortName(request.getDeletedwith()),
        replaceWith: request.getReplaceWithList().map(shortName),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        // Without what the provider's own package adds to everything.
        additionalSecretOutputs: request.getAdditionalsecretoutputsList().filter((name) => !name.endsWith("Labels")),
    };
    return Object.fromEntries(
        Object.entries(options).filter(([, value]) => (Array.isArray(value) ? value.length : value)),
    );
}

/** `Kind name` of a URN. */
function shortName(urn: string): string {
    const [type, name] = urn.split("::").slice(-2);
    return name === undefined ? urn : `${type!.split(":").at(-1)} ${name}`;
}

/** The machines' resources, as a program with these arguments registers them. */
export async function planOnGcp(args: KataClusterArgs, preview = false) {
    const recorded = gcpMocks(preview);
    const made: Machines = createMachines(resolve("lab", args), {});
    await pulumi.runtime.disconnect();
    return { ...recorded, ...made };
}

/** Values for a reader: secrets are hidden, and the scripts that a command carries. */
export function shown(value: unknown): unknown {
    if (pulumi.runtime.isRpcSecret(value)) {
        return "[secret]";
    }
    if (Array.isArray(value)) {
        return value.map(shown);
    }
    if (typeof value === "object" && value !== null) {
        const entries = Object.entries(value).filter(([, one]) => one !== undefined);
        return Object.fromEntries(entries.map(([key, one]) => [key, key === "SCRIPTS" ? "[scripts]" : shown(one)]));
    }
    return value;
}
