import { hasUnknown, isObject } from "../shared/values";
import { isCrd } from "./kinds";
import { KubeObject } from "./object";

const readOnlyMetadata = [
    ...["creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields"],
    ...["resourceVersion", "uid"],
];
/** Keys below which all values are quantities. */
const quantityMaps = new Set(["limits", "requests", "podFixed", "overhead", "capacity", "allocatable", "hard"]);

/** Inputs in the form in which the server gives them back, so that the same thing written otherwise is no change. */
export function normalize(object: KubeObject): KubeObject {
    const metadata = Object.fromEntries(
        Object.entries(object.metadata).filter(([key]) => !readOnlyMetadata.includes(key)),
    );
    const result: KubeObject = { ...object, metadata };
    if (hasUnknown(object)) {
        return result;
    }
    if (object.kind === "Secret" && isObject(object.stringData) && Object.keys(object.stringData).length > 0) {
        const encoded = Object.entries(object.stringData).map(([key, value]) => [
            key,
            Buffer.from(value as string).toString("base64"),
        ]);
        result.data = { ...(object.data as object), ...Object.fromEntries(encoded) };
        delete result.stringData;
    }
    if (isCrd(object)) {
        delete result.status;
    }
    return quantities(result) as KubeObject;
}

function quantities(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(quantities);
    }
    if (!isObject(value)) {
        return value;
    }
    const entries = Object.entries(value).map(([key, element]) => {
        if (quantityMaps.has(key) && isObject(element) && Object.values(element).every(isQuantity)) {
            const canonical = Object.entries(element as Record<string, string | number>).map(
                ([name, amount]) => [name, canonicalQuantity(String(amount))] as const,
            );
            return [key, Object.fromEntries(canonical)] as const;
        }
        return [key, quantities(element)] as const;
    });
    return Object.fromEntries(entries);
}

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)$/;

function isQuantity(value: unknown): boolean {
    return (typeof value === "string" || typeof value === "number") && pattern.test(String(value));
}

/** `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`: the largest suffix without a fraction. */
export function canonicalQuantity(text: string): string {
    const [, sign = "", digits = "", suffix = ""] = pattern.exec(text)!;
    const binary = suffix.endsWith("i");
    const base = binary ? 1024n : 1000n;
    const suffixes = binary ? ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] : ["m", "", "k", "M", "G", "T", "P", "E"];
    const [whole = "", fraction = ""] = digits.split(".");
    const scale = 10n ** BigInt(fraction.length);
    // In units of the smallest suffix; what is finer is rounded up, as the server does.
    const units = BigInt((whole || "0") + fraction) * base ** BigInt(suffixes.indexOf(suffix));
    let amount = (units + scale - 1n) / scale;
    let power = 0;
    while (amount !== 0n && amount % base === 0n && power < suffixes.length - 1) {
        amount /= base;
        power++;
    }
    if (amount === 0n) {
        return "0";
    }
    return `${sign === "-" ? "-" : ""}${amount}${suffixes[power]}`;
}
