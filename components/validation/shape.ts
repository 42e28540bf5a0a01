import * as fs from "node:fs";
import * as path from "node:path";
import { nearest } from "./nearest";
import { isLater, isObject, Problems, shown } from "./problems";

/** What the package's schema says of a value: https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/ */
interface Type {
    type?: "string" | "number" | "integer" | "boolean" | "array" | "object";
    $ref?: string;
    items?: Type;
    additionalProperties?: Type;
    /** It is known at preview. Else it may be an output. */
    plain?: boolean;
}

interface Schema {
    resources: Record<string, { inputProperties: Record<string, Type> }>;
    types: Record<string, { type: "string" | "object"; properties?: Record<string, Type>; enum?: { value: string }[] }>;
}

/** The schema that Pulumi infers from the types of the arguments. `npm run golden` writes it anew. */
const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "../schema.json"), "utf8")) as Schema;

/** Arguments that are not as their component's type says: they come from YAML, Python or a configuration. */
export type Untyped = unknown;

/**
 * Makes sure that arguments have the shape of their component's type, for what comes from another language or from a
 * configuration has none. What has another shape is a problem and is left out of the result, so that nothing that
 * reads it can stumble; what is null counts as left out. What is missing, and what a value means, is for others.
 */
export function shaped<T>(problems: Problems, component: "KataCluster" | "UntrustedPod", at: string, args: Untyped): T {
    const { inputProperties } = schema.resources[`kata-cluster:index:${component}`]!;
    return (members(problems, at, args ?? {}, inputProperties) ?? {}) as T;
}

/** The value, or nothing if it is not of the type. */
function value(problems: Problems, at: string, given: Untyped, type: Type): Untyped {
    if (isLater(given)) {
        const known = type.plain && "it decides what is made, and is not known at preview";
        return known ? wrong(problems, at, given, known, "a value that no resource has to give", plainHint) : given;
    }
    if (type.$ref === "pulumi.json#/Any") {
        return given;
    }
    const named = typeNamed(type);
    if (named?.properties) {
        return members(problems, at, given, named.properties);
    }
    if (named?.enum) {
        const values = named.enum.map((one) => `"${one.value}"`).join(", ");
        return typeof given === "string"
            ? given
            : wrong(problems, at, given, "not a known value", values, "use one of these, in quotes");
    }
    switch (type.type) {
        case "array":
            return Array.isArray(given)
                ? given.map((one: Untyped, i) => element(problems, `${at}[${i}]`, one, type.items!))
                : wrong(problems, at, given, "not a list", "a list", "put it into brackets: [ … ]");
        case "object":
            return isObject(given)
                ? mapped(given, (key, one) => present(problems, `${at}["${key}"]`, one, type.additionalProperties!))
                : wrong(problems, at, given, "not a map", "names and their values", 'for example { name: "value" }');
        case "string":
            return typeof given === "string"
                ? given
                : wrong(problems, at, given, "not a text", "a text", "put it into quotes");
        case "boolean":
            return typeof given === "boolean"
                ? given
                : wrong(problems, at, given, "not a boolean", "true or false", "write it without quotes");
        default:
            return typeof given === "number"
                ? given
                : wrong(problems, at, given, "not a number", "a number", "write it without quotes and unit");
    }
}

/** An element of a list, whose place is kept. */
function element(problems: Problems, at: string, given: Untyped, type: Type): Untyped {
    return present(problems, at, given, type) ?? (typeNamed(type)?.properties ? {} : undefined);
}

/** An element of a list or a map, which can't be left out. */
function present(problems: Problems, at: string, given: Untyped, type: Type): Untyped {
    return given === null || given === undefined
        ? wrong(problems, at, null, "nothing there", "a value", "give one, or remove the entry")
        : value(problems, at, given, type);
}

/** The object with those of its members that are as they should be. */
function members(problems: Problems, at: string, given: Untyped, types: Record<string, Type>): Untyped {
    const names = Object.keys(types);
    if (!isObject(given)) {
        const example = `for example { ${names[0]}: … }`;
        return wrong(problems, at, given, "not an object", `an object of ${names.join(", ")}`, example);
    }
    return mapped(given, (name, one) => {
        const here = at ? `${at}.${name}` : name;
        if (one === null || one === undefined) {
            return undefined;
        }
        if (!names.includes(name)) {
            const hint = meant(name, types);
            problems.misshapen(at, here, unnamed(one), "there is no such argument", names.join(", "), hint);
            return undefined;
        }
        return value(problems, here, one, types[name]!);
    });
}

/** What to do about an argument that is none: it may be misspelt, or belong into a group beside it. */
function meant(name: string, types: Record<string, Type>): string {
    const group = Object.keys(types).find((one) =>
        Object.keys(typeNamed(types[one]!)?.properties ?? {}).includes(name),
    );
    const near = nearest(name, Object.keys(types)) ?? (group && `${group}.${name}`);
    return near ? `did you mean ${near}` : "remove it";
}

function typeNamed({ $ref = "" }: Type): Schema["types"][string] | undefined {
    return schema.types[$ref.replace("#/types/", "")];
}

const plainHint = "take it from the stack's configuration";

function wrong(problems: Problems, at: string, given: Untyped, what: string, allowed: string, hint: string): undefined {
    problems.misshapen(at, at, kind(given), what, allowed, hint);
}

/** What is given by a name that is none: not a text itself, for it may be a secret whose name was misspelt. */
function unnamed(given: Untyped): string {
    return typeof given === "string" ? "[a text]" : kind(given);
}

/** A list or an object is not shown, for there may be secrets in it. */
function kind(given: Untyped): string {
    return Array.isArray(given) ? "[a list]" : isObject(given) ? "[an object]" : shown(given);
}

/** Own members only, and nothing through `__proto__`. */
function mapped(
    given: Record<string, Untyped>,
    change: (key: string, one: Untyped) => Untyped,
): Record<string, Untyped> {
    const entries = Object.entries(given).map(([key, one]) => [key, change(key, one)] as const);
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}
