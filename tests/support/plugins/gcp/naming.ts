import { createHash, randomBytes } from "node:crypto";
import { CheckArgs, CheckFailure, Operation } from "../shared/provider";
import { isObject, PropertyMap, reveal } from "../shared/values";
import { inputsOf } from "./publishedTypes";
import { ResourceType } from "./resourceTypes";

const nameForm = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const labelKey = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const labelValue = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
const most = 64;

/** Gives a resource without a name its old one, or a new one of the program's name and seven random digits. */
export function withName(op: Operation, inputs: PropertyMap, { olds, randomSeed }: CheckArgs): PropertyMap {
    if ((inputs.name ?? null) !== null || !("name" in inputsOf(op.type))) {
        return inputs;
    }
    const seed = randomSeed.length > 0 ? createHash("sha256").update(randomSeed).digest() : randomBytes(4);
    return { ...inputs, name: olds.name ?? `${op.name}-${seed.toString("hex").slice(0, 7)}` };
}

/** What is wrong with name, labels and tags: https://cloud.google.com/compute/docs/naming-resources */
export function checkNames(type: ResourceType, inputs: PropertyMap): CheckFailure[] {
    const { name, labels, tags, sourceTags, targetTags } = reveal(inputs) as PropertyMap;
    const failures: CheckFailure[] = [];
    const check = (right: boolean, property: string, reason: string) => {
        if (!right) {
            failures.push({ property, reason });
        }
    };
    const text = (value: unknown): value is string => typeof value === "string";
    if (text(name)) {
        check(nameForm.test(name), "name", `"name" ("${name}") doesn't match regexp "${nameForm.source}"`);
    }
    if (isObject(labels)) {
        const entries = Object.entries(labels);
        check(entries.length <= most, "labels", `${entries.length} labels: at most ${most} are allowed`);
        for (const [key, value] of entries) {
            check(labelKey.test(key), "labels", `label key "${key}" violates format "${labelKey.source}"`);
            const right = !text(value) || labelValue.test(value);
            check(right, "labels", `label value "${value as string}" of ${key} violates format "${labelValue.source}"`);
        }
    }
    for (const [property, list] of Object.entries({ tags, sourceTags, targetTags })) {
        for (const tag of Array.isArray(list) ? (list as unknown[]).filter(text) : []) {
            check(
                nameForm.test(tag),
                property,
                `tag "${tag}" of ${type.title} doesn't match regexp "${nameForm.source}"`,
            );
        }
    }
    return failures;
}
