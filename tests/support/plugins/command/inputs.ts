import { CheckFailure } from "../shared/provider";
import { Archive, Asset, hasUnknown, isObject, PropertyMap, reveal, Secret, secret, Value } from "../shared/values";

type Type =
    "string" | "number" | "integer" | "boolean" | "strings" | "map" | "list" | "logging" | "connection" | "asset";
interface Field {
    type: Type;
    required?: boolean;
    secret?: boolean;
    default?: Value;
}
type Fields = Record<string, Field>;

const lifecycle: Fields = {
    triggers: { type: "list" },
    create: { type: "string" },
    update: { type: "string" },
    delete: { type: "string" },
};
const execution: Fields = {
    stdin: { type: "string" },
    logging: { type: "logging" },
    environment: { type: "map" },
    addPreviousOutputInEnv: { type: "boolean" },
};
const local: Fields = {
    ...execution,
    interpreter: { type: "strings" },
    dir: { type: "string" },
    assetPaths: { type: "strings" },
    archivePaths: { type: "strings" },
};
const connection: Field = { type: "connection", required: true, secret: true };
const endpoint: Fields = {
    user: { type: "string", default: "root" },
    password: { type: "string", secret: true },
    host: { type: "string", required: true },
    port: { type: "number", default: 22 },
    privateKey: { type: "string", secret: true },
    privateKeyPassword: { type: "string", secret: true },
    agentSocketPath: { type: "string" },
    dialErrorLimit: { type: "integer", default: 10 },
    perDialTimeout: { type: "integer", default: 15 },
    hostKey: { type: "string" },
};

/** The inputs of each resource and function of the plugin. */
export const schemas: Record<string, { name: string; fields: Fields }> = {
    "command:local:Command": { name: "local.CommandInputs", fields: { ...lifecycle, ...local } },
    "command:local:run": { name: "local.RunInputs", fields: { ...local, command: { type: "string", required: true } } },
    "command:remote:CopyToRemote": {
        name: "remote.CopyToRemoteInputs",
        fields: {
            connection,
            triggers: { type: "list" },
            source: { type: "asset", required: true },
            remotePath: { type: "string", required: true },
        },
    },
    "command:remote:Command": { name: "remote.CommandInputs", fields: { ...lifecycle, ...execution, connection } },
};

/** Checks types and names, fills in defaults and marks secrets. */
export function checkInputs(type: string, news: PropertyMap): { inputs: PropertyMap; failures: CheckFailure[] } {
    const schema = schemas[type];
    if (!schema) {
        throw new Error(`Resource type ${type} not found`);
    }
    const { name, fields } = schema;
    const failures: CheckFailure[] = [];
    const inputs = checkFields(name, fields, news, failures);
    return { inputs, failures };
}

function checkFields(name: string, fields: Fields, news: PropertyMap, failures: CheckFailure[]): PropertyMap {
    const inputs: PropertyMap = {};
    for (const [key, value] of Object.entries(news)) {
        if (key === "version" || key.startsWith("__") || value === null) {
            continue;
        }
        if (!fields[key]) {
            failures.push({ property: key, reason: `Unrecognized field '${key}' on '${name}'` });
            continue;
        }
        inputs[key] = checkValue(name, key, fields[key], value, failures);
    }
    for (const [key, field] of Object.entries(fields)) {
        if (inputs[key] === undefined && field.required) {
            failures.push({ property: key, reason: `Missing required field '${key}' on '${name}'` });
        }
        if (inputs[key] === undefined && field.default !== undefined) {
            inputs[key] = field.default;
        }
    }
    return inputs;
}

function checkValue(name: string, key: string, field: Field, value: Value, failures: CheckFailure[]): Value {
    const plain = reveal(value);
    let checked = value;
    if (field.type === "connection" && isObject(plain)) {
        const fields: Fields =
            name === "remote.Connection" ? endpoint : { ...endpoint, proxy: { type: "connection", secret: false } };
        const nested: CheckFailure[] = [];
        const inner = value instanceof Secret ? (value.element as PropertyMap) : (value as PropertyMap);
        checked = checkFields("remote.Connection", fields, inner, nested);
        // The real plugin reports only the outermost field.
        failures.push(
            ...nested.map(({ reason }) => ({
                property: key,
                reason: `An error occurred decoding '${name}.${key}': ${reason}`,
            })),
        );
    } else if (!hasUnknown(plain) && !matches(field.type, plain)) {
        const reason = `Field '${key}' on '${name}' must be a '${field.type}'; got '${describe(plain)}' instead`;
        failures.push({ property: key, reason });
    }
    return field.secret || value instanceof Secret ? secret(checked) : checked;
}

function matches(type: Type, value: Value): boolean {
    switch (type) {
        case "integer":
        case "number":
            return typeof value === "number";
        case "list":
            return Array.isArray(value);
        case "strings":
            return Array.isArray(value) && value.every((element) => typeof element === "string");
        case "map":
            return isObject(value) && Object.values(value).every((element) => typeof element === "string");
        case "logging":
            return typeof value === "string";
        case "connection":
            return isObject(value);
        case "asset":
            return value instanceof Asset || value instanceof Archive;
        default:
            return typeof value === type;
    }
}

function describe(value: Value): string {
    return Array.isArray(value) ? "list" : value instanceof Asset ? "asset" : typeof value;
}
