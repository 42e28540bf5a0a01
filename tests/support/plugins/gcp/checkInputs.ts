import { formatPath } from "../shared/diff";
import { CheckFailure } from "../shared/provider";
import { isObject, PropertyMap, reveal, Unknown, Value } from "../shared/values";
import { Field, Shape } from "./publishedTypes";

type Path = (string | number)[];

/** What is wrong with inputs by the types that the provider publishes: names, types, missing ones, values. */
export function checkInputs(fields: Record<string, Field>, inputs: PropertyMap): CheckFailure[] {
    const failures: CheckFailure[] = [];
    checkFields("the resource", fields, reveal(inputs) as PropertyMap, [], failures);
    return failures;
}

function checkFields(
    of: string,
    fields: Record<string, Field>,
    inputs: PropertyMap,
    path: Path,
    failures: CheckFailure[],
) {
    for (const [key, value] of Object.entries(inputs)) {
        const at = [...path, key];
        const field = fields[key];
        if (!field) {
            if (!key.startsWith("__")) {
                failures.push({
                    property: formatPath(at),
                    reason: `an argument named "${key}" is not expected here: ${of} has ${Object.keys(fields).join(", ")}`,
                });
            }
            continue;
        }
        checkValue(field.shape, value, at, failures);
        if (field.values && typeof value === "string" && !field.values.includes(value)) {
            const reason = `expected ${formatPath(at)} to be one of ${JSON.stringify(field.values)}, got ${value}`;
            failures.push({ property: formatPath(at), reason });
        }
    }
    for (const [key, field] of Object.entries(fields)) {
        if (field.required && (inputs[key] ?? null) === null) {
            const property = formatPath([...path, key]);
            failures.push({ property, reason: `the argument "${property}" is required, but no definition was found` });
        }
    }
}

function checkValue(shape: Shape, value: Value, path: Path, failures: CheckFailure[]) {
    if (value === null || value instanceof Unknown || shape.kind === "any") {
        return;
    }
    const wrong = () =>
        failures.push({
            property: formatPath(path),
            reason: `expected ${formatPath(path)} to be a ${shape.kind}, got ${Array.isArray(value) ? "list" : typeof value}`,
        });
    switch (shape.kind) {
        case "list":
            if (Array.isArray(value)) {
                value.forEach((one, i) => checkValue(shape.element, one, [...path, i], failures));
            } else {
                wrong();
            }
            return;
        case "map":
            if (isObject(value)) {
                Object.entries(value).forEach(([key, one]) => checkValue(shape.element, one, [...path, key], failures));
            } else {
                wrong();
            }
            return;
        case "object":
            if (isObject(value)) {
                checkFields(shape.name, shape.fields(), value, path, failures);
            } else {
                wrong();
            }
            return;
        default:
            if (typeof value !== shape.kind) {
                wrong();
            }
    }
}
