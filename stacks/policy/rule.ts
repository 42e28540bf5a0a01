import { EnforcementLevel, ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { Inputs, plainInputs } from "./inputs";

/** A resource as a rule sees it. */
export interface Resource {
    type: string;
    name: string;
    inputs: Inputs;
}

/** One rule of the pack. */
export interface Rule {
    name: string;
    description: string;
    /** `advisory` is told, `mandatory` ends the preview or the update. */
    enforcement: "advisory" | "mandatory";
    /** Whether it must know which inputs are secret: they are then wrapped in `Secret`, and in clear otherwise. */
    seesSecrets?: boolean;
    /** What is wrong with the resource, each as `PATH: what is wrong. Fix: what to do`. Nothing for other resources. */
    violations: (resource: Resource) => string[];
}

/**
 * A rule as the engine runs it. A value that is not known at preview is judged at the update, when the rule runs again.
 */
export function policyOf(rule: Rule): ResourceValidationPolicy {
    const { name, description, enforcement, seesSecrets } = rule;
    return { name, description, ...(seesSecrets ? withSecretMarks(rule) : plain(rule, enforcement)) };
}

type Checks = Pick<ResourceValidationPolicy, "enforcementLevel" | "remediateResource" | "validateResource">;

function plain(rule: Rule, enforcementLevel: EnforcementLevel): Checks {
    return {
        enforcementLevel,
        validateResource: async (args, report) => (await found(rule, args)).forEach((message) => report(message)),
    };
}

/**
 * A validation gets secrets in clear and is not told which they are; a remediation is. The engine runs it first, and it
 * changes nothing here. What it found is reported by the validation, with which `remediate` is as `mandatory`.
 */
function withSecretMarks(rule: Rule): Checks {
    const known = new Map<string, string[]>();
    return {
        enforcementLevel: "remediate",
        remediateResource: async (args) => {
            known.set(args.urn, await found(rule, args));
        },
        validateResource: ({ urn }, report) => {
            known.get(urn)?.forEach((message) => report(message));
            known.delete(urn);
        },
    };
}

async function found(rule: Rule, { type, name, props }: Pick<ResourceValidationArgs, "type" | "name" | "props">) {
    const violations = rule.violations({ type, name, inputs: await plainInputs(props) });
    return violations.map((violation) => `${type} "${name}": ${violation}.`);
}
