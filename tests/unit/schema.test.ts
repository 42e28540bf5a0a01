import * as assert from "node:assert/strict";
import * as path from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import * as manifest from "../../package.json";
import * as components from "../../index";

const root = path.resolve(__dirname, "../..");
/** The analyzer runs the type checker over the whole program. */
const limit = 120_000;

describe("the package's schema", () => {
    it("can be inferred from the types, with a description of every argument", function () {
        this.timeout(limit);
        const exported = Object.entries(components as Record<string, unknown>)
            .filter(([, value]) => typeof value === "function")
            .map(([name]) => name);
        const analyzed = new Analyzer(root, manifest.name, manifest, new Set(exported)).analyze();
        assert.deepEqual(Object.keys(analyzed.components).sort(), ["KataCluster", "UntrustedPod"]);
        const { KataCluster } = analyzed.components;
        const outputs = ["isolation", "kubeconfig", "nodes", "runtimeClassName"];
        assert.deepEqual(Object.keys(KataCluster!.outputs).sort(), outputs);
        const described = Object.values(analyzed.components).flatMap(({ inputs }) => Object.entries(inputs));
        const fields = Object.values(analyzed.typeDefinitions).flatMap((type) =>
            Object.entries(type.properties ?? {}).map(([name, field]) => [`${type.name}.${name}`, field] as const),
        );
        for (const [name, { description }] of [...described, ...fields]) {
            assert.ok(description, `${name} has no description`);
        }
        assert.ok(fields.length > 40, `${fields.length} fields`);
    });
});
