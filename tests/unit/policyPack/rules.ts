import * as assert from "node:assert/strict";
import { Inputs } from "../../../stacks/policy/inputs";
import { Rule } from "../../../stacks/policy/rule";

/** What a rule finds wrong with a resource. Each finding must say what to do. */
export function violations(rule: Rule, type: string, inputs: Inputs, name = "it"): string[] {
    const found = rule.violations({ type, name, inputs });
    found.forEach((one) => assert.match(one, /^\S.*[^.]\. Fix: \S.*[^.]$/));
    return found;
}

/** Asserts that a rule finds as many faults as there are patterns, each of which matches one. */
export function assertFound(found: string[], ...patterns: RegExp[]) {
    assert.equal(found.length, patterns.length, found.join("\n") || "nothing was found");
    patterns.forEach((pattern, index) => assert.match(found[index]!, pattern));
}
