import * as pulumi from "@pulumi/pulumi";

/**
 * Collects all that is wrong with a component's arguments, so that the user sees it at once.
 * Each line reads `KataCluster "NAME": PATH = VALUE: what is wrong. Allowed: … Hint: …`.
 */
export class Problems {
    private readonly found: { propertyPath: string; reason: string }[] = [];

    constructor(
        private readonly name: string,
        private readonly component = "KataCluster",
    ) {}

    /** Records a problem unless `good` holds, and says whether it did. */
    check(good: unknown, path: string, value: unknown, wrong: string, allowed: string, hint: string): boolean {
        if (!good) {
            const reason = `${path} = ${shown(value)}: ${wrong}. Allowed: ${allowed}. Hint: ${hint}.`;
            this.found.push({ propertyPath: path, reason });
        }
        return Boolean(good);
    }

    /** The value if it is one of the enum's, the default if there is none. */
    oneOf<T extends string>(path: string, value: string | undefined, values: Record<string, T>, fallback: T): T {
        const allowed: string[] = Object.values(values);
        this.check(
            value === undefined || allowed.includes(value),
            path,
            value,
            "not a known value",
            allowed.map((one) => `"${one}"`).join(", "),
            `leave it out for "${fallback}"`,
        );
        return (value as T | undefined) ?? fallback;
    }

    /** A value that must be there, though it may be an output that is not known yet. */
    given(path: string, value: unknown, what: string) {
        this.check(hasAny(value), path, value, "missing", what, `set ${path}`);
    }

    /** @throws pulumi.InputPropertiesError if anything was recorded. */
    throwIfAny() {
        if (this.found.length > 0) {
            const lines = this.found.map((one) => `${this.component} "${this.name}": ${one.reason}`);
            throw new pulumi.InputPropertiesError({ message: lines.join("\n"), errors: this.found });
        }
    }
}

/** Whether any of the values is there: a text that is not empty, or an output. */
export function hasAny(...values: unknown[]): boolean {
    return values.some((value) => value !== undefined && value !== null && value !== "");
}

function shown(value: unknown): string {
    if (pulumi.Output.isInstance(value) || value instanceof Promise) {
        return "[output]";
    }
    return value === undefined ? "undefined" : JSON.stringify(value);
}
