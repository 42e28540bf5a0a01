import * as assert from "node:assert/strict";
import * as path from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";
import * as manifest from "../../package.json";
import * as components from "../../index";
import { KataClusterArgs } from "../../components/args";
import { resolve } from "../../components/spec";
import { matchesFile } from "../support/golden";
import { Properties, Property, Schema, typeOf, withToldDefaults } from "../support/schema";

const root = path.resolve(__dirname, "../..");
/** The analyzer runs the type checker over the whole program. */
const limit = 120_000;

describe("the package's schema", function () {
    this.timeout(limit);
    let schema: Schema;
    /** `Type.field` of every argument. */
    let args: [name: string, property: Property][];

    before(() => {
        const exported = Object.entries(components as Record<string, unknown>)
            .filter(([, value]) => typeof value === "function")
            .map(([name]) => name);
        const analyzer = new Analyzer(root, manifest.name, manifest, new Set(exported));
        const { components: found, typeDefinitions, dependencies } = analyzer.analyze();
        const { name, version, description } = manifest;
        schema = generateSchema(name, version, description, found, typeDefinitions, dependencies);
        const short = (token: string) => token.split(":").pop()!;
        args = [
            ...Object.entries(schema.resources).map(([token, one]) => [short(token), one.inputProperties] as const),
            ...Object.entries(schema.types).map(([token, one]) => [short(token), one.properties ?? {}] as const),
        ].flatMap(([type, properties]) =>
            Object.entries(properties as Properties).map(
                ([field, property]) => [`${type}.${field}`, property] as [string, Property],
            ),
        );
    });

    it("can be inferred from the types, and is the one that arguments are checked by: components/schema.json", () => {
        matchesFile(path.join(root, "components/schema.json"), `${JSON.stringify(sorted(schema), null, 2)}\n`);
    });

    it("has both components and their outputs", () => {
        const outputs = Object.entries(schema.resources).map(([token, { properties }]) => [
            token,
            Object.keys(properties ?? {}),
        ]);
        assert.deepEqual(Object.fromEntries(outputs), {
            "kata-cluster:index:KataCluster": ["kubeconfig", "nodes", "runtimeClassName", "isolation"],
            "kata-cluster:index:UntrustedPod": ["name", "namespace", "pod"],
        });
    });

    it("describes every argument and every output", () => {
        const outputs = Object.values(schema.resources).flatMap(({ properties }) => Object.entries(properties ?? {}));
        for (const [name, { description }] of [...args, ...outputs]) {
            assert.match(description ?? "", /^[A-Z`a-z][^]*[.]$/, `${name} has no description`);
        }
        assert.ok(args.length > 40, `${args.length} fields`);
    });

    it("names the values of every enum", () => {
        const enums = Object.entries(schema.types).filter(([, { enum: values }]) => values);
        assert.ok(enums.length >= 7);
        for (const [token, { enum: values }] of enums) {
            assert.ok(values!.length >= 2, token);
            values!.forEach(({ name, value }) => assert.ok(name && value, token));
        }
    });

    // The analyzer keeps no tags: what `@default` says would be seen in TypeScript only.
    it("says the default of every argument that can be left out, in its description's last sentence", () => {
        for (const [name, property] of args.filter(([, one]) => one.optional && !isGroup(one))) {
            assert.match(property.description ?? "", /(^|\n)Default: [^\n]+[.]$/, name);
        }
    });

    it("says the defaults that are filled in", () => {
        const groups = { kubernetes: {}, kata: {}, trust: {}, releases: {}, timeouts: {}, allowDisruption: {} };
        const given = { ...groups, machines: { local: { workers: {} } } };
        const { inputProperties } = schema.resources["kata-cluster:index:KataCluster"]!;
        const told = withToldDefaults(schema, given, inputProperties as Properties) as KataClusterArgs;
        assert.equal(told.kubernetes?.podCidr, "10.244.0.0/16");
        assert.deepEqual(resolve("lab", told), resolve("lab", given));
    });

    /** Whether an argument is there for those in it, which have defaults of their own. */
    function isGroup(property: Property): boolean {
        return typeOf(schema, property)?.properties !== undefined;
    }
});

/** With the keys of its named parts in order, whatever order the analyzer came by them. */
function sorted(schema: Schema): object {
    const inOrder = <T>(parts: Record<string, T>) =>
        Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1)));
    return { ...schema, resources: inOrder(schema.resources), types: inOrder(schema.types) };
}
