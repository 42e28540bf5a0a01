import { PropertyMap } from "../shared/values";

/** Where a resource is: in its project, in a region of it, or in a zone of that. */
export type Scope = "global" | "region" | "zone";

/** What the stand-in knows of a type of resource that the published types do not say. */
export interface ResourceType {
    /** As the API's messages name it: `Network`. */
    title: string;
    /** Its place in the API's URLs: `networks`. */
    collection: string;
    scope: Scope;
    /**
     * Properties whose change makes a new resource, beside those whose doc comment says so. From the provider's
     * reference, where they are marked as such.
     */
    replaces: string[];
    /** Paths of properties that name other resources, with `*` for each element of a list, and these resources' collections. */
    references: Record<string, string[]>;
    /** The resource that it is a part of: its collection, and the property that names it. It goes with that. */
    within?: { collection: string; property: string };
}

/** The types of resource that the stand-in makes, by token. */
export const resourceTypes: Record<string, ResourceType> = {
    "gcp:compute/network:Network": {
        title: "Network",
        collection: "networks",
        scope: "global",
        replaces: ["name", "project", "autoCreateSubnetworks", "internalIpv6Range", "networkProfile"],
        references: {},
    },
    "gcp:compute/subnetwork:Subnetwork": {
        title: "Subnetwork",
        collection: "subnetworks",
        scope: "region",
        replaces: ["name", "project", "region", "network", "purpose", "description", "reservedInternalRange"],
        references: { network: ["networks"] },
    },
    "gcp:compute/router:Router": {
        title: "Router",
        collection: "routers",
        scope: "region",
        replaces: ["name", "project", "region", "network", "encryptedInterconnectRouter"],
        references: { network: ["networks"] },
    },
    "gcp:compute/routerNat:RouterNat": {
        title: "RouterNat",
        collection: "nats",
        scope: "region",
        replaces: ["name", "project", "region", "router", "type", "endpointTypes", "autoNetworkTier"],
        references: { router: ["routers"], natIps: ["addresses"], "subnetworks.*.name": ["subnetworks"] },
        within: { collection: "routers", property: "router" },
    },
    "gcp:compute/firewall:Firewall": {
        title: "Firewall",
        collection: "firewalls",
        scope: "global",
        replaces: ["name", "project", "network", "direction"],
        references: { network: ["networks"] },
    },
    "gcp:compute/address:Address": {
        title: "Address",
        collection: "addresses",
        scope: "region",
        replaces: [
            ...["name", "project", "region", "address", "addressType", "description", "ipCollection", "ipVersion"],
            ...["ipv6EndpointType", "network", "networkTier", "prefixLength", "purpose", "subnetwork"],
        ],
        references: { network: ["networks"], subnetwork: ["subnetworks"] },
    },
    "gcp:compute/instance:Instance": {
        title: "instance",
        collection: "instances",
        scope: "zone",
        replaces: [
            ...["project", "zone", "description", "metadataStartupScript", "canIpForward", "guestAccelerators"],
            ...[
                "bootDisk",
                "scratchDisks",
                "confidentialInstanceConfig",
                "reservationAffinity",
                "networkInterfaces.nicType",
            ],
            ...["scheduling.provisioningModel", "scheduling.preemptible"],
        ],
        references: {
            "networkInterfaces.*.network": ["networks"],
            "networkInterfaces.*.subnetwork": ["subnetworks"],
        },
    },
    "gcp:compute/instanceGroup:InstanceGroup": {
        title: "InstanceGroup",
        collection: "instanceGroups",
        scope: "zone",
        replaces: ["name", "project", "zone", "network", "description"],
        references: { network: ["networks"], "instances.*": ["instances"] },
    },
    "gcp:compute/instanceGroupMembership:InstanceGroupMembership": {
        title: "InstanceGroupMembership",
        collection: "memberships",
        scope: "zone",
        replaces: ["project", "zone", "instance", "instanceGroup"],
        references: { instanceGroup: ["instanceGroups"], instance: ["instances"] },
        within: { collection: "instanceGroups", property: "instanceGroup" },
    },
    "gcp:compute/regionHealthCheck:RegionHealthCheck": {
        title: "RegionHealthCheck",
        collection: "healthChecks",
        scope: "region",
        replaces: ["name", "project", "region"],
        references: {},
    },
    "gcp:compute/regionBackendService:RegionBackendService": {
        title: "RegionBackendService",
        collection: "backendServices",
        scope: "region",
        replaces: ["name", "project", "region", "network", "loadBalancingScheme"],
        references: { network: ["networks"], healthChecks: ["healthChecks"], "backends.*.group": ["instanceGroups"] },
    },
    "gcp:compute/regionTargetTcpProxy:RegionTargetTcpProxy": {
        title: "RegionTargetTcpProxy",
        collection: "targetTcpProxies",
        scope: "region",
        replaces: [
            ...["name", "project", "region", "backendService", "description"],
            ...["loadBalancingScheme", "network", "proxyBind", "proxyHeader"],
        ],
        references: { backendService: ["backendServices"], network: ["networks"] },
    },
    "gcp:compute/forwardingRule:ForwardingRule": {
        title: "ForwardingRule",
        collection: "forwardingRules",
        scope: "region",
        replaces: [
            ...["name", "project", "region", "allPorts", "description", "ipAddress", "ipProtocol", "ipVersion"],
            ...["loadBalancingScheme", "network", "networkTier", "portRange", "ports", "serviceLabel", "subnetwork"],
        ],
        references: {
            network: ["networks"],
            subnetwork: ["subnetworks"],
            target: ["targetTcpProxies"],
            backendService: ["backendServices"],
        },
    },
};

/** @throws as the real plugin does, where it has no such type, and says so of those that only the stand-in lacks. */
export function resourceType(token: string): ResourceType {
    const type = resourceTypes[token];
    if (!type) {
        throw new Error(
            `${token}: the stand-in for pulumi-resource-gcp has only ${Object.keys(resourceTypes).join(", ")}`,
        );
    }
    return type;
}

/** Whether a change below `path`, `a[0].b`, makes a new resource. */
export function isReplacedBy(type: ResourceType, path: string): boolean {
    const plain = path.replace(/\[\d+\]/g, "");
    return type.replaces.some((one) => plain === one || plain.startsWith(`${one}.`) || plain.startsWith(`${one}[`));
}

/** The values at a path with `*`: each with its own path. */
export function valuesAt(inputs: PropertyMap, pattern: string): { path: string; value: string }[] {
    const walk = (value: unknown, parts: string[], path: string): { path: string; value: string }[] => {
        if (value === undefined || value === null) {
            return [];
        }
        const [part, ...rest] = parts;
        if (part === undefined) {
            return Array.isArray(value)
                ? value.flatMap((one, i) => walk(one, [], `${path}[${i}]`))
                : typeof value === "string"
                  ? [{ path, value }]
                  : [];
        }
        if (part === "*") {
            return Array.isArray(value) ? value.flatMap((one, i) => walk(one, rest, `${path}[${i}]`)) : [];
        }
        return walk((value as Record<string, unknown>)[part], rest, path ? `${path}.${part}` : part);
    };
    return walk(inputs, pattern.split("."), "");
}
