import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { equal } from "../shared/diff";
import { ConfigDiff } from "../shared/provider";
import { isObject, PropertyMap, reveal, Unknown, Value } from "../shared/values";

/** The settings of a configured provider. */
export interface Settings {
    /** Path or contents; the environment's own kubeconfig if empty. */
    kubeconfig: string;
    context?: string;
    cluster?: string;
    namespace?: string;
    deleteUnreachable: boolean;
    skipUpdateUnreachable: boolean;
    serverSideApply: boolean;
    patchForce: boolean;
    upsert: boolean;
    /** Seconds that the API's schema may take. */
    requestSeconds: number;
    mutable: { configMaps: boolean; secrets: boolean };
}

/** Reads the provider's configuration; a setting that is absent comes from its environment variable. */
export function readSettings(variables: Map<string, string>): Settings {
    const get = (name: string) => variables.get(`kubernetes:config:${name}`);
    const flag = (name: string, environment: string, otherwise = false) => {
        const value = get(name) ?? process.env[environment];
        return value === undefined || value === "" ? otherwise : value === "true";
    };
    if (get("renderYamlToDirectory")) {
        throw new Error("renderYamlToDirectory: the stand-in for pulumi-resource-kubernetes does not render YAML");
    }
    const client = JSON.parse(get("kubeClientSettings") || "{}") as { timeout?: number };
    return {
        kubeconfig: get("kubeconfig") ?? "",
        context: get("context") || undefined,
        cluster: get("cluster") || undefined,
        namespace: get("namespace") || undefined,
        deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
        serverSideApply: flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", true),
        patchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
        requestSeconds: client.timeout ?? Number(process.env.PULUMI_K8S_CLIENT_TIMEOUT || 32),
        mutable: {
            configMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
            secrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
        },
    };
}

/**
 * Loads the kubeconfig. An empty one means the operator's own: KUBECONFIG, ~/.kube/config, the service account of the
 * pod, or localhost:8080, as in the real provider.
 */
export async function loadKubeConfig(settings: Settings): Promise<{ config: KubeConfig; namespace: string }> {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    if (settings.kubeconfig) {
        const text = contents(settings.kubeconfig);
        if (!isObject(parse(text))) {
            throw new Error("couldn't get version/kind; json parse error: it is neither a file nor a kubeconfig");
        }
        config.loadFromString(text);
    } else {
        config.loadFromDefault();
    }
    if (settings.context) {
        if (!config.getContextObject(settings.context)) {
            throw new Error(`context "${settings.context}" does not exist`);
        }
        config.setCurrentContext(settings.context);
    }
    const context = config.getContextObject(config.getCurrentContext());
    if (context && settings.cluster) {
        config.contexts = config.contexts.map((entry) =>
            entry === context ? { ...entry, cluster: settings.cluster! } : entry,
        );
    }
    if (!config.getCurrentCluster()) {
        throw new Error("invalid configuration: no configuration has been provided");
    }
    return { config, namespace: settings.namespace ?? context?.namespace ?? "default" };
}

function contents(pathOrContents: string): string {
    const path = pathOrContents.replace(/^~(?=\/|$)/, homedir());
    try {
        return readFileSync(path, "utf8");
    } catch {
        return pathOrContents;
    }
}

/**
 * What a change of the provider does. Another cluster replaces the provider and all its objects; whether it is another
 * one is decided by `clusterIdentifier` if that was and is set, else by the cluster entry of the kubeconfig.
 */
export function diffSettings(olds: PropertyMap, news: PropertyMap): ConfigDiff {
    const [old, now] = [reveal(olds) as PropertyMap, reveal(news) as PropertyMap];
    const changed = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter(
        (key) => !equal(old[key], now[key]),
    );
    if (changed.length === 0) {
        return { changes: false, diffs: [], replaces: [] };
    }
    const { clusterIdentifier: oldId = null } = old;
    const { clusterIdentifier: newId = null } = now;
    const identified = newId !== null && equal(oldId, newId);
    const answer = (diffs: string[], replaces: string[]): ConfigDiff => ({
        changes: true,
        diffs,
        replaces: identified ? [] : replaces,
    });
    const replaces = oldId !== null && newId !== null && !identified ? ["clusterIdentifier"] : [];
    const unknownKey = ["kubeconfig", "context", "cluster"].find((key) => now[key] instanceof Unknown);
    if (unknownKey) {
        return answer([unknownKey], [...replaces, unknownKey]);
    }
    if (changed.includes("renderYamlToDirectory")) {
        replaces.push("renderYamlToDirectory");
    }
    const [before, after] = [activeCluster(old), activeCluster(now)];
    if (before && after && !equal(before, after)) {
        replaces.push(...["kubeconfig", "context", "cluster"].filter((key) => changed.includes(key)));
    }
    return answer(changed.sort(), replaces);
}

interface NamedCluster {
    name: string;
    cluster: Value;
}

/** The cluster that the settings point at, as the kubeconfig describes it. */
function activeCluster(settings: PropertyMap): Value | undefined {
    const { kubeconfig = null, context, cluster } = settings;
    if (kubeconfig === null || kubeconfig === "") {
        return undefined;
    }
    const parsed = typeof kubeconfig === "string" ? parseYaml(contents(kubeconfig)) : kubeconfig;
    const file = parsed as { contexts?: unknown; clusters?: unknown; "current-context"?: string };
    const contexts = (file.contexts ?? []) as { name: string; context: { cluster: string } }[];
    const clusters = (file.clusters ?? []) as NamedCluster[];
    const active = contexts.find(({ name }) => name === (context ?? file["current-context"]));
    return active && clusters.find(({ name }) => name === (cluster ?? active.context.cluster))?.cluster;
}

function parseYaml(text: string): unknown {
    try {
        const parsed: unknown = parse(text);
        if (isObject(parsed)) {
            return parsed;
        }
    } catch {
        // reported below, without the text: it can hold credentials
    }
    throw new Error("failed to parse kubeconfig: it is neither a file nor a kubeconfig");
}
