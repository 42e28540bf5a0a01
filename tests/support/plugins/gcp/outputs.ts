import { isObject, PropertyMap, unknownValue, Value } from "../shared/values";
import { Field, outputsOf, Shape } from "./publishedTypes";

/**
 * The outputs of a resource: its inputs, and over the published types what only the cloud knows. `known` is that; in a
 * preview, what is in neither is unknown, as it is with the real plugin.
 */
export function outputsFor(type: string, inputs: PropertyMap, known: PropertyMap, preview: boolean): PropertyMap {
    return completed(outputsOf(type), inputs, known, preview);
}

function completed(
    fields: Record<string, Field>,
    inputs: PropertyMap,
    known: PropertyMap,
    preview: boolean,
): PropertyMap {
    const outputs: PropertyMap = { ...inputs };
    for (const [key, { shape, required }] of Object.entries(fields)) {
        const input = inputs[key] ?? null;
        const given = known[key] ?? null;
        if (input !== null) {
            outputs[key] = within(shape, input, given, preview);
        } else if (required) {
            outputs[key] = given !== null ? given : preview ? unknownValue : empty(shape);
        }
    }
    return outputs;
}

function within(shape: Shape, input: Value, known: Value, preview: boolean): Value {
    if (shape.kind === "object" && isObject(input)) {
        return completed(shape.fields(), input, isObject(known) ? known : {}, preview);
    }
    if (shape.kind === "list" && Array.isArray(input)) {
        const list = Array.isArray(known) ? (known as Value[]) : [];
        return (input as Value[]).map((one, i) => within(shape.element, one, list[i] ?? null, preview));
    }
    return input;
}

function empty(shape: Shape): Value {
    switch (shape.kind) {
        case "string":
        case "any":
            return "";
        case "number":
            return 0;
        case "boolean":
            return false;
        case "list":
            return [];
        case "map":
            return {};
        case "object":
            return completed(shape.fields(), {}, {}, false);
    }
}
