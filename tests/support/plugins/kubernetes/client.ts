import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { KubeObject } from "./object";

/** The server's answer to a request that it refused. */
export class ApiError extends Error {
    constructor(
        readonly code: number,
        /** For example `NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`, `Invalid`. */
        readonly reason: string,
        message: string,
        readonly details: { kind?: string; causes?: { message: string; field: string }[] } = {},
    ) {
        super(message);
    }
}

/** The server could not be asked. */
export class UnreachableError extends Error {}

/** The server has no such kind. */
export class NoMatchError extends Error {
    constructor(apiVersion: string, kind: string) {
        super(`no matches for kind "${kind}" in version "${apiVersion}"`);
    }
}

interface RequestOptions {
    query?: Record<string, string | undefined>;
    body?: unknown;
    contentType?: string;
    /** What it is to answer with, where that is not JSON. Then it is read, and nothing given. */
    accept?: string;
    /** For how long nothing may come. @default 30 */
    seconds?: number;
}

/** As client-go asks for it. */
const schemaFormat = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/** Requests to an API server. While the server restarts, they are repeated until `patience` seconds are over. */
export class Client {
    private readonly base: URL;
    private options?: Promise<https.RequestOptions>;
    private readonly resources = new Map<string, { name: string; kind: string; namespaced: boolean }[]>();
    private known = false;
    private hasSchema = false;

    constructor(
        private readonly config: KubeConfig,
        private readonly patience: number,
        private readonly schemaSeconds: number,
        private readonly cancelled: () => boolean,
    ) {
        this.base = new URL(config.getCurrentCluster()!.server);
    }

    /**
     * Asks the server for its version, and once for its schema. Without patience it is asked once, unless it has answered
     * before: then it is only restarting. The schema is what the real provider checks objects by. Here it is only asked for,
     * since that makes the server work and takes its time.
     */
    async probe(patient: boolean): Promise<void> {
        await this.request("GET", "/version", {}, patient || this.known ? this.patience : 0);
        if (!this.hasSchema) {
            await this.request("GET", "/openapi/v2", { accept: schemaFormat, seconds: this.schemaSeconds }, 0);
            this.hasSchema = true;
        }
    }

    get(object: KubeObject): Promise<KubeObject> {
        return this.path(object).then((path) => this.request("GET", path));
    }

    async list(apiVersion: string, kind: string, namespace: string, fieldSelector?: string): Promise<KubeObject[]> {
        const path = await this.path({ apiVersion, kind, metadata: { namespace } });
        const list = (await this.request("GET", path, { query: { fieldSelector } })) as unknown as {
            items: KubeObject[];
        };
        return list.items.map((item) => ({ ...item, apiVersion, kind }));
    }

    async create(object: KubeObject, dryRun: boolean): Promise<KubeObject> {
        const path = await this.path({ ...object, metadata: { ...object.metadata, name: undefined } });
        const query = { fieldManager: "pulumi-kubernetes", dryRun: dryRun ? "All" : undefined };
        return this.request("POST", path, { query, body: object });
    }

    /** Server-side apply. */
    async apply(object: KubeObject, fieldManager: string, force: boolean, dryRun: boolean): Promise<KubeObject> {
        const query = { fieldManager, force: String(force), dryRun: dryRun ? "All" : undefined };
        const contentType = "application/apply-patch+yaml";
        return this.request("PATCH", await this.path(object), { query, body: object, contentType });
    }

    async patch(object: KubeObject, patch: object[]): Promise<KubeObject> {
        const contentType = "application/json-patch+json";
        return this.request("PATCH", await this.path(object), { body: patch, contentType });
    }

    async mergePatch(object: KubeObject, patch: unknown, dryRun: boolean): Promise<KubeObject> {
        const query = { fieldManager: "pulumi-kubernetes", dryRun: dryRun ? "All" : undefined };
        const contentType = "application/merge-patch+json";
        return this.request("PATCH", await this.path(object), { query, body: patch, contentType });
    }

    async replace(object: KubeObject, fieldManager: string, dryRun: boolean): Promise<KubeObject> {
        const query = { fieldManager, dryRun: dryRun ? "All" : undefined };
        return this.request("PUT", await this.path(object), { query, body: object });
    }

    async delete(object: KubeObject, propagationPolicy: string): Promise<void> {
        const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
        await this.request("DELETE", await this.path(object), { body });
    }

    /** Forgets which kinds there are; needed once a definition of new kinds was made. */
    forgetKinds(): void {
        this.resources.clear();
    }

    /** Whether objects of the kind live in a namespace. */
    async namespaced(apiVersion: string, kind: string): Promise<boolean> {
        return (await this.resource(apiVersion, kind)).namespaced;
    }

