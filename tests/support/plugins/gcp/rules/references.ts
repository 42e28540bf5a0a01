import { ApiError, inUse, invalidField } from "../apiError";
import { Cloud, Stored } from "../cloud";
import { resourceTypes, valuesAt } from "../resourceTypes";

/** A resource that another one names, and where. */
interface Reference {
    path: string;
    value: string;
    to?: Stored;
}

/** What a resource names, found or not. */
export function references(cloud: Cloud, resource: Stored): Reference[] {
    const { references } = resourceTypes[resource.type]!;
    return Object.entries(references).flatMap(([pattern, collections]) =>
        valuesAt(resource.inputs, pattern).map(({ path, value }) => ({
            path,
            value,
            to: collections.map((collection) => cloud.find(value, collection, resource)).find(Boolean),
        })),
    );
}

/** What a resource names by a property, by its path. */
export function referred(cloud: Cloud, resource: Stored, path: string): Stored | undefined {
    return references(cloud, resource).find((reference) => reference.path === path)?.to;
}

/** All that is named must be there. */
export function referenceRules(cloud: Cloud, resource: Stored) {
    for (const { path, value, to } of references(cloud, resource)) {
        if (!to) {
            throw invalidField(path, value, "The referenced resource cannot be found.");
        }
    }
}

/** What is named by another resource can't go. An instance leaves its group as it goes; parts go with the whole. */
export function deletionRules(cloud: Cloud, resource: Stored) {
    const kind = resource.collection
        .replace(/ies$/, "y")
        .replace(/(ch|x|ss)es$/, "$1")
        .replace(/s$/, "");
    for (const other of cloud.list(resource.project)) {
        const leaves =
            resource.collection === "instances" && ["instanceGroups", "memberships"].includes(other.collection);
        const part = resourceTypes[other.type]!.within?.collection === resource.collection;
        if (!leaves && !part && references(cloud, other).some(({ to }) => to?.key === resource.key)) {
            throw inUse(kind, resource.key, other.key);
        }
    }
    for (const { key } of resource.collection === "addresses" ? usersOf(cloud, resource) : []) {
        throw inUse(kind, resource.key, key);
    }
    const rule = resource.inputs.purpose === "REGIONAL_MANAGED_PROXY" && ruleBehind(cloud, resource);
    if (rule) {
        throw inUse(kind, resource.key, rule.key);
    }
}

/** The resources that use an address. */
export function usersOf(cloud: Cloud, { project, outputs, region }: Stored): Stored[] {
    return cloud
        .list(project)
        .filter((other) => other.collection === "instances" || other.collection === "forwardingRules")
        .filter((other) => other.region === region && addressesOf(other).includes(outputs.address as string));
}

/** The addresses that a resource has taken, internal and external. */
export function addressesOf({ collection, outputs }: Pick<Stored, "collection" | "outputs">): string[] {
    if (collection === "forwardingRules") {
        return [outputs.ipAddress as string];
    }
    return [
        ...valuesOf(outputs, "networkInterfaces", "networkIp"),
        ...((outputs.networkInterfaces ?? []) as { accessConfigs?: { natIp?: string }[] }[]).flatMap((nic) =>
            (nic.accessConfigs ?? []).flatMap(({ natIp }) => natIp ?? []),
        ),
    ];
}

function valuesOf(outputs: Stored["outputs"], list: string, key: string): string[] {
    return ((outputs[list] ?? []) as Record<string, string>[]).flatMap((one) => one[key] ?? []);
}

/** A load balancer's forwarding rule whose proxies have their addresses in this subnetwork. */
function ruleBehind(cloud: Cloud, subnetwork: Stored): Stored | undefined {
    const network = referred(cloud, subnetwork, "network");
    return cloud
        .list(subnetwork.project, "forwardingRules")
        .find((rule) => rule.region === subnetwork.region && referred(cloud, rule, "network")?.key === network?.key);
}

/** What the organization forbids. */
export function violated(constraint: string, project: string, why: string): ApiError {
    return new ApiError(
        412,
        "conditionNotMet",
        `Constraint constraints/${constraint} violated for projects/${project}. ${why}`,
    );
}
