import { Value as PropertyValue, isObject, PropertyMap, reveal, Secret, secret, Unknown } from "../shared/values";

/** Plain JSON; in a preview it can hold `Unknown`. */
export type Json = null | boolean | number | string | Json[] | JsonObject | Unknown;
export interface JsonObject {
    [key: string]: Json;
}

/** A Kubernetes object. */
export interface KubeObject {
    [key: string]: unknown;
    apiVersion: string;
    kind: string;
    metadata: ObjectMeta;
}
export interface ObjectMeta {
    [key: string]: unknown;
    name?: string;
    namespace?: string;
    generateName?: string;
    uid?: string;
    generation?: number;
    resourceVersion?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    finalizers?: string[];
    ownerReferences?: { uid: string }[];
    managedFields?: ManagedFields[];
}
export interface ManagedFields {
    manager: string;
    operation: string;
    subresource?: string;
    fieldsV1?: JsonObject;
    [key: string]: unknown;
}

// The SDKs cannot have dashes in property names.
const dashed = [
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
const toDashes = new Map(dashed.map((name) => [name.replaceAll("-", "_"), name]));
const toUnderscores = new Map(dashed.map((name) => [name, name.replaceAll("-", "_")]));

function renameKeys<T>(value: T, names: Map<string, string>): T {
    if (Array.isArray(value)) {
        return (value as unknown[]).map((element) => renameKeys(element, names)) as T;
    }
    return isObject(value)
        ? (Object.fromEntries(
              Object.entries(value).map(([key, element]) => [names.get(key) ?? key, renameKeys(element, names)]),
          ) as T)
        : value;
}

/** The object that properties describe, without secret marks. */
export function toObject(properties: PropertyMap): KubeObject {
    const object = renameKeys(reveal(properties), toDashes) as unknown as KubeObject;
    return { ...object, metadata: isObject(object.metadata) ? { ...object.metadata } : {} };
}

/** The properties of an object. */
export function toProperties(object: KubeObject | JsonObject): PropertyMap {
    return renameKeys(object as PropertyMap, toUnderscores);
}

/** Marks in `outs` what is secret in `ins`, and always the data of a Secret. */
export function annotateSecrets(outs: PropertyMap, ins: PropertyMap): void {
    if (outs.kind === "Secret") {
        for (const key of ["data", "stringData"]) {
            if (outs[key] !== undefined) {
                outs[key] = secret(outs[key]);
            }
        }
        return;
    }
    for (const [key, from] of Object.entries(ins)) {
        const to = outs[key];
        if (to === undefined) {
            continue;
        }
        if (isObject(to) && isObject(from)) {
            annotateSecrets(to, from);
        } else if (!(to instanceof Secret) && holdsSecret(from)) {
            outs[key] = secret(to);
        }
    }
}

function holdsSecret(value: PropertyValue): boolean {
    return (
        value instanceof Secret ||
        (Array.isArray(value) && value.some(holdsSecret)) ||
        (isObject(value) && Object.values(value).some(holdsSecret))
    );
}

/** What the state holds of an object: the live object, the inputs it was made of, and who manages its fields. */
export function checkpoint(
    inputs: KubeObject,
    live: KubeObject,
    fromInputs: PropertyMap,
    initialApiVersion: string,
    fieldManager: string,
): PropertyMap {
    const state = structuredCloneProperties(toProperties(live));
    const inputsState = structuredCloneProperties(toProperties(inputs));
    annotateSecrets(state, fromInputs);
    annotateSecrets(inputsState, fromInputs);
    state.__inputs = inputsState;
    state.__initialApiVersion = initialApiVersion;
    state.__fieldManager = fieldManager;
    return state;
}

/** Copies objects and lists; special values stay as they are. */
function structuredCloneProperties<T extends PropertyValue>(value: T): T {
    if (Array.isArray(value)) {
        return value.map(structuredCloneProperties) as T;
    }
    return isObject(value)
        ? (Object.fromEntries(
              Object.entries(value)
                  .filter(([, element]) => element !== undefined)
                  .map(([key, element]) => [key, structuredCloneProperties(element)]),
          ) as T)
        : value;
}

/** The two objects in a state: what the user gave, and what the server had. */
export function parseCheckpoint(state: PropertyMap): { inputs: KubeObject; live: KubeObject } {
    const { __inputs, __initialApiVersion, __fieldManager, ...live } = reveal(state) as PropertyMap;
    void [__initialApiVersion, __fieldManager];
    return { inputs: toObject(isObject(__inputs) ? __inputs : {}), live: toObject(live) };
}

/** `namespace/name`, or the name alone. */
export function objectId({ metadata: { namespace, name } }: KubeObject): string {
    return namespace ? `${namespace}/${name}` : name!;
}

/** True if the annotation is "true". */
export function annotated(object: KubeObject, annotation: string): boolean {
    return annotationOf(object, annotation) === "true";
}

/** The value of an annotation, if it is known. */
export function annotationOf(object: KubeObject, annotation: string): string | undefined {
    const annotations: unknown = object.metadata.annotations;
    const value = isObject(annotations) ? annotations[annotation] : undefined;
    return typeof value === "string" ? value : undefined;
}

/** A value deep in an object. */
export function pluck(object: unknown, ...path: (string | number)[]): unknown {
    return path.reduce<unknown>(
        (value, key) =>
            value !== null && typeof value === "object" ? (value as Record<string, unknown>)[key] : undefined,
        object,
    );
}
