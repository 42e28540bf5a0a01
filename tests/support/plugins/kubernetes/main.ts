import { parseAllDocuments } from "yaml";
import { InitializationError, StandIn } from "../shared/provider";
import { serve } from "../shared/server";
import { hasUnknown, PropertyMap, reveal, Value } from "../shared/values";
import { createObject, keepIgnored, updateObject } from "./apply";
import { AwaitError, awaitDeleted, awaitReady, checkReady } from "./await";
import { ApiError, Client, NoMatchError, UnreachableError } from "./client";
import { diffObjects, prune } from "./diff";
import { forceNewFields, isCrd, isNamespaced, kindOf } from "./kinds";
import { diffSettings, loadKubeConfig, readSettings } from "./kubeconfig";
import { assignName, isAutonamed, isNamed, newFieldManager } from "./naming";
import { normalize } from "./normalize";
import {
    annotateSecrets,
    annotationOf,
    checkpoint,
    KubeObject,
    objectId,
    parseCheckpoint,
    toObject,
    toProperties,
} from "./object";

/** Seconds for which a server that restarts is waited for. */
const patience = Number(process.env.KATA_CLUSTER_STAND_IN_PATIENCE ?? 300);

let settings = readSettings(new Map());
let defaultNamespace = "";
/** Undefined if there is no usable kubeconfig; then `configError` says why. */
let client: Client | undefined;
let configError = "the provider is not configured";
let cancelled: AbortSignal | undefined;

/** Why the cluster cannot be used, or undefined if it can. */
async function unreachable(patient: boolean): Promise<string | undefined> {
    try {
        await client?.probe(patient);
        return client ? undefined : configError;
    } catch (error) {
        return `unable to load schema information from the API server: ${(error as Error).message}`;
    }
}

async function namespaced(object: KubeObject): Promise<boolean> {
    // A kind that nobody knows yet is taken as one that lives in a namespace.
    return (
        isNamespaced(object.apiVersion, object.kind) ??
        (await client?.namespaced(object.apiVersion, object.kind).catch(() => true)) ??
        true
    );
}

function fieldManagerOf(state: PropertyMap, inputs: KubeObject): string {
    if (!settings.serverSideApply) {
        return "pulumi-kubernetes";
    }
    const stored = state.__fieldManager;
    return (
        annotationOf(inputs, "pulumi.com/patchFieldManager") ??
        (typeof stored === "string" ? stored : newFieldManager())
    );
}

