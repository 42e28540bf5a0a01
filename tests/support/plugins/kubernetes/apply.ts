import { setTimeout as sleep } from "node:timers/promises";
import { Operation } from "../shared/provider";
import { isObject } from "../shared/values";
import { ApiError, Client, NoMatchError } from "./client";
import { isCrd } from "./kinds";
import { Settings } from "./kubeconfig";
import { annotated, JsonObject, KubeObject, ManagedFields, pluck } from "./object";

/** The names under which older versions, other modes and kubectl own fields; an update takes these over. */
const predecessors = ["kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes"];

/**
 * Creates an object. A missing namespace or kind may be on its way, so that is tried six times within half a minute, as
 * the real provider does.
 */
export async function createObject(
    client: Client,
    op: Operation,
    settings: Settings,
    inputs: KubeObject,
    fieldManager: string,
    preview: boolean,
): Promise<KubeObject> {
    for (let attempt = 0, delay = 1000; ; attempt++, delay *= 2) {
        try {
            if (settings.serverSideApply && settings.upsert) {
                const force = preview || settings.patchForce || annotated(inputs, "pulumi.com/patchForce");
                return await client.apply(inputs, fieldManager, force, preview).catch(explainConflict(fieldManager));
            }
            return await client.create(inputs, preview);
        } catch (error) {
            const missing = error instanceof NoMatchError || (error instanceof ApiError && error.reason === "NotFound");
            if (!missing || attempt === 5 || preview || op.cancelled.aborted) {
                throw error instanceof ApiError && error.reason === "AlreadyExists" ? explainExisting(error) : error;
            }
            op.status("info", `Retry #${attempt}; creation failed: ${error.message}`);
            await sleep(delay);
        }
    }
}

function explainExisting(error: ApiError): ApiError {
    return new ApiError(
        error.code,
        error.reason,
        `${error.message}\n\nThe resource already exists in the cluster. Renamed in the program? Use an alias, or ` +
            `deleteBeforeReplace. Made by others? Use \`pulumi import\`, or upsertExistingObjects on the provider.`,
        error.details,
    );
}

/** Updates an object by server-side apply, or by a merge patch where that is switched off. */
export async function updateObject(
    client: Client,
    settings: Settings,
    live: KubeObject,
    inputs: KubeObject,
    oldInputs: KubeObject,
    fieldManager: string,
    preview: boolean,
): Promise<KubeObject> {
    if (isCrd(inputs)) {
        const { resourceVersion } = live.metadata;
        return client.replace({ ...inputs, metadata: { ...inputs.metadata, resourceVersion } }, fieldManager, preview);
    }
    if (!settings.serverSideApply) {
        return client.mergePatch(live, mergePatch(oldInputs, inputs), preview);
    }
    const current = preview ? live : await takeOver(client, live, fieldManager);
    const managers = current.metadata.managedFields ?? [];
    const force =
        managers.length === 0 ||
        settings.patchForce ||
        annotated(inputs, "pulumi.com/patchForce") ||
        (preview && managers.some((entry) => isPredecessor(entry) && entry.manager.startsWith("pulumi")));
    return client.apply(inputs, fieldManager, force, preview).catch(explainConflict(fieldManager));
}

function isPredecessor({ manager, operation, subresource }: ManagedFields): boolean {
    const taken = operation === "Update" || (operation === "Apply" && manager === "kubectl");
    return !subresource && taken && predecessors.includes(manager);
}

/** Makes the fields that we own under other names ours, so that the apply is no conflict and can remove them. */
async function takeOver(client: Client, live: KubeObject, fieldManager: string): Promise<KubeObject> {
    const managers = live.metadata.managedFields ?? [];
    const old = managers.filter(isPredecessor);
    if (old.length === 0) {
        return live;
    }
    const isOurs = (entry: ManagedFields) =>
        entry.manager === fieldManager && entry.operation === "Apply" && !entry.subresource;
    const merged = [...managers.filter(isOurs), ...old].map(({ fieldsV1 }) => fieldsV1 ?? {}).reduce(union);
    const ours = { ...old[0], manager: fieldManager, operation: "Apply", fieldsV1: merged };
    const others = managers.filter((entry) => !isPredecessor(entry) && !isOurs(entry));
    return client.patch(live, [
        { op: "replace", path: "/metadata/managedFields", value: [...others, ours] },
        { op: "replace", path: "/metadata/resourceVersion", value: live.metadata.resourceVersion },
    ]);
}

function union(a: JsonObject, b: JsonObject): JsonObject {
    const result = { ...a };
    for (const [key, value] of Object.entries(b)) {
        const other = result[key];
        result[key] = isObject(other) && isObject(value) ? union(other, value) : value;
    }
    return result;
}

function explainConflict(fieldManager: string): (error: unknown) => never {
    return (error) => {
        if (error instanceof ApiError && error.reason === "Conflict") {
            throw new ApiError(
                error.code,
                error.reason,
                "server-side apply field conflict detected, see the provider's guide to managing resources with " +
                    `server-side apply for help\nThe resource managed by field manager "${fieldManager}" had an apply ` +
                    `conflict: ${error.message}`,
                error.details,
            );
        }
        throw error;
    };
}

function mergePatch(olds: unknown, news: unknown): unknown {
    if (!isObject(olds) || !isObject(news)) {
        return news;
    }
    const patch: Record<string, unknown> = {};
    for (const key of Object.keys(olds)) {
        if (!(key in news)) {
            patch[key] = null;
        }
    }
    for (const [key, value] of Object.entries(news)) {
        patch[key] = mergePatch(olds[key], value);
    }
    return patch;
}

/** Keeps the live value of what the program ignores. */
export function keepIgnored(inputs: KubeObject, live: KubeObject, ignoreChanges: string[]): KubeObject {
    const result = structuredClone(inputs);
    for (const path of ignoreChanges) {
        const keys = path.split(".");
        const value = pluck(live, ...keys);
        const parent = pluck(result, ...keys.slice(0, -1));
        if (value !== undefined && isObject(parent)) {
            (parent as Record<string, unknown>)[keys.at(-1)!] = value;
        }
    }
    return result;
}
