import { objectDiff } from "../shared/diff";
import { DiffKind, StandIn } from "../shared/provider";
import { serve } from "../shared/server";
import { PropertyMap, reveal, Value } from "../shared/values";
import { checkInputs } from "./checkInputs";
import { Cloud, selfLinkOf, Stored } from "./cloud";
import { computed } from "./computed";
import { guestAttributes, guestAttributesToken } from "./guestAttributes";
import { locate, ProviderSettings } from "./location";
import { deleteMachine, startMachine } from "./machines/machines";
import { checkNames, withName } from "./naming";
import { outputsFor } from "./outputs";
import { inputsOf } from "./publishedTypes";
import { isReplacedBy, resourceType } from "./resourceTypes";
import { deletionRules } from "./rules/references";
import { checkRules } from "./rules/rules";

/** What the provider was configured with. Environment variables stand in, as with the real one. */
const provider: ProviderSettings = {};

/**
 * Stand-in for the plugin of @pulumi/gcp: no cloud, but a folder that it makes one up in. It checks inputs by the types
 * that the real one publishes, refuses what the API is documented to refuse, and can put a real SSH server or virtual
 * machine behind an instance.
 */
const gcpProvider: StandIn = {
    name: "gcp",
    version: "9.37.0",

    async configure(variables) {
        const of = (key: string, ...names: string[]) =>
            variables.get(`gcp:config:${key}`) ?? names.map((name) => process.env[name]).find(Boolean);
        provider.project = of("project", "GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT");
        provider.region = of("region", "GOOGLE_REGION", "CLOUDSDK_COMPUTE_REGION");
        provider.zone = of("zone", "GOOGLE_ZONE", "CLOUDSDK_COMPUTE_ZONE");
    },

    async check(op, args) {
        const type = resourceType(op.type);
        const inputs = withName(op, args.news, args);
        return { inputs, failures: [...checkInputs(inputsOf(op.type), inputs), ...checkNames(type, inputs)] };
    },

    async diff(op, { olds, news, oldInputs, ignoreChanges }) {
        const type = resourceType(op.type);
        const fields = inputsOf(op.type);
        const detailed = objectDiff(oldInputs, ignoring(news, oldInputs, ignoreChanges));
        for (const [path, change] of detailed) {
            const shrinks = path === "ipCidrRange" && !widens(reveal(olds.ipCidrRange!), reveal(news.ipCidrRange!));
            if (fields[path.replace(/[.[].*$/s, "")]?.replaces || isReplacedBy(type, path) || shrinks) {
                detailed.set(path, { ...change, kind: `${change.kind}Replace` as DiffKind });
            }
        }
        const replaced = [...detailed.values()].some(({ kind }) => kind.endsWith("Replace"));
        // Two of one name can't be there at once.
        return { detailed, deleteBeforeReplace: replaced && reveal(olds.name ?? null) === reveal(news.name ?? null) };
    },

    async create(op, inputs, preview) {
        const type = resourceType(op.type);
        if (preview) {
            return { id: "", outputs: outputsFor(op.type, inputs, {}, true) };
        }
        const cloud = Cloud.fromEnvironment();
        const { id, ...location } = locate(type, reveal(inputs) as PropertyMap, provider);
        const resource: Stored = {
            ...location,
            ...{ type: op.type, logicalName: op.name, collection: type.collection, created: Date.now() },
            selfLink: selfLinkOf(location.key),
            inputs: reveal(inputs) as PropertyMap,
            outputs: {},
        };
        try {
            checkRules(cloud, resource);
            const outputs = outputsFor(op.type, inputs, computed(cloud, resource), false);
            resource.outputs = reveal(outputs) as PropertyMap;
            cloud.create(resource);
            await startMachine(op, cloud, resource).catch(async (error: unknown) => {
                await deleteMachine(op, cloud, resource).catch(() => undefined);
                cloud.remove(resource.key);
                throw error;
            });
            return { id, outputs };
        } catch (error) {
            throw new Error(`Error creating ${type.title}: ${(error as Error).message}`, { cause: error });
        }
    },

    async read(op, id, state, inputs) {
        const key = keyOf(op.type, id, state);
        const found = Cloud.fromEnvironment().get(key);
        return found && { id, state: outputsFor(op.type, found.inputs, found.outputs, false), inputs };
    },

    async update(op, { id, olds, news, oldInputs, ignoreChanges, preview }) {
        const type = resourceType(op.type);
        const inputs = ignoring(news, oldInputs, ignoreChanges);
        if (preview) {
            return outputsFor(op.type, inputs, olds, true);
        }
        const cloud = Cloud.fromEnvironment();
        const old = cloud.need(keyOf(op.type, id, olds));
        const resource: Stored = { ...old, inputs: reveal(inputs) as PropertyMap };
        try {
            checkRules(cloud, resource, old);
        } catch (error) {
            throw new Error(`Error updating ${type.title} "${id}": ${(error as Error).message}`, { cause: error });
        }
        const outputs = outputsFor(op.type, inputs, computed(cloud, resource, old), false);
        cloud.replace({ ...resource, outputs: reveal(outputs) as PropertyMap });
        return outputs;
    },

    async delete(op, id, state) {
        const type = resourceType(op.type);
        const cloud = Cloud.fromEnvironment();
        const resource = cloud.get(keyOf(op.type, id, state));
        if (!resource || resource.inputs.deletionPolicy === "ABANDON") {
            return;
        }
        if (resource.inputs.deletionProtection === true) {
            throw new Error(
                `Cannot delete instance ${resource.name}: instance Deletion Protection is enabled. Set deletion_protection ` +
                    'to false for this resource and run "terraform apply" before attempting to delete it.',
            );
        }
        try {
            deletionRules(cloud, resource);
        } catch (error) {
            throw new Error(`Error deleting ${type.title}: ${(error as Error).message}`, { cause: error });
        }
        await deleteMachine(op, cloud, resource);
        cloud.remove(resource.key);
    },

    async invoke(_op, token, args) {
        if (token !== guestAttributesToken) {
            throw new Error(`${token}: the stand-in for pulumi-resource-gcp has only ${guestAttributesToken}`);
        }
        return guestAttributes(Cloud.fromEnvironment(), args, provider);
    },
};

/** Where a resource is kept. Only a NAT's id is no path. */
function keyOf(type: string, id: string, state: PropertyMap): string {
    return resourceType(type).collection === "nats"
        ? locate(resourceType(type), reveal(state) as PropertyMap, provider).key
        : id;
}

/** A subnetwork's range can grow in place. */
function widens(old: Value, now: Value): boolean {
    const bits = (cidr: Value) => (typeof cidr === "string" ? Number(cidr.split("/")[1]) : NaN);
    return bits(now) <= bits(old);
}

function ignoring(news: PropertyMap, olds: PropertyMap, ignoreChanges: string[]): PropertyMap {
    const kept = ignoreChanges.filter((name) => name in olds).map((name) => [name, olds[name]!] as const);
    return { ...news, ...Object.fromEntries(kept) };
}

void serve(gcpProvider, process.argv.slice(2));
