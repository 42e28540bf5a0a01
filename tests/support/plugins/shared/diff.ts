import { Diff, DiffKind } from "./provider";
import { Archive, Asset, isObject, PropertyMap, Reference, reveal, Secret, Unknown, Value } from "./values";

/** A property path in the engine's notation: `spec.containers[0].image`, `metadata.labels["a.b"]`. */
export function formatPath(path: (string | number)[]): string {
    return path.reduce<string>((text, part) => {
        if (typeof part === "number") {
            return `${text}[${part}]`;
        }
        if (/[."[\]]/.test(part)) {
            return `${text}["${part.replaceAll('"', '\\"')}"]`;
        }
        return text === "" ? part : `${text}.${part}`;
    }, "");
}

/** Equality as the engine sees it: secret marks count, absent and null are the same, assets compare by digest. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
    if (a === undefined || a === null || b === undefined || b === null) {
        return (a ?? null) === (b ?? null);
    }
    if (a instanceof Secret || b instanceof Secret) {
        return a instanceof Secret && b instanceof Secret && equal(reveal(a), reveal(b));
    }
    if (a instanceof Unknown || b instanceof Unknown) {
        return a instanceof Unknown && b instanceof Unknown;
    }
    if (a instanceof Asset || b instanceof Asset) {
        return a instanceof Asset && b instanceof Asset && a.hash === b.hash;
    }
    if (a instanceof Archive || b instanceof Archive) {
        return a instanceof Archive && b instanceof Archive && a.hash === b.hash;
    }
    if (a instanceof Reference || b instanceof Reference) {
        return JSON.stringify(a) === JSON.stringify(b);
    }
    if (Array.isArray(a) || Array.isArray(b)) {
        return (
            Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((value, i) => equal(value, b[i]))
        );
    }
    if (isObject(a) && isObject(b)) {
        return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(a[key], b[key]));
    }
    return a === b;
}

/** Which properties differ between two sets of inputs, down to the single element. */
export function objectDiff(olds: PropertyMap, news: PropertyMap): Diff["detailed"] {
    const detailed: Diff["detailed"] = new Map();
    const visit = (path: (string | number)[], old: Value | undefined, now: Value | undefined): void => {
        if (equal(old, now)) {
            return;
        }
        if (isObject(old) && isObject(now)) {
            for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
                visit([...path, key], old[key], now[key]);
            }
        } else if (Array.isArray(old) && Array.isArray(now)) {
            for (let i = 0; i < Math.max(old.length, now.length); i++) {
                visit([...path, i], (old as Value[])[i], (now as Value[])[i]);
            }
        } else {
            const kind: DiffKind = (old ?? null) === null ? "add" : (now ?? null) === null ? "delete" : "update";
            detailed.set(formatPath(path), { kind, inputDiff: false });
        }
    };
    visit([], olds, news);
    return detailed;
}