    private async path({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): Promise<string> {
        const resource = await this.resource(apiVersion, kind);
        const scope = resource.namespaced && namespace ? `/namespaces/${namespace}` : "";
        return `${groupPath(apiVersion)}${scope}/${resource.name}${name ? `/${encodeURIComponent(name)}` : ""}`;
    }

    private async resource(apiVersion: string, kind: string) {
        for (const refresh of [false, true]) {
            if (refresh || !this.resources.has(apiVersion)) {
                const list = await this.request("GET", groupPath(apiVersion)).catch((error) => {
                    if (error instanceof ApiError && error.code === 404) {
                        return { resources: [] };
                    }
                    throw error;
                });
                this.resources.set(apiVersion, (list as unknown as { resources: never[] }).resources);
            }
            const match = this.resources
                .get(apiVersion)!
                .find((entry) => entry.kind === kind && !entry.name.includes("/"));
            if (match) {
                return match;
            }
        }
        throw new NoMatchError(apiVersion, kind);
    }

    private async request(
        method: string,
        path: string,
        options: RequestOptions = {},
        patience = this.patience,
    ): Promise<KubeObject> {
        const until = Date.now() + patience * 1000;
        let sent = false;
        for (let delay = 250; ; delay = Math.min(delay * 2, 5000)) {
            try {
                const answer = await this.send(method, path, options);
                this.known = true;
                return answer;
            } catch (error) {
                if (sent && method === "POST" && error instanceof ApiError && error.reason === "AlreadyExists") {
                    // An earlier attempt got through, only its answer was lost.
                    const { name } = (options.body as KubeObject).metadata;
                    return this.request("GET", `${path}/${name}`, {}, Math.max(0, until - Date.now()) / 1000);
                }
                if (!isTemporary(error) || Date.now() + delay > until || this.cancelled()) {
                    throw error;
                }
                sent ||= !(error instanceof UnreachableError && error.message.includes("connection refused"));
                await sleep(delay);
            }
        }
    }

    private async send(
        method: string,
        path: string,
        { query, body, contentType, accept, seconds = 30 }: RequestOptions,
    ): Promise<KubeObject> {
        const url = new URL(this.base);
        url.pathname = url.pathname.replace(/\/$/, "") + path;
        for (const [key, value] of Object.entries(query ?? {})) {
            if (value !== undefined) {
                url.searchParams.set(key, value);
            }
        }
        this.options ??= this.connectionOptions();
        const { headers, ...options } = await this.options;
        const payload = body === undefined ? undefined : JSON.stringify(body);
        return new Promise((resolve, reject) => {
            const transport = url.protocol === "http:" ? http : https;
            const request = transport.request(url, {
                ...options,
                method,
                timeout: seconds * 1000,
                headers: {
                    ...headers,
                    accept: accept ?? "application/json",
                    ...(payload && {
                        "content-type": contentType ?? "application/json",
                        "content-length": Buffer.byteLength(payload),
                    }),
                },
            });
            request.on("timeout", () => request.destroy(new Error("i/o timeout")));
            request.on("error", (error: NodeJS.ErrnoException) => {
                const reason =
                    error.code === "ECONNREFUSED" ? `dial tcp ${url.host}: connect: connection refused` : error.message;
                reject(new UnreachableError(`${method} "${url.origin}${path}": ${reason}`));
            });
            request.on("response", (response) => {
                const chunks: Buffer[] = [];
                response.on("data", (chunk: Buffer) => chunks.push(chunk));
                response.on("error", (error) => reject(new UnreachableError(error.message)));
                response.on("end", () => {
                    const text = Buffer.concat(chunks).toString("utf8");
                    if (response.statusCode! < 300) {
                        resolve((accept ? {} : JSON.parse(text)) as KubeObject);
                    } else {
                        reject(apiError(response.statusCode!, text));
                    }
                });
            });
            request.end(payload);
        });
    }

    /** Certificates and credentials of the kubeconfig, on one agent that keeps connections open. */
    private async connectionOptions(): Promise<https.RequestOptions> {
        const options: https.RequestOptions = {};
        await this.config.applyToHTTPSOptions(options);
        if (this.base.protocol === "http:") {
            return { headers: options.headers, auth: options.auth, agent: new http.Agent({ keepAlive: true }) };
        }
        const { ca, cert, key, servername, rejectUnauthorized } = options;
        const agent = new https.Agent({ keepAlive: true, ca, cert, key, servername, rejectUnauthorized });
        return { headers: options.headers, auth: options.auth, agent };
    }
}

function groupPath(apiVersion: string): string {
    return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function apiError(status: number, text: string): ApiError {
    try {
        const answer = JSON.parse(text) as Partial<ApiError>;
        return new ApiError(answer.code ?? status, answer.reason ?? "", answer.message ?? text, answer.details ?? {});
    } catch {
        return new ApiError(status, "", `the server answered ${status}: ${text}`);
    }
}

/** What can be otherwise once the server or its database is up again. */
function isTemporary(error: unknown): boolean {
    return (
        error instanceof UnreachableError ||
        (error instanceof ApiError &&
            (error.code === 429 ||
                error.code === 503 ||
                error.code === 504 ||
                (error.code === 500 && /etcdserver|leader changed|connection refused/.test(error.message))))
    );
}
