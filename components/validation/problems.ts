import * as pulumi from "@pulumi/pulumi";

/**
 * Collects all that is wrong with a component's arguments, so that the user sees it at once.
 * Each line reads `KataCluster "NAME": PATH = VALUE: what is wrong. Allowed: … Hint: …`.
 */
export class Problems {
    private readonly found: { propertyPath: string; reason: string }[] = [];
    /** Paths of what was left out for its shape: nothing more is to be said of it. */
    private readonly settled: string[] = [];

    constructor(
        private readonly name: string,
        private readonly component = "KataCluster",
    ) {}

    /** Records a problem unless `good` holds, and says whether it did. */
    check(good: unknown, path: string, value: unknown, wrong: string, allowed: string, hint: string): boolean {
        if (
            !good &&
            !this.settled.some(
                (about) => path === about || path.startsWith(`${about}.`) || path.startsWith(`${about}[`),
            )
        ) {
            this.record(path, shown(value), wrong, allowed, hint);
        }
        return Boolean(good);
    }

    /**
     * Records that what is at `path` has another shape than it should, and takes no other problems with `about`.
     *
     * @param value as it is shown
     */
    misshapen(about: string, path: string, value: string, wrong: string, allowed: string, hint: string) {
        this.record(path, value, wrong, allowed, hint);
        this.settled.push(about);
    }

    /** The value if it is one of the enum's, else the default. */
    oneOf<T extends string>(path: string, value: string | undefined, values: Record<string, T>, fallback: T): T {
        const allowed: string[] = Object.values(values);
        const known = this.check(
            value === undefined || allowed.includes(value),
            path,
            value,
            "not a known value",
            allowed.map((one) => `"${one}"`).join(", "),
            `leave it out for "${fallback}"`,
        );
        return known ? ((value as T | undefined) ?? fallback) : fallback;
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

    private record(path: string, value: string, wrong: string, allowed: string, hint: string) {
        const reason = `${path || "args"} = ${value}: ${wrong}. Allowed: ${allowed}. Hint: ${hint}.`;
        this.found.push({ propertyPath: path, reason });
    }
}

/** Whether any of the values is there: a text that is not empty, or an output. */
export function hasAny(...values: unknown[]): boolean {
    return values.some((value) => value !== undefined && value !== null && value !== "");
}

/** Longer values are cut: what is wrong with them is not at their end. */
const longest = 200;

/** The value as JSON, on one line, and never a private key. */
export function shown(value: unknown): string {
    const json = JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
        return isLater(this[key]) ? "[output]" : plain;
    });
    if (isLater(value)) {
        return "[output]";
    }
    const text = json ?? "nothing";
    return text.includes("PRIVATE KEY") ? '"[secret]"' : text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** Whether it is an object with members, and not a list or something that is known later. */
export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value) && !isLater(value);
}

/** Whether it is an output or a promise. */
export function isLater(value: unknown): boolean {
    return pulumi.Output.isInstance(value) || value instanceof Promise;
}