/** Stand-in for the plugin of @pulumi/kubernetes: typed resources with the real one's naming, diff, apply and waits. */
const kubernetesProvider: StandIn = {
    name: "kubernetes",
    version: "4.34.2",
    referable: ["kubernetes:core/v1:Pod"],
    settings: ["kubeconfig", "clusterIdentifier", "context", "cluster", "namespace"],

    async checkConfig(_op, news) {
        const strict = news.strictMode === "true" || news.strictMode === true;
        return strict && !news.kubeconfig
            ? [{ property: "kubeconfig", reason: 'strict mode requires Provider "kubeconfig" argument' }]
            : [];
    },

    async diffConfig(_op, olds, news) {
        return diffSettings(olds, news);
    },

    async configure(variables) {
        settings = readSettings(variables);
        try {
            const { config, namespace } = await loadKubeConfig(settings);
            defaultNamespace = namespace;
            client = new Client(config, patience, settings.requestSeconds, () => cancelled?.aborted ?? false);
        } catch (error) {
            defaultNamespace = settings.namespace ?? "";
            configError = `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${(error as Error).message}`;
        }
    },

    async check(op, args) {
        cancelled = op.cancelled;
        if (settings.skipUpdateUnreachable && (await unreachable(false))) {
            op.log("warning", "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...");
            return { inputs: args.olds, failures: [] };
        }
        const { apiVersion, kind } = kindOf(op.type);
        const { __defaults, ...news } = args.news;
        void __defaults;
        const object = normalize({ ...toObject(news), apiVersion, kind });
        const hasOld = Object.keys(args.olds).length > 0;
        assignName(op, object, hasOld ? toObject(args.olds) : undefined, args);
        if (defaultNamespace && !object.metadata.namespace && (await namespaced(object))) {
            object.metadata.namespace = defaultNamespace;
        }
        const inputs = toProperties(object);
        annotateSecrets(inputs, news);
        return { inputs, failures: [] };
    },

    async diff(_op, { olds, news, ignoreChanges }) {
        const { inputs, live } = parseCheckpoint(olds);
        const oldInputs = normalize(inputs);
        const object = normalize(toObject(news));
        const pruned = prune(live, oldInputs);
        if (await namespaced(object)) {
            pruned.metadata.namespace ||= "default";
            object.metadata.namespace ||= "default";
        } else {
            delete pruned.metadata.namespace;
            delete object.metadata.namespace;
        }
        delete pruned.metadata.resourceVersion;
        if (isNamed(object)) {
            pruned.metadata.name = live.metadata.name;
        }
        pruned.apiVersion ??= object.apiVersion;
        pruned.kind ??= object.kind;
        const detailed = diffObjects(pruned, object, oldInputs, forceNewFields(object, settings.mutable));
        for (const path of [...detailed.keys()]) {
            if (
                ignoreChanges.some(
                    (ignored) => path === ignored || path.startsWith(`${ignored}.`) || path.startsWith(`${ignored}[`),
                )
            ) {
                detailed.delete(path);
            }
        }
        const replaced = [...detailed.values()].some(({ kind }) => kind.endsWith("Replace"));
        const { name, namespace } = object.metadata;
        const sameName = name === live.metadata.name && namespace === (live.metadata.namespace ?? undefined);
        return { detailed, deleteBeforeReplace: replaced && isNamed(object) && !isAutonamed(object) && sameName };
    },

    async create(op, inputs, preview) {
        cancelled = op.cancelled;
        const object = toObject(inputs);
        const reason = preview && hasUnknown(inputs) ? "unknown inputs" : await unreachable(!preview);
        if (reason !== undefined) {
            if (preview) {
                return { id: "", outputs: inputs };
            }
            throw new Error(`configured Kubernetes cluster is unreachable: ${reason}`);
        }
        const fieldManager = fieldManagerOf({}, object);
        let live: KubeObject;
        try {
            live = await createObject(client!, op, settings, object, fieldManager, preview);
        } catch (error) {
            if (preview && previewFallsBack(error)) {
                return { id: "", outputs: inputs };
            }
            const what = `resource "${op.urn}" was not successfully created by the Kubernetes API server`;
            throw new Error(`${what}: ${(error as Error).message}`);
        }
        if (preview) {
            const { status, ...planned } = live;
            void status;
            return {
                id: "",
                outputs: checkpoint(object, planned, inputs, object.apiVersion, fieldManager),
            };
        }
        const state = (latest: KubeObject) => checkpoint(object, latest, inputs, object.apiVersion, fieldManager);
        try {
            live = await awaitReady(client!, op, object, live);
        } catch (error) {
            const latest = error instanceof AwaitError ? error.object : live;
            const message =
                `resource "${op.urn}" was successfully created, but the Kubernetes API server reported that it failed ` +
                `to fully initialize or become live: ${(error as Error).message}`;
            throw initializationError(message, error, latest, state(latest));
        }
        if (isCrd(object)) {
            client!.forgetKinds();
        }
        return { id: objectId(live), outputs: state(live) };
    },

    async read(op, id, state, inputs) {
        cancelled = op.cancelled;
        const reason = await unreachable(false);
        if (reason !== undefined) {
            op.log("warning", `configured Kubernetes cluster is unreachable: ${reason}`);
            if (settings.deleteUnreachable) {
                op.log("info", dropped);
                return undefined;
            }
            if (settings.skipUpdateUnreachable) {
                return { id, state, inputs };
            }
            throw new Error(`failed to read resource state due to unreachable cluster. ${dropHint}`);
        }
        const [first, second] = id.split("/");
        const [namespace, name] = second === undefined ? [undefined, first] : [first, second];
        const known = Object.keys(inputs).length > 0;
        const old = known ? normalize(toObject(inputs)) : undefined;
        const target = { ...kindOf(op.type), metadata: { name, namespace } };
        let live: KubeObject;
        try {
            live = await client!.get(target);
        } catch (error) {
            if (error instanceof NoMatchError || (error instanceof ApiError && error.code === 404)) {
                return undefined;
            }
            throw error;
        }
        const liveInputs = old ? prune(live, old) : withoutStatus(live);
        const initialApiVersion = (state.__initialApiVersion as string | undefined) ?? live.apiVersion;
        const newState = checkpoint(liveInputs, live, inputs, initialApiVersion, fieldManagerOf(state, liveInputs));
        const newInputs = toProperties(liveInputs);
        annotateSecrets(newInputs, inputs);
        if (known) {
            await checkReady(client!, old!, live).catch((error: Error) => {
                throw initializationError(error.message, error, live, newState, newInputs);
            });
        }
        return { id, state: newState, inputs: newInputs };
    },

    async update(op, { olds, news, ignoreChanges, preview }) {
        cancelled = op.cancelled;
        const reason = preview && hasUnknown(news) ? "unknown inputs" : await unreachable(!preview);
        if (reason !== undefined) {
            if (preview) {
                return news;
            }
            throw new Error(`configured Kubernetes cluster is unreachable: ${reason}`);
        }
        const { inputs: oldInputs, live: oldLive } = parseCheckpoint(olds);
        const object = normalize(toObject(news));
        const fieldManager = fieldManagerOf(olds, object);
        const initialApiVersion = (olds.__initialApiVersion as string | undefined) ?? object.apiVersion;
        const state = (latest: KubeObject) => checkpoint(object, latest, news, initialApiVersion, fieldManager);
        let live = oldLive;
        try {
            live = await client!.get(oldLive);
            const wanted = keepIgnored(object, live, ignoreChanges);
            live = await updateObject(client!, settings, live, wanted, oldInputs, fieldManager, preview);
            return state(preview ? live : await awaitReady(client!, op, wanted, live));
        } catch (error) {
            if (preview && error instanceof ApiError && error.reason === "Forbidden") {
                return news;
            }
            const latest =
                error instanceof AwaitError ? error.object : await client!.get(oldLive).catch(() => undefined);
            if (!latest) {
                throw new Error(`update of resource "${op.urn}" failed: ${(error as Error).message}`);
            }
            const message =
                `the Kubernetes API server reported that "${objectId(latest)}" failed to fully initialize or become ` +
                `live: ${(error as Error).message}`;
            throw initializationError(message, error, latest, state(latest));
        }
    },

    async delete(op, _id, state) {
        cancelled = op.cancelled;
        const { inputs, live } = parseCheckpoint(state);
        const reason = await unreachable(false);
        if (reason !== undefined) {
            op.log("warning", `configured Kubernetes cluster is unreachable: ${reason}`);
            if (settings.deleteUnreachable) {
                op.log("info", dropped);
                return;
            }
            throw new Error(`configured Kubernetes cluster is unreachable. ${dropHint}`);
        }
        try {
            await client!.delete(live, propagationPolicy(inputs));
            await awaitDeleted(client!, op, inputs, live);
        } catch (error) {
            if (error instanceof NoMatchError || (error instanceof ApiError && error.code === 404)) {
                return;
            }
            if (error instanceof AwaitError) {
                const latest = error.object;
                const { __fieldManager = "", __initialApiVersion = "" } = state as Record<string, string>;
                const kept = checkpoint(live, latest, state, __initialApiVersion, __fieldManager);
                throw initializationError(error.message, error, latest, kept);
            }
            throw error;
        }
    },

    async invoke(_op, token, args) {
        if (token !== "kubernetes:yaml:decode") {
            throw new Error(`Unknown Invoke type "${token}" (stand-in for pulumi-resource-kubernetes)`);
        }
        const { text, defaultNamespace: namespace } = reveal(args) as { text: string; defaultNamespace?: string };
        const documents = parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null);
        const result: Value[] = [];
        for (const object of documents.filter((document) => document !== null)) {
            if (namespace && !object.metadata?.namespace && (await namespaced(object))) {
                object.metadata = { ...object.metadata, namespace };
            }
            result.push(toProperties(object));
        }
        return { result };
    },
};

