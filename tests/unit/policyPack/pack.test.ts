import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { ReportViolation, ResourceValidation, ResourceValidationArgs, Secret } from "@pulumi/policy";
import { policyOf, Rule } from "../../../stacks/policy/rule";
import { minimumKata, saferKata } from "../../../components/versions";
import { rules } from "../../../stacks/policy/rules";

const root = path.resolve(__dirname, "../../..");
const rule = (seesSecrets: boolean): Rule => ({
    name: "any",
    description: "Any.",
    enforcement: "mandatory",
    seesSecrets,
    violations: ({ inputs }) => [`x is ${inputs.x instanceof Secret ? "secret" : "clear"}. Fix: none`],
});

describe("policy pack", () => {
    it("has a name of its own for each rule, and says in the README what it refuses", () => {
        const names = rules.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
        names.forEach((name) => assert.ok(readme.includes(`| \`${name}\` |`), `${name} is not in the README's table`));
        [minimumKata, saferKata].forEach((version) => assert.ok(readme.includes(`Kata Containers below ${version} |`)));
    });

    it("is the version of the package", () => {
        const version = (file: string) =>
            (JSON.parse(fs.readFileSync(path.join(root, file), "utf8")) as { version: string }).version;
        assert.equal(version("stacks/policy/package.json"), version("package.json"));
    });

    it("tells resource, fault and fix", async () => {
        const { validateResource, enforcementLevel } = policyOf(rule(false));
        assert.deepEqual(await run(validateResource, { x: "y" }), ['a:b:C "it": x is clear. Fix: none.']);
        assert.equal(enforcementLevel, "mandatory");
    });

    it("reports once what a remediation saw, and remedies nothing", async () => {
        const { remediateResource, validateResource } = policyOf(rule(true));
        assert.equal(await remediateResource!(args({ x: new Secret("y") })), undefined);
        assert.deepEqual(await run(validateResource, { x: "y" }), ['a:b:C "it": x is secret. Fix: none.']);
        assert.deepEqual(await run(validateResource, { x: "y" }), []);
    });
});

const args = (props: object) => ({ type: "a:b:C", name: "it", urn: "urn:it", props }) as ResourceValidationArgs;

async function run(validation: ResourceValidation | ResourceValidation[] | undefined, props: object) {
    const messages: string[] = [];
    const report: ReportViolation = (message) => messages.push(String(message));
    await (validation as ResourceValidation)(args(props), report);
    return messages;
}
