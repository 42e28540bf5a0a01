import * as pulumi from "@pulumi/pulumi";
import * as fs from "node:fs";
import { registerHooks } from "node:module";
import * as path from "node:path";
import { parse } from "yaml";
import { privateKey } from "../../support/specs";

const root = path.resolve(__dirname, "../../..");
/** The folder of the examples. */
export const examples = path.join(root, "examples");

/** A setting, as an example's Pulumi.yaml describes it. */
export interface Setting {
    type?: string;
    description?: string;
    secret?: boolean;
    default?: unknown;
}

/** What an example's Pulumi.yaml says. */
export interface Project {
    name: string;
    config: Record<string, Setting>;
    packages?: Record<string, string>;
    resources?: Record<string, { type: string; properties: object }>;
    outputs?: Record<string, string>;
}

/** The text of an example's file. */
export function textOf(...file: string[]): string {
    return fs.readFileSync(path.join(examples, ...file), "utf8");
}

/** The Pulumi.yaml of an example. */
export function projectOf(example: string): Project {
    return parse(textOf(example, "Pulumi.yaml")) as Project;
}

/** What an example is run with: its defaults, the values of its stack file if it has one, and a key where one is asked. */
export function configurationOf(example: string): Record<string, unknown> {
    const { name, config } = projectOf(example);
    const stack = fs.readdirSync(path.join(examples, example)).find((file) => /^Pulumi\..+\.yaml$/.test(file));
    const values = stack ? (parse(textOf(example, stack)) as { config: object }).config : {};
    const defaults = Object.entries(config).map(([key, { secret, default: fallback }]) => [
        key.includes(":") ? key : `${name}:${key}`,
        secret ? privateKey : fallback,
    ]);
    const all = { ...(Object.fromEntries(defaults) as object), ...values };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Runs an example in TypeScript as Pulumi would, under the mocks that are set, and gives what it exports. */
export async function runExample(example: string): Promise<Record<string, pulumi.Output<unknown>>> {
    const { name } = projectOf(example);
    const settings = Object.entries(configurationOf(example)).map(([key, value]) => [
        key.replace(`${name}:`, `${pulumi.getProject()}:`),
        typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const program = path.join(examples, example, "index.ts");
    pulumi.runtime.setAllConfig(Object.fromEntries(settings) as Record<string, string>);
    const hooks = registerHooks({
        resolve: (specifier, context, next) =>
            next(specifier === "kata-cluster" ? path.join(root, "index.ts") : specifier, context),
    });
    try {
        delete require.cache[program];
        // eslint-disable-next-line @typescript-eslint/no-require-imports -- a module that is run again for each test
        const exported = require(program) as Record<string, pulumi.Output<unknown>>;
        await pulumi.runtime.disconnect();
        return exported;
    } finally {
        hooks.deregister();
        pulumi.runtime.setAllConfig({});
    }
}
