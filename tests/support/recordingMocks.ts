import * as pulumi from "@pulumi/pulumi";

/** One resource as the program registered it. */
export interface Recorded {
    type: string;
    name: string;
    inputs: Record<string, unknown>;
    /** Names of what it is deleted with, and of what it is replaced with. */
    deletedWith: string;
    replacedWith: string[];
}

/**
 * Mocks that record every resource. Outputs are made up where the program reads them. `record.drain()` waits until all
 * are registered: nothing in the SDK's mocks does (pulumi/pulumi#6666), so a test that looks earlier sees too little.
 */
export function recordingMocks(
    preview: boolean,
    stdout: Record<string, string>,
    podSpec: object = {},
): { resources: Recorded[] } {
    const resources: Recorded[] = [];
    void pulumi.runtime.setMocks(
        {
            newResource: ({ type, name, inputs, id }) => {
                resources.push({
                    type,
                    name,
                    inputs: inputs as Record<string, unknown>,
                    deletedWith: nameIn(request.getDeletedwith()),
                    replacedWith: request.getReplaceWithList().map(nameIn),
                });
                const made = Object.keys(stdout).find((suffix) => name.endsWith(suffix));
                const state: Record<string, unknown> = { ...(inputs as object) };
                if (type.startsWith("command:") && !preview) {
                    state.stdout = made ? stdout[made] : "";
                    state.stderr = "";
                }
                if (type.startsWith("kubernetes:") && !preview) {
                    state.spec = { ...(inputs as { spec?: object }).spec, ...podSpec };
                    state.metadata = { uid: `uid-of-${name}`, ...(inputs as { metadata?: object }).metadata };
                }
                return { id: id ?? (preview ? undefined : `${name}-id`), state };
            },
            call: () => ({}),
        },
        "kata-cluster",
        "test",
        preview,
    );
    // Mocks are told inputs, but not options.
    const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
    const register = monitor.registerResource.bind(monitor);
    let request: Request;
    monitor.registerResource = (req, callback) => {
        request = req;
        return register(req, callback);
    };
    return { resources };
}

interface Request {
    getDeletedwith(): string;
    getReplaceWithList(): string[];
}

interface MockMonitor {
    registerResource(request: Request, callback: unknown): Promise<void>;
}

function nameIn(urn: string): string {
    return urn.split("::").at(-1)!;
}

/** Every text anywhere in a value. */
export function texts(value: unknown): string[] {
    if (typeof value === "string") {
        return [value];
    }
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** Values as the engine stores them in clear: what is wrapped as a secret is left out. */
export function withoutSecrets(value: unknown): unknown {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    if (pulumi.runtime.isRpcSecret(value)) {
        return "[secret]";
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one)]));
}
