import * as fc from "fast-check";
import * as schema from "../../components/schema.json";

/** What the package's schema says of a value, as far as it matters here. */
interface Type {
    type?: string;
    $ref?: string;
    items?: Type;
    additionalProperties?: Type;
}

const types = schema.types as unknown as Record<
    string,
    { properties?: Record<string, Type>; enum?: { value: string }[] }
>;

/** Texts that pass some of the checks, and names that every object has. */
const texts = fc.oneof(
    fc.string(),
    fc.constantFrom("lab", "10.0.0.0/8", "1.36.4", "4.1.0", "192.0.2.10", "https://a", "-----BEGIN PRIVATE KEY-----"),
    fc.constantFrom("constructor", "toString", "__proto__", "NoSchedule", "crio", "none"),
);

/** JSON in the likeness of KataCluster's arguments: each part is as it should be, is any JSON, or is left out. */
export const argumentsLike = objectLike(schema.resources["kata-cluster:index:KataCluster"].inputProperties);

function objectLike(properties: Record<string, Type>): fc.Arbitrary<unknown> {
    const members = Object.entries(properties).map(([name, type]) => [name, like(type)] as const);
    return fc.record(Object.fromEntries(members), { requiredKeys: [] });
}

function like(type: Type): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: 6, arbitrary: right(type) }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
}

function right(type: Type): fc.Arbitrary<unknown> {
    const named = types[(type.$ref ?? "").replace("#/types/", "")];
    if (named?.properties) {
        return objectLike(named.properties);
    }
    if (named?.enum) {
        return fc.oneof(fc.constantFrom(...named.enum.map(({ value }) => value)), texts);
    }
    switch (type.type) {
        case "array":
            return fc.array(like(type.items!), { maxLength: 4 });
        case "object":
            return fc.dictionary(texts, like(type.additionalProperties!), { maxKeys: 3 });
        case "boolean":
            return fc.boolean();
        case "number":
            return fc.oneof(fc.nat(70_000), fc.double(), fc.integer());
        case "string":
            return texts;
        default:
            return podSpecLike();
    }
}

/** A PodSpec that may hold what is refused in one, or anything at all in its place. */
function podSpecLike(): fc.Arbitrary<unknown> {
    return fc.record(
        Object.fromEntries(
            ["containers", "initContainers", "volumes", "hostNetwork", "runtimeClassName", "nodeName"].map((name) => [
                name,
                fc.oneof(
                    fc.jsonValue({ maxDepth: 3 }),
                    fc.array(fc.record({ securityContext: fc.jsonValue({ maxDepth: 3 }) })),
                ),
            ]),
        ),
        { requiredKeys: [] },
    );
}
