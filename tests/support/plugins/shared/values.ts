import { Struct, JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";

/** A property as a provider sees it: plain data, or one of the engine's special values below. */
export type Value =
    null | boolean | number | string | Value[] | PropertyMap | Secret | Unknown | Asset | Archive | Reference;
export interface PropertyMap {
    [key: string]: Value;
}

/** A value that the engine encrypts in the state and hides in output. */
export class Secret {
    constructor(readonly element: Value) {}
}

/** A value that is not known before the deployment runs. */
export class Unknown {}
export const unknownValue = new Unknown();

/** A file or a text; `hash` is the engine's digest of the content. */
export class Asset {
    constructor(
        readonly hash: string,
        readonly path?: string,
        readonly text?: string,
        readonly uri?: string,
    ) {}
}

/** A folder or an archive file (`path`), or a set of assets. */
export class Archive {
    constructor(
        readonly hash: string,
        readonly path?: string,
        readonly uri?: string,
        readonly assets?: PropertyMap,
    ) {}
}

/** A reference to another resource, passed on as it came. */
export class Reference {
    constructor(readonly wire: { [key: string]: JavaScriptValue }) {}
}

// The signatures of the engine's wire format: an object with this key is one of the special values.
const signatureKey = "4dabf18193072939515e22adb298388d";
const signature = {
    secret: "1b47061264138c4ac30d75fd1eb44270",
    asset: "c44067f5952c0a294b673a41bacd8c17",
    archive: "0def7320c3a5731c473e5ecbe6d01bc7",
    output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
};
const unknowns = new Set([
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9", // string
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // list
    "030794c1-ac77-496b-92df-f27374a8bd58", // asset
    "e48ece36-62e2-4504-bad9-02848725956a", // archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);
const unknownWire = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Reads the engine's wire format. */
export function decode(struct: Struct | undefined): PropertyMap {
    return struct ? (decodeValue(struct.toJavaScript() as JavaScriptValue) as PropertyMap) : {};
}

function decodeValue(wire: JavaScriptValue): Value {
    if (typeof wire === "string") {
        return unknowns.has(wire) ? unknownValue : wire;
    }
    if (wire === null || typeof wire !== "object") {
        return wire;
    }
    if (Array.isArray(wire)) {
        return wire.map(decodeValue);
    }
    const object = wire as { [key: string]: JavaScriptValue };
    const text = (key: string) => (typeof object[key] === "string" ? object[key] : undefined);
    switch (object[signatureKey]) {
        case undefined:
            return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, decodeValue(value)]));
        case signature.secret:
            return new Secret(decodeValue(object.value ?? null));
        case signature.asset:
            return new Asset(text("hash") ?? "", text("path"), text("text"), text("uri"));
        case signature.archive: {
            const assets = object.assets ? (decodeValue(object.assets) as PropertyMap) : undefined;
            return new Archive(text("hash") ?? "", text("path"), text("uri"), assets);
        }
        case signature.output: {
            const element = object.value === undefined ? unknownValue : decodeValue(object.value);
            return object.secret === true ? new Secret(element) : element;
        }
        default:
            return new Reference(object);
    }
}

/** Writes the engine's wire format. */
export function encode(map: PropertyMap): Struct {
    return Struct.fromJavaScript(encodeValue(map) as { [key: string]: JavaScriptValue });
}

function encodeValue(value: Value): JavaScriptValue {
    if (value instanceof Secret) {
        return { [signatureKey]: signature.secret, value: encodeValue(value.element) };
    }
    if (value instanceof Unknown) {
        return unknownWire;
    }
    if (value instanceof Asset) {
        return { [signatureKey]: signature.asset, hash: value.hash, ...present(value, ["path", "text", "uri"]) };
    }
    if (value instanceof Archive) {
        const assets = value.assets ? { assets: encodeValue(value.assets) } : {};
        return { [signatureKey]: signature.archive, hash: value.hash, ...present(value, ["path", "uri"]), ...assets };
    }
    if (value instanceof Reference) {
        return value.wire;
    }
    if (Array.isArray(value)) {
        return value.map(encodeValue);
    }
    if (value !== null && typeof value === "object") {
        const entries = Object.entries(value).filter(([, element]) => element !== undefined);
        return Object.fromEntries(entries.map(([key, element]) => [key, encodeValue(element)]));
    }
    return value;
}

function present(value: Asset | Archive, keys: ("path" | "text" | "uri")[]): { [key: string]: JavaScriptValue } {
    const fields = value as { path?: string; text?: string; uri?: string };
    return Object.fromEntries(keys.filter((key) => fields[key] !== undefined).map((key) => [key, fields[key]!]));
}

/** True for an object that is none of the special values. */
export function isObject(value: unknown): value is PropertyMap {
    return (
        value !== null &&
        typeof value === "object" &&
        !Array.isArray(value) &&
        ![Secret, Unknown, Asset, Archive, Reference].some((special) => value instanceof special)
    );
}

/** True if the value is, or holds, one for which `test` is true. */
export function contains(value: Value, test: (value: Value) => boolean): boolean {
    if (test(value)) {
        return true;
    }
    if (value instanceof Secret) {
        return contains(value.element, test);
    }
    if (Array.isArray(value)) {
        return (value as Value[]).some((element) => contains(element, test));
    }
    return isObject(value) && Object.values(value).some((element) => contains(element, test));
}

/** True if the value is, or holds, an unknown. */
export const hasUnknown = (value: Value): boolean => contains(value, (v) => v instanceof Unknown);
/** True if the value is, or holds, a secret. */
export const hasSecret = (value: Value): boolean => contains(value, (v) => v instanceof Secret);

/** The value without secret marks, at any depth. */
export function reveal(value: Value): Value {
    if (value instanceof Secret) {
        return reveal(value.element);
    }
    if (Array.isArray(value)) {
        return value.map(reveal);
    }
    return isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([key, element]) => [key, reveal(element)]))
        : value;
}

/** Marks a value as secret, once. */
export function secret(value: Value): Value {
    return value instanceof Secret ? value : new Secret(value);
}
