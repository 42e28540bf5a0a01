import { formatPath } from "../shared/diff";
import { Diff, DiffKind } from "../shared/provider";
import { isObject, Unknown } from "../shared/values";
import { KubeObject } from "./object";

type Path = (string | number)[];

/** What of the live object the user has set: keys that `target` has too, list elements by position. */
export function prune(source: KubeObject, target: KubeObject): KubeObject {
    const pruned = pruneValue(source, target) as KubeObject;
    return { ...pruned, metadata: pruned.metadata ?? {} };
}

function pruneValue(source: unknown, target: unknown): unknown {
    if (isObject(source) && isObject(target)) {
        const shared = Object.keys(source).filter((key) => key in target);
        return Object.fromEntries(shared.map((key) => [key, pruneValue(source[key], target[key])]));
    }
    if (Array.isArray(source) && Array.isArray(target)) {
        return source.slice(0, target.length).map((value, i) => pruneValue(value, target[i]));
    }
    return source;
}

/** Compares the live object, as far as the user has set it, with the new inputs. */
export function diffObjects(
    live: KubeObject,
    news: KubeObject,
    oldInputs: KubeObject,
    forceNew: string[],
): Diff["detailed"] {
    const detailed: Diff["detailed"] = new Map();
    const fixed = forceNew.map((field) => field.split("."));
    const record = (path: Path, kind: DiffKind, value: unknown) => {
        const replace = fixed.some((field) => touches(path, value, field));
        const wholeMetadata = kind === "delete" && path.join() === "metadata";
        detailed.set(formatPath(path), {
            kind: replace || wholeMetadata ? (`${kind}Replace` as DiffKind) : kind,
            inputDiff: kind === "delete",
        });
    };
    const visit = (path: Path, old: unknown, now: unknown, before: unknown): void => {
        const [hasOld, hasNew] = [old !== undefined && old !== null, now !== undefined && now !== null];
        if (!hasOld && !hasNew) {
            return;
        }
        if (!hasNew) {
            record(path, "delete", null);
        } else if (now instanceof Unknown) {
            record(path, hasOld ? "update" : "add", null);
        } else if (!hasOld) {
            // The server leaves out empty values; they are no change if they are not new.
            if (!(isEmpty(now) && same(now, before))) {
                record(path, "add", now);
            }
        } else if (isObject(old) && isObject(now)) {
            for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
                visit([...path, key], old[key], now[key], isObject(before) ? before[key] : undefined);
            }
        } else if (Array.isArray(old) && Array.isArray(now)) {
            for (let i = 0; i < Math.max(old.length, now.length); i++) {
                visit([...path, i], old[i], now[i], Array.isArray(before) ? before[i] : undefined);
            }
        } else if (!same(old, now)) {
            record(path, "update", now);
        }
    };
    visit([], live, news, oldInputs);
    return detailed;
}

/** True if a change at `path` to `value` changes `field`: it lies above, at or below it. */
function touches(path: Path, value: unknown, field: string[]): boolean {
    const shared = Math.min(path.length, field.length);
    for (let i = 0; i < shared; i++) {
        if (field[i] !== path[i] && !(field[i] === "*" && typeof path[i] === "number")) {
            return false;
        }
    }
    return contains(value, field.slice(shared));
}

function contains(value: unknown, field: string[]): boolean {
    const [key, ...rest] = field;
    if (key === undefined) {
        return true;
    }
    if (key === "*") {
        return Array.isArray(value) && value.some((element) => contains(element, rest));
    }
    return isObject(value) && key in value && contains(value[key], rest);
}

function isEmpty(value: unknown): boolean {
    return (
        value === false ||
        value === 0 ||
        value === "" ||
        (Array.isArray(value) && value.length === 0) ||
        (isObject(value) && Object.values(value).every(isEmpty))
    );
}

function same(a: unknown, b: unknown): boolean {
    if (isObject(a) && isObject(b)) {
        return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => same(a[key], b[key]));
    }
    if (Array.isArray(a) && Array.isArray(b)) {
        return a.length === b.length && a.every((value, i) => same(value, b[i]));
    }
    return a === b;
}
