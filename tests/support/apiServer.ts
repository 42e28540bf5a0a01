import { ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { needProgram } from "./programs";
import { freePorts } from "./freePorts";

/** Settings of a control plane. */
export interface ApiServerOptions {
    /**
     * Controllers that run beside the server, by the names of kube-controller-manager's `--controllers`. By default
     * those that clean up and that make pods; without nodes no pod ever runs.
     */
    controllers?: string[];
    /** Further flags of the API server. */
    flags?: string[];
    /** Files of an authority that signs the certificates of clients, and whose clients the server knows. */
    authority?: { certificate: string; key: string };
    /** Addresses that its certificate is for, beside 127.0.0.1. */
    addresses?: string[];
}

/** A request to the API server. */
export interface ApiRequest {
    method?: string;
    /** Path, with its query. */
    path: string;
    body?: object;
    /** @default JSON */
    contentType?: string;
    /**
     * Milliseconds without an answer after which it fails.
     * @default 30000
     */
    timeout?: number;
    /** Whom to be: the administrator if left out. Impersonated, so that the server judges by that user alone. */
    as?: { user: string; groups?: string[] };
}

/** The server's answer: an object, or the Status that says what is wrong. */
export interface ApiAnswer {
    code: number;
    body: { message?: string } & Record<string, unknown>;
}

const defaultControllers = [
    ...["garbage-collector-controller", "namespace-controller", "serviceaccount-controller"],
    ...["serviceaccount-token-controller", "deployment-controller", "replicaset-controller", "daemonset-controller"],
    ...["endpoints-controller", "root-ca-certificate-publisher-controller"],
];

/**
 * A real API server with its database and controllers on free loopback ports, without nodes: what a kubelet would
 * report is set by `podStatus`.
 */
export class ApiServer {
    readonly url: string;
    /** The contents of an administrator's kubeconfig. */
    kubeconfig = "";
    private readonly token = randomBytes(16).toString("hex");
    private readonly running = new Map<string, ChildProcess>();
    private readonly agent = new Agent({ keepAlive: true });

    private constructor(
        private readonly folder: string,
        private readonly ports: { api: number; etcd: number; peer: number },
        private readonly controllers: string[],
        private readonly flags: string[],
        private readonly authority: ApiServerOptions["authority"],
    ) {
        this.url = `https://127.0.0.1:${ports.api}`;
    }

    static async start({
        controllers = defaultControllers,
        flags = [],
        authority,
        addresses = [],
    }: ApiServerOptions = {}): Promise<ApiServer> {
        const folder = mkdtempSync(join(tmpdir(), "kata-cluster-api-"));
        const [api, etcd, peer] = (await freePorts(3)) as [number, number, number];
        const server = new ApiServer(folder, { api, etcd, peer }, controllers, flags, authority);
        try {
            server.writeFiles();
            if (addresses.length > 0) {
                server.writeCertificate(addresses);
            }
            await server.begin();
            return server;
        } catch (error) {
            await server.close();
            throw error;
        }
    }

    /** Takes all its data away, as when a cluster is made anew; address, certificate and administrator stay. */
    async renew(): Promise<void> {
        await this.stopAll();
        rmSync(join(this.folder, "etcd"), { recursive: true });
        await this.begin();
    }

    /** Stops the API server; its data stays. */
    async stopApi(): Promise<void> {
        await this.stop("kube-apiserver");
    }

    /** Starts the API server again, on the same port and with the same data. */
    async startApi(): Promise<void> {
        const flags = [
            `--etcd-servers=http://127.0.0.1:${this.ports.etcd}`,
            `--secure-port=${this.ports.api}`,
            "--bind-address=127.0.0.1",
            `--cert-dir=${join(this.folder, "certificates")}`,
            `--token-auth-file=${join(this.folder, "tokens.csv")}`,
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            `--service-account-key-file=${join(this.folder, "sa.pub")}`,
            `--service-account-signing-key-file=${join(this.folder, "sa.key")}`,
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--shutdown-delay-duration=0s",
            ...(this.authority ? [`--client-ca-file=${this.authority.certificate}`] : []),
            ...this.flags,
        ];
        this.run("kube-apiserver", flags);
        await this.until("API server", () => this.healthy());
        const certificate = this.certificate().toString("base64");
        this.kubeconfig = stringify({
            apiVersion: "v1",
            kind: "Config",
            "current-context": "test",
            contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
            clusters: [{ name: "test", cluster: { server: this.url, "certificate-authority-data": certificate } }],
            users: [{ name: "admin", user: { token: this.token } }],
        });
        writeFileSync(join(this.folder, "kubeconfig"), this.kubeconfig, { mode: 0o600 });
    }

    /** Runs kubectl as administrator and gives back what it prints. */
    async kubectl(...args: string[]): Promise<string> {
        const env = { ...process.env, KUBECONFIG: join(this.folder, "kubeconfig") };
        const { stdout } = await promisify(execFile)(needProgram("kubectl"), args, { env });
        return stdout;
    }

    /** Sends one request, and gives back what the server answers, be it a refusal. */
    request({
        method = "GET",
        path,
        body,
        contentType = "application/json",
        timeout = 30_000,
        as,
    }: ApiRequest): Promise<ApiAnswer> {
        const headers = {
            authorization: `Bearer ${this.token}`,
            ...(body ? { "content-type": contentType } : {}),
            ...(as ? { "impersonate-user": as.user } : {}),
            ...(as?.groups ? { "impersonate-group": as.groups } : {}),
        };
        const options = { method, headers, agent: this.agent, ca: this.certificate(), timeout };
        return new Promise((resolve, reject) => {
            const call = request(`${this.url}${path}`, options, (response) => {
                const chunks: Buffer[] = [];
                response.on("data", (chunk: Buffer) => chunks.push(chunk));
                response.on("error", reject);
                response.on("end", () => {
                    const text = Buffer.concat(chunks).toString();
                    const json = text.startsWith("{") ? (JSON.parse(text) as ApiAnswer["body"]) : { message: text };
                    resolve({ code: response.statusCode ?? 0, body: json });
                });
            });
            call.on("timeout", () => call.destroy(new Error(`${method} ${path}: timeout`)));
            call.on("error", reject);
            call.end(body ? JSON.stringify(body) : undefined);
        });
    }

    /** An object as the server has it, or undefined. */
    async get<T = Record<string, never>>(kind: string, name: string, namespace = "default"): Promise<T | undefined> {
        const text = await this.kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found");
        return text ? (JSON.parse(text) as T) : undefined;
    }

    /** Waits for a pod and reports its status as a kubelet would. */
    async podStatus(name: string, status: object, namespace = "default"): Promise<void> {
        await this.until(`pod ${name}`, async () => {
            const patch = JSON.stringify({ status });
            const flags = ["--subresource=status", "--type=merge", "-p", patch];
            await this.kubectl("patch", "pod", name, "-n", namespace, ...flags);
        });
    }

    /** Waits for a pod and reports that it runs. */
    async podReady(name: string, namespace = "default"): Promise<void> {
        const types = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];
        const conditions = types.map((type) => ({ type, status: "True" }));
        await this.podStatus(name, { phase: "Running", conditions }, namespace);
    }

    /** Assigns a pod to a node as the scheduler does. The node need not be there. */
    async bindPod(name: string, node: string, namespace = "default"): Promise<void> {
        const { code, body } = await this.request({
            method: "POST",
            path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
            body: { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: node } },
            as: { user: "system:kube-scheduler" },
        });
        if (code !== 201) {
            throw new Error(`binding of ${name}: ${body.message}`);
        }
    }

    /** Reports an event about a pod. */
    async podEvent(name: string, reason: string, message: string, namespace = "default"): Promise<void> {
        const pod = await this.get<{ metadata: { uid: string } }>("pod", name, namespace);
        const file = join(this.folder, `event-${randomBytes(4).toString("hex")}.json`);
        const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
        const event = {
            apiVersion: "v1",
            kind: "Event",
            metadata: { generateName: `${name}-`, namespace },
            involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid: pod!.metadata.uid },
            type: "Warning",
            reason,
            message,
            firstTimestamp: now,
            lastTimestamp: now,
            source: { component: "kubelet" },
        };
        writeFileSync(file, JSON.stringify(event));
        await this.kubectl("create", "-f", file);
    }

    /** Stops everything and removes its files. */
    async close(): Promise<void> {
        await this.stopAll();
        this.agent.destroy();
        rmSync(this.folder, { recursive: true, force: true });
    }

    private async begin(): Promise<void> {
        this.startEtcd();
        await this.startApi();
        this.startControllers();
        if (this.controllers.includes("serviceaccount-controller")) {
            await this.until("default service account", async () => this.kubectl("get", "serviceaccount", "default"));
        }
    }

    private async stopAll(): Promise<void> {
        for (const name of ["kube-controller-manager", "kube-apiserver", "etcd"]) {
            await this.stop(name);
        }
    }

    private writeFiles(): void {
        const keys = generateKeyPairSync("rsa", {
            modulusLength: 2048,
            publicKeyEncoding: { type: "spki", format: "pem" },
            privateKeyEncoding: { type: "pkcs1", format: "pem" },
        });
        writeFileSync(join(this.folder, "sa.key"), keys.privateKey, { mode: 0o600 });
        writeFileSync(join(this.folder, "sa.pub"), keys.publicKey);
        writeFileSync(join(this.folder, "tokens.csv"), `${this.token},admin,admin,system:masters\n`, { mode: 0o600 });
    }

    /** The certificate that the server finds in place of the one that it would make. */
    private writeCertificate(addresses: string[]): void {
        const files = join(this.folder, "certificates", "apiserver");
        mkdirSync(join(this.folder, "certificates"));
        const names = ["127.0.0.1", ...addresses].map((address) => `IP:${address}`).join(",");
        execFileSync(
            "openssl",
            [
                ...[
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                ],
                ...["-subj", "/CN=kata-cluster-test", "-addext", `subjectAltName=${names}`],
                ...["-keyout", `${files}.key`, "-out", `${files}.crt`],
            ],
            { stdio: "ignore" },
        );
    }

    private startEtcd(): void {
        const { etcd, peer } = this.ports;
        this.run("etcd", [
            `--data-dir=${join(this.folder, "etcd")}`,
            `--listen-client-urls=http://127.0.0.1:${etcd}`,
            `--advertise-client-urls=http://127.0.0.1:${etcd}`,
            `--listen-peer-urls=http://127.0.0.1:${peer}`,
            `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
            `--initial-cluster=default=http://127.0.0.1:${peer}`,
            "--unsafe-no-fsync",
        ]);
    }

    private startControllers(): void {
        if (this.controllers.length > 0) {
            this.run("kube-controller-manager", [
                `--kubeconfig=${join(this.folder, "kubeconfig")}`,
                `--controllers=${this.controllers.join(",")}`,
                `--service-account-private-key-file=${join(this.folder, "sa.key")}`,
                `--root-ca-file=${join(this.folder, "certificates", "apiserver.crt")}`,
                ...(this.authority
                    ? [
                          `--cluster-signing-cert-file=${this.authority.certificate}`,
                          `--cluster-signing-key-file=${this.authority.key}`,
                      ]
                    : []),
                "--leader-elect=false",
                "--secure-port=0",
            ]);
        }
    }

    private run(name: "etcd" | "kube-apiserver" | "kube-controller-manager", flags: string[]): void {
        const log = openSync(this.log(name), "a");
        this.running.set(name, spawn(needProgram(name), flags, { stdio: ["ignore", log, log] }));
        closeSync(log);
    }

    private async stop(name: string): Promise<void> {
        const child = this.running.get(name);
        this.running.delete(name);
        if (child && child.exitCode === null && child.signalCode === null) {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGKILL");
            await ended;
        }
    }

    private log(name: string): string {
        return join(this.folder, `${name}.log`);
    }

    /** Repeats until `attempt` succeeds, for two minutes; an error names what ended, with its last words. */
    private async until(what: string, attempt: () => Promise<unknown>): Promise<void> {
        let last: unknown;
        for (const end = Date.now() + 120_000; Date.now() < end; await sleep(250)) {
            for (const [name, child] of this.running) {
                if (child.exitCode !== null || child.signalCode !== null) {
                    throw new Error(`${name} ended:\n${readFileSync(this.log(name), "utf8").slice(-2000)}`);
                }
            }
            try {
                await attempt();
                return;
            } catch (error) {
                last = error;
            }
        }
        throw new Error(`${what}: not there after two minutes: ${(last as Error).message}`);
    }

    private async healthy(): Promise<void> {
        const { code } = await this.request({ path: "/readyz", timeout: 5000 });
        if (code !== 200) {
            throw new Error(`readyz: ${code}`);
        }
    }

    private certificate(): Buffer {
        return readFileSync(join(this.folder, "certificates", "apiserver.crt"));
    }
}