const dropped =
    "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. Deleting the " +
    "unreachable resource from Pulumi state";
const dropHint =
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the " +
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

/** Errors of a dry run that say nothing about the real run: what is missing may come in the same deployment. */
function previewFallsBack(error: unknown): boolean {
    return (
        error instanceof NoMatchError ||
        error instanceof UnreachableError ||
        (error instanceof ApiError &&
            (["Forbidden", "AlreadyExists"].includes(error.reason) ||
                (error.reason === "NotFound" && error.details.kind === "namespaces") ||
                error.message.includes("does not support dry run")))
    );
}

function initializationError(
    message: string,
    cause: unknown,
    live: KubeObject,
    state: PropertyMap,
    inputs?: PropertyMap,
): InitializationError {
    const problems = cause instanceof AwaitError ? cause.problems : [];
    return new InitializationError(message, objectId(live), state, [message, ...problems], inputs);
}

function propagationPolicy(inputs: KubeObject): string {
    const policy = annotationOf(inputs, "pulumi.com/deletionPropagationPolicy")?.toLowerCase();
    return policy === "orphan" ? "Orphan" : policy === "background" ? "Background" : "Foreground";
}

/** What an imported object's inputs are: all but what only the server sets. */
function withoutStatus(live: KubeObject): KubeObject {
    const { status, ...inputs } = normalize(live);
    void status;
    return inputs;
}

void serve(kubernetesProvider, process.argv.slice(2));
