import * as pulumi from "@pulumi/pulumi";
import { UntrustedPodArgs } from "../args";

/** The guide's. */
export const defaultImage = "nginx";

/** The images of a pod, as far as they are known before it is made. */
export function podImages({ image = defaultImage, spec }: UntrustedPodArgs): string[] {
    const containers =
        spec === undefined ? [{ image }] : [...list(spec, "initContainers"), ...list(spec, "containers")];
    return containers.map((one) => property(one, "image")).filter((one) => typeof one === "string");
}

function list(spec: unknown, key: string): unknown[] {
    const found = property(spec, key);
    return Array.isArray(found) ? found : [];
}

function property(value: unknown, key: string): unknown {
    const plain = typeof value === "object" && value !== null && !pulumi.Output.isInstance(value);
    return plain ? (value as Record<string, unknown>)[key] : undefined;
}
