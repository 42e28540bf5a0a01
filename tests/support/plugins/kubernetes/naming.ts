import { createHash, randomBytes } from "node:crypto";
import { CheckArgs, Operation } from "../shared/provider";
import { isObject, Unknown } from "../shared/values";
import { annotated, KubeObject } from "./object";

const autonamed = "pulumi.com/autonamed";

/** True if the name was made by Pulumi. */
export function isAutonamed(object: KubeObject): boolean {
    return annotated(object, autonamed);
}

/** True if the object has a name, known or not. */
export function isNamed(object: KubeObject): boolean {
    const name: unknown = object.metadata.name;
    return name instanceof Unknown || (typeof name === "string" && name !== "");
}

/** Gives an object without a name its old automatic name, or a new one. */
export function assignName(op: Operation, object: KubeObject, old: KubeObject | undefined, args: CheckArgs): void {
    if (isNamed(object)) {
        return;
    }
    if (object.metadata.generateName) {
        throw new Error("the `.metadata.generateName` field is not supported in Server-Side Apply mode");
    }
    if (old) {
        if (isAutonamed(old)) {
            setName(object, old.metadata.name!);
        }
        return;
    }
    const { autonaming, randomSeed } = args;
    if (autonaming?.mode === "disable") {
        throw new Error("autonaming is disabled, resource requires the .metadata.name field to be set");
    }
    setName(object, autonaming?.name || `${op.name}-${suffix(randomSeed)}`);
}

function setName(object: KubeObject, name: string): void {
    const annotations: unknown = object.metadata.annotations;
    object.metadata.name = name;
    if (!(annotations instanceof Unknown)) {
        object.metadata.annotations = { ...(isObject(annotations) ? annotations : {}), [autonamed]: "true" };
    }
}

function suffix(seed: Uint8Array): string {
    const bytes = seed.length > 0 ? createHash("sha256").update(seed).digest() : randomBytes(4);
    return bytes.toString("hex").slice(0, 8);
}

/** The name under which Pulumi owns an object's fields. */
export function newFieldManager(): string {
    return `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}
