import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Secret } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { plainInputs } from "../../../stacks/policy/inputs";
import { rules } from "../../../stacks/policy/rules";
import { program } from "../../../stacks/program";
import { gcpMocks } from "../../support/gcpRecording";
import { Recorded } from "../../support/recordingMocks";

const stacks = path.resolve(__dirname, "../../../stacks");
const files = fs.readdirSync(stacks).filter((file) => /^Pulumi\..+\.yaml$/.test(file));

// This is what a pull request from a fork is judged by: a preview needs the stack's secrets, and this needs none.
describe("policy pack on the stacks, without an engine", () => {
    after(() => pulumi.runtime.setAllConfig({}));

    for (const file of files) {
        it(`lets ${file} pass`, async () => {
            pulumi.runtime.setAllConfig(configOf(file));
            // Not as a preview: mocks drop what isn't known, and a rule would take it for missing.
            const { resources } = gcpMocks(false, stdout);
            await program();
            await pulumi.runtime.disconnect();
            const found = (await Promise.all(resources.map(judged))).flat();
            assert.ok(
                resources.some(({ type }) => type === "command:remote:Command"),
                "the stack makes nothing",
            );
            assert.deepEqual(found, []);
        });
    }
});

const pair = { privateKey: "made", publicKey: "ssh-ed25519 AAAA" };
const proof = { pod: {}, node: {}, kata: {}, vmProcess: {}, control: {} };
/** What the commands print, of which the program reads a part. */
const stdout = {
    "-keys": JSON.stringify({ user: pair, host: pair }),
    "-install": JSON.stringify({
        node: "x",
        verb: "apply",
        steps: [{ step: "containerd" }, { step: "key", request: "REQUEST" }],
    }),
    "-admit": "ADMITTED",
    "-init": 'clusters: [{ cluster: { server: "https://10.0.2.15:6443" } }]\nusers: [{ user: {} }]',
    "-pod": JSON.stringify({ node: "lab-control-plane-0", uid: "uid" }),
    "-isolation": JSON.stringify(proof),
};

async function judged({ type, name, inputs }: Pick<Recorded, "type" | "name" | "inputs">): Promise<string[]> {
    const marked = await plainInputs(withMarks(inputs) as object);
    return rules
        .filter(({ enforcement }) => enforcement === "mandatory")
        .flatMap((rule) => {
            const seen = (rule.seesSecrets ? marked : withoutMarks(marked)) as typeof marked;
            return rule.violations({ type, name, inputs: seen }).map((one) => `${rule.name} ${type} ${name}: ${one}`);
        });
}

/** With the SDK's marks for secrets as those that a policy gets. */
function withMarks(value: unknown): unknown {
    if (pulumi.runtime.isRpcSecret(value)) {
        return new Secret(withMarks(pulumi.runtime.unwrapRpcSecret(value)));
    }
    return mapped(value, withMarks);
}

function withoutMarks(value: unknown): unknown {
    return value instanceof Secret ? withoutMarks(value.value) : mapped(value, withoutMarks);
}

function mapped(value: unknown, change: (one: unknown) => unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(change);
    }
    return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]))
        : value;
}

/** The settings of a stack file as the engine hands them to a program, with something in place of encrypted values. */
function configOf(file: string): Record<string, string> {
    const { config = {} } = parse(fs.readFileSync(path.join(stacks, file), "utf8")) as {
        config?: Record<string, unknown>;
    };
    const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, text(decrypted(value))]));
}

function decrypted(value: unknown): unknown {
    return typeof value === "object" && value !== null && "secure" in value ? "decrypted" : mapped(value, decrypted);
}
