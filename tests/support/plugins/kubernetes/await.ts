import { setTimeout as sleep } from "node:timers/promises";
import { Operation, Severity } from "../shared/provider";
import { ApiError, Client } from "./client";
import { annotated, annotationOf, KubeObject, pluck } from "./object";
import { daemonSetReadiness, deploymentReadiness, podReadiness, Readiness } from "./readiness";

/** The object exists but did not become ready, or did not go away, in time. */
export class AwaitError extends Error {
    constructor(
        message: string,
        readonly object: KubeObject,
        readonly problems: string[],
    ) {
        super(message);
    }
}

/** Says each thing once. */
class Reporter {
    private readonly said = new Set<string>();
    constructor(private readonly op: Operation) {}

    status(severity: Severity, message: string): void {
        if (!this.said.has(severity + message)) {
            this.said.add(severity + message);
            this.op.status(severity, message);
        }
    }
}

const pollInterval = 1000;

/** How long an operation may take: customTimeouts, the annotation, or ten minutes. */
function timeoutOf(op: Operation, inputs: KubeObject): number {
    const annotation = Number(annotationOf(inputs, "pulumi.com/timeoutSeconds") ?? NaN);
    return (op.timeout || (Number.isInteger(annotation) ? annotation : 600)) * 1000;
}

/** Waits until the object is ready, as far as its kind has such a thing. Shows what it waits for, and warning events. */
export async function awaitReady(
    client: Client,
    op: Operation,
    inputs: KubeObject,
    created: KubeObject,
): Promise<KubeObject> {
    const check = annotated(inputs, "pulumi.com/skipAwait") ? undefined : checkOf(created);
    if (!check) {
        return created;
    }
    const until = Date.now() + timeoutOf(op, inputs);
    const reporter = new Reporter(op);
    let live = created;
    for (;;) {
        live = await client.get(created).catch(unlessTemporary(live));
        const readiness = await check(client, live).catch(unlessTemporary(notYet));
        await reportEvents(client, reporter, live);
        readiness.status.forEach(({ severity, message }) => reporter.status(severity, message));
        readiness.problems.forEach((problem) => reporter.status("warning", problem));
        if (readiness.ready) {
            op.status("info", "");
            return live;
        }
        if (op.cancelled.aborted) {
            const name = live.metadata.name!;
            throw new AwaitError(`Resource operation was cancelled for "${name}"`, live, readiness.problems);
        }
        if (Date.now() >= until) {
            throw new AwaitError(timeoutMessage(live), live, readiness.problems);
        }
        await sleep(Math.min(pollInterval, Math.max(1, until - Date.now())));
    }
}

const notYet: Readiness = { ready: false, status: [], problems: [] };

/**
 * Goes on with the fallback where the real provider's watch goes on too: an object may be made again, and a server that
 * has just started knows of no roles yet.
 */
function unlessTemporary<T>(fallback: T): (error: unknown) => T {
    return (error) => {
        if (error instanceof ApiError && (error.code === 404 || error.code === 403)) {
            return fallback;
        }
        throw error;
    };
}

function timeoutMessage(object: KubeObject): string {
    return object.kind === "DaemonSet"
        ? "timed out waiting for the condition"
        : `'${object.metadata.name}' timed out waiting to be Ready`;
}

/** Looks once whether an object that is read is ready. */
export async function checkReady(client: Client, inputs: KubeObject, live: KubeObject): Promise<void> {
    const check = annotated(inputs, "pulumi.com/skipAwait") ? undefined : checkOf(live);
    const readiness = await check?.(client, live, true);
    if (readiness && !readiness.ready) {
        const message = `Resource '${live.metadata.name}' was created but failed to initialize`;
        throw new AwaitError(message, live, readiness.problems);
    }
}

type Check = (client: Client, live: KubeObject, once?: boolean) => Promise<Readiness>;

/** The kinds that are waited for; the real provider also waits for StatefulSet, Job, Ingress and volumes. */
function checkOf({ apiVersion, kind, metadata }: KubeObject): Check | undefined {
    switch (`${apiVersion}/${kind}`) {
        case "v1/Pod":
            return async (_client, pod) => podReadiness(pod);
        case "apps/v1/DaemonSet":
            return async (client, set) => {
                const readiness = daemonSetReadiness(set);
                return readiness.ready ? readiness : withPods(readiness, await owned(client, "v1", "Pod", set));
            };
        case "apps/v1/Deployment":
            return async (client, deployment) => {
                const sets = await owned(client, "apps/v1", "ReplicaSet", deployment);
                const readiness = deploymentReadiness(deployment, sets);
                const pods = readiness.ready
                    ? []
                    : await Promise.all(sets.map((set) => owned(client, "v1", "Pod", set)));
                return withPods(readiness, pods.flat());
            };
        case "v1/Service":
            return serviceCheck();
        case "v1/Secret":
            return tokenCheck(metadata.name!);
        default:
            return undefined;
    }
}

