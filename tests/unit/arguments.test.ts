import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { KataClusterArgs } from "../../components/args";
import { resolve } from "../../components/spec";
import { matchesGolden } from "../support/golden";

const folder = path.join(__dirname, "arguments");

/** Arguments as the table tells them: paths, and what is set there. */
interface Case {
    /** Name of the cluster. @default lab */
    name?: string;
    /** Paths of the problems. @default those that are set */
    at?: string | string[];
    [path: string]: unknown;
}

/** A file of cases by what they are. */
interface Table {
    base: object;
    refused: Record<string, Case>;
    accepted: Record<string, Case>;
}

const tables = fs.readdirSync(folder).map((file) => {
    const table = parse(fs.readFileSync(path.join(folder, file), "utf8"), { merge: true, maxAliasCount: -1 }) as Table;
    return { topic: path.basename(file, ".yaml"), ...table };
});

describe("arguments", () => {
    const messages: string[] = [];

    for (const { topic, base, refused, accepted } of tables) {
        for (const [what, one] of Object.entries(refused)) {
            it(`${topic}: ${what} is refused`, () => {
                const { name = "lab", at = Object.keys(one), ...settings } = one;
                const { message, paths } = refusal(name, withSettings(base, settings));
                messages.push(`${topic}: ${what}\n${message.replaceAll(/^KataCluster ".*?": /gm, "    ")}\n`);
                assert.deepEqual([...paths].sort(), [at].flat().sort(), message);
                for (const line of message.split("\n")) {
                    assert.match(line, /^KataCluster ".*": .+ = .+: .+\. Allowed: .+\. Hint: .+\.$/);
                }
            });
        }
        for (const [what, settings] of Object.entries(accepted)) {
            it(`${topic}: ${what} is accepted`, () => {
                assert.equal(resolve("lab", withSettings(base, settings)).name, "lab");
            });
        }
    }

    it("are refused in words that are reviewed as a text", () => {
        matchesGolden("refusals.txt", messages.join("\n"));
        assert.doesNotMatch(messages.join("\n"), /CANARY/);
    });

    it("are refused in many ways, and accepted in many", () => {
        const count = (kind: "refused" | "accepted") => tables.flatMap((table) => Object.keys(table[kind])).length;
        assert.ok(count("refused") >= 90, `${count("refused")} refused`);
        assert.ok(count("accepted") >= 25, `${count("accepted")} accepted`);
    });
});

function refusal(name: string, args: KataClusterArgs): { message: string; paths: Set<string> } {
    try {
        resolve(name, args);
    } catch (error) {
        assert.ok(pulumi.InputPropertiesError.isInstance(error), (error as Error).stack);
        const problems = error.errors ?? [];
        return { message: error.message, paths: new Set(problems.map(({ propertyPath }) => propertyPath)) };
    }
    return assert.fail("was not refused");
}

/** The base with a value at each path; null takes away what is there. */
function withSettings(base: object, settings: object): KataClusterArgs {
    const args = structuredClone(base);
    for (const [at, value] of Object.entries(settings)) {
        const keys = at.split(/[.[\]]+/).filter((key) => key !== "");
        const last = keys.pop()!;
        let place = args as Record<string, unknown>;
        for (const key of keys) {
            place[key] ??= {};
            place = place[key] as Record<string, unknown>;
        }
        place[last] = value;
    }
    return args as KataClusterArgs;
}
