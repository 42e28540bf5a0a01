import { asset, runtime } from "@pulumi/pulumi";
import { Secret } from "@pulumi/policy";

/** Inputs of a resource as plain data: a text asset is `{ text }`; what is not known yet is the engine's marker for it. */
export type Inputs = Record<string, unknown>;

/** A text somewhere in a resource's inputs. */
export interface Text {
    /** As `connection.proxy.password` or `allows[0].ports[1]`. */
    path: string;
    /** The last name of the path: of `allows[0].ports[1]` it is `ports`. */
    key: string;
    text: string;
    /** Known only to rules that see secrets. */
    secret: boolean;
}

/**
 * A policy's inputs come in proxies, which throw at the first value that is not known yet, and hide which are secret. A
 * property's descriptor is that of what is behind them, all the way down.
 */
export async function plainInputs(proxied: object): Promise<Inputs> {
    const descriptors = Object.entries(Object.getOwnPropertyDescriptors(proxied));
    const entries = descriptors.map(async ([key, { value }]) => [key, await plain(value)] as const);
    return Object.fromEntries(await Promise.all(entries));
}

async function plain(value: unknown): Promise<unknown> {
    if (value instanceof asset.StringAsset) {
        return { text: await value.text };
    }
    if (value instanceof Secret) {
        return new Secret(await plain(value.value));
    }
    if (Array.isArray(value)) {
        return Promise.all(value.map(plain));
    }
    // Of other assets and archives the content is not here.
    return asset.Asset.isInstance(value) || asset.Archive.isInstance(value) || !isObject(value)
        ? value
        : plainInputs(value);
}

/** Every text in the inputs that is known. */
export function textsIn(inputs: unknown): Text[] {
    return walk(inputs, "", "", false);
}

function walk(value: unknown, path: string, key: string, secret: boolean): Text[] {
    if (value instanceof Secret) {
        return walk(value.value, path, key, true);
    }
    if (typeof value === "string") {
        return value === runtime.unknownValue ? [] : [{ path, key, text: value, secret }];
    }
    if (Array.isArray(value)) {
        return value.flatMap((one, index) => walk(one, `${path}[${index}]`, key, secret));
    }
    return isObject(value)
        ? Object.entries(value).flatMap(([name, one]) => walk(one, path ? `${path}.${name}` : name, name, secret))
        : [];
}

/** Whether it is an object that has properties to look at. */
export function isObject(value: unknown): value is Inputs {
    return typeof value === "object" && value !== null;
}
