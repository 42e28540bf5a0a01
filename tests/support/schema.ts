import { PropertyDefinition } from "@pulumi/pulumi/provider/experimental/analyzer";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";

/** A package's schema as Pulumi's analyzer makes it. */
export type Schema = ReturnType<typeof generateSchema>;
/** A property of a resource or of a type. */
export type Property = PropertyDefinition;
/** Properties by name. */
export type Properties = Record<string, Property>;

/** The named type that a property refers to, if it refers to one of the package's own. */
export function typeOf(schema: Schema, property: Property): Schema["types"][string] | undefined {
    const $ref = "$ref" in property ? property.$ref : "";
    return schema.types[decodeURIComponent($ref.replace("#/types/", ""))];
}

/** The default that a description tells, if it is a value and not words. */
export function toldDefault({ description = "" }: Property): unknown {
    const told = /(?:^|\n)Default: (.+)[.]$/.exec(description)?.[1];
    try {
        return told === undefined ? undefined : JSON.parse(told);
    } catch {
        return undefined;
    }
}

/** The value with every default that its properties' descriptions tell, also in the groups and lists that it has. */
export function withToldDefaults(schema: Schema, value: object, properties: Properties): object {
    const given = value as Record<string, unknown>;
    const inside = (one: unknown, type: Property) => {
        const inner = typeOf(schema, type)?.properties;
        return inner && typeof one === "object" ? withToldDefaults(schema, one!, inner) : one;
    };
    const entries = Object.entries(properties).map(([name, property]) => {
        const one = given[name];
        return [
            name,
            Array.isArray(one)
                ? one.map((element) => inside(element, property.items as Property))
                : one === undefined
                  ? toldDefault(property)
                  : inside(one, property),
        ] as const;
    });
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}
