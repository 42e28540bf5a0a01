import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { untrustedAnnotation } from "../../../components/trust";
import { KubeObject } from "./cluster";

/** Cluster-wide trust, and whether the manifest's pods get the guide's annotation first. */
export const modes = ["trusted", "annotated", "untrusted"] as const;
/** `annotated`: pods are trusted by default, and the manifest's pods carry the guide's annotation. */
export type Mode = (typeof modes)[number];

/**
 * One file of the corpus. Comments at its top say what it tries, then by `key: value` how: `says`, a part of the
 * refusal; `modes`, in which it is tried; `request`, what is done with the last document (others are made before);
 * `as`, by whom; `setup`, by whom the others are made; `kata`, the modes in which the pod gets RuntimeClass kata.
 */
export interface Case {
    name: string;
    tries: string;
    modes: Mode[];
    documents: KubeObject[];
    says?: string;
    request: string;
    as: string;
    setup: string;
    kata: string[];
}

/** Every manifest in one folder of the corpus. */
export function corpus(folder: "refused" | "admitted"): Case[] {
    const path = join(__dirname, "../corpus", folder);
    return readdirSync(path)
        .sort()
        .map((file) => read(file.replace(/\.yaml$/, ""), readFileSync(join(path, file), "utf8")));
}

function read(name: string, text: string): Case {
    const [tries = "", ...rest] = text.split("\n").filter((line) => line.startsWith("# "));
    const keys = Object.fromEntries(rest.map((line) => line.slice(2).split(/: (.*)/, 2))) as Record<string, string>;
    const wrong = Object.keys(keys).filter((key) => !["says", "modes", "request", "as", "setup", "kata"].includes(key));
    if (tries === "" || wrong.length > 0) {
        throw new Error(`${name}: no description, or unknown keys: ${wrong.join(", ")}`);
    }
    return {
        name,
        tries: tries.slice(2),
        modes: (keys.modes ?? "annotated untrusted").split(" ") as Mode[],
        documents: parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
        says: keys.says,
        request: keys.request ?? "create",
        as: keys.as ?? "tenant",
        setup: keys.setup ?? keys.as ?? "tenant",
        kata: keys.kata?.split(" ") ?? [],
    };
}

/** The documents as a mode has them. */
export function documentsIn(mode: Mode, { documents }: Case): KubeObject[] {
    return mode === "annotated" ? documents.map(annotated) : documents;
}

/** A manifest whose pods carry the guide's annotation, unless it says something of it already. */
function annotated(document: KubeObject): KubeObject {
    const copy = structuredClone(document) as KubeObject & Template & { spec?: { jobTemplate?: { spec: Template } } };
    const carrier =
        copy.kind === "Pod" ? copy : (copy.template ?? copy.spec?.jobTemplate?.spec.template ?? copy.spec?.template);
    if (carrier) {
        const annotations = { [untrustedAnnotation]: "true", ...carrier.metadata?.annotations };
        carrier.metadata = { ...carrier.metadata, annotations };
    }
    return copy;
}

interface Template {
    metadata?: { annotations?: Record<string, string> };
    template?: Template;
    spec?: { template?: Template };
}
