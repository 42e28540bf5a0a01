import { Problems } from "./problems";

/** The value as an object: an empty one where it is something else, for what comes from a file can be anything. */
export function record<T extends object>(value: T | undefined): Partial<T> {
    return isObject(value) ? value : {};
}

/** The object at `path`, if there is one. */
export function objectAt<T extends object>(problems: Problems, path: string, value: T | undefined): Partial<T> {
    problems.check(
        value === undefined || isObject(value),
        path,
        value,
        "not an object",
        "a set of settings by their names",
        "leave it out for the defaults",
    );
    return record(value);
}

/** The objects of the list at `path`, if there is one. What is no object has a problem, and is an empty one. */
export function objectsAt<T extends object>(problems: Problems, path: string, value: T[] | undefined): Partial<T>[] {
    return listAt(problems, path, value).map((one, i) => {
        problems.check(isObject(one), `${path}[${i}]`, one, "not an object", "settings by their names", "remove it");
        return record(one);
    });
}

/** The texts of the list at `path`, if there is one. */
export function textsAt(problems: Problems, path: string, value: string[] | undefined): string[] {
    return listAt(problems, path, value).filter((one, i) =>
        problems.check(typeof one === "string", `${path}[${i}]`, one, "not a text", "a text", "put it into quotes"),
    );
}

/** The boolean at `path`, or else the default. */
export function booleanAt(problems: Problems, path: string, value: boolean | undefined, fallback: boolean): boolean {
    const good = problems.check(
        value === undefined || typeof value === "boolean",
        path,
        value,
        "neither true nor false",
        "true or false, without quotes",
        `leave it out for ${fallback}`,
    );
    return good && value !== undefined ? value : fallback;
}

function listAt<T>(problems: Problems, path: string, value: T[] | undefined): T[] {
    problems.check(
        value === undefined || Array.isArray(value),
        path,
        value,
        "not a list",
        "a list",
        "put it into brackets, or leave it out",
    );
    return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is object {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