async function owned(client: Client, apiVersion: string, kind: string, owner: KubeObject): Promise<KubeObject[]> {
    const objects = await client.list(apiVersion, kind, owner.metadata.namespace!);
    return objects.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid));
}

function withPods(readiness: Readiness, pods: KubeObject[]): Readiness {
    const problems = pods.flatMap((pod) => podReadiness(pod).problems);
    return { ...readiness, problems: [...readiness.problems, ...problems] };
}

const settleTime = 10_000;

/** A service with a selector is ready once its endpoints have not changed for ten seconds and all are ready. */
function serviceCheck(): Check {
    let last: string | undefined;
    let changed = Infinity;
    return async (client, service, once = false) => {
        const { type = "ClusterIP", clusterIP, selector } = (service.spec ?? {}) as Record<string, unknown>;
        const allocated =
            type !== "LoadBalancer" || ((pluck(service, "status", "loadBalancer", "ingress") ?? []) as []).length > 0;
        if (type === "ExternalName" || clusterIP === "None" || Object.keys((selector as object) ?? {}).length === 0) {
            return { ready: allocated, status: [], problems: [] };
        }
        const { name, namespace } = service.metadata;
        const [endpoints] = await client.list("v1", "Endpoints", namespace!, `metadata.name=${name}`);
        const version = endpoints?.metadata.resourceVersion;
        if (version !== last) {
            [last, changed] = [version, Date.now()];
        }
        const subsets = ((endpoints?.subsets as { addresses?: []; notReadyAddresses?: [] }[]) ?? []).filter(Boolean);
        const pending = subsets.some(({ notReadyAddresses = [] }) => notReadyAddresses.length > 0);
        const settled = once || (version !== undefined && Date.now() - changed >= settleTime);
        const problems = subsets.some(({ addresses = [] }) => addresses.length > 0)
            ? []
            : [
                  "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not " +
                      "match labels on any Pods",
              ];
        const status = [{ severity: "info" as const, message: "[1/3] Finding Pods to direct traffic to" }];
        return { ready: allocated && settled && !pending, status, problems };
    };
}

/** A secret with a service account's token is ready once the controller has put the token in. */
function tokenCheck(name: string): Check {
    return async (_client, secret) => ({
        ready:
            secret.type !== "kubernetes.io/service-account-token" ||
            Object.keys((secret.data as object) ?? {}).length > 0,
        status: [{ severity: "info", message: `Waiting for the token of "${name}"` }],
        problems: [],
    });
}

/** Shows warning events: failed scheduling, image pulls, sandboxes. */
async function reportEvents(client: Client, reporter: Reporter, object: KubeObject): Promise<void> {
    const { uid, namespace } = object.metadata;
    const events = await client
        .list("v1", "Event", namespace ?? "default", `involvedObject.uid=${uid}`)
        .catch(() => [] as KubeObject[]); // only for information
    for (const { type, reason, message } of events) {
        reporter.status(type === "Warning" ? "warning" : "debug", `${String(reason)}: ${String(message)}`);
    }
}

const skipsDeleteAwait =
    /^(v1\/(Namespace|Pod|ReplicationController)|apps\/v1\/(DaemonSet|Deployment|StatefulSet)|batch\/v1\/Job)$/;

/** Waits until the object is gone. */
export async function awaitDeleted(
    client: Client,
    op: Operation,
    inputs: KubeObject,
    object: KubeObject,
): Promise<void> {
    const kind = `${object.apiVersion}/${object.kind}`;
    if (annotated(inputs, "pulumi.com/skipAwait") && skipsDeleteAwait.test(kind)) {
        return;
    }
    const until = Date.now() + timeoutOf(op, inputs);
    const reporter = new Reporter(op);
    for (let delay = 100; ; delay = Math.min(delay * 2, pollInterval)) {
        let live: KubeObject;
        try {
            live = await client.get(object);
        } catch (error) {
            if (error instanceof ApiError && error.code === 404) {
                op.status("info", "");
                return;
            }
            throw error;
        }
        if (live.metadata.uid !== object.metadata.uid && object.metadata.uid) {
            return; // another object took the name
        }
        await reportEvents(client, reporter, live);
        reporter.status("info", "Resource scheduled for deletion");
        const finalizers = live.metadata.finalizers ?? [];
        if (op.cancelled.aborted) {
            throw new AwaitError(`Resource operation was cancelled for "${live.metadata.name}"`, live, []);
        }
        if (Date.now() >= until) {
            op.log("warning", `finalizers might be preventing deletion (${finalizers.join(", ")})`);
            throw new AwaitError("timed out waiting for the condition", live, []);
        }
        await sleep(delay);
    }
}
