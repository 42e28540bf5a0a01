import { randomBytes, randomInt } from "node:crypto";
import { PropertyMap, Value } from "../shared/values";
import { nextExternal, nextInternal, range } from "./addresses";
import { Cloud, Stored } from "./cloud";
import { references, referred } from "./rules/references";

/** What the cloud adds to a resource's inputs. `old` is the resource before an update: what it has, it keeps. */
export function computed(cloud: Cloud, resource: Stored, old?: Stored): PropertyMap {
    const { collection, inputs, project, region, zone, name, selfLink } = resource;
    const labels = { ...((inputs.labels ?? {}) as PropertyMap), "goog-pulumi-provisioned": "true" };
    return {
        ...once(resource, old),
        ...(region ? { region } : {}),
        ...(zone ? { zone } : {}),
        ...{ project, name, selfLink, pulumiLabels: labels, effectiveLabels: labels },
        ...{ deletionPolicy: "DELETE", fingerprint: fingerprint(), labelFingerprint: fingerprint() },
        ...particular(cloud, collection, resource, old),
    };
}

/** What is made when the resource is. */
function once({ created }: Stored, old?: Stored): PropertyMap {
    const kept = <T extends Value>(make: () => T, ...keys: string[]) =>
        Object.fromEntries(keys.map((key) => [key, old?.outputs[key] ?? make()]));
    const id = () => randomInt(2 ** 47);
    return {
        ...kept(() => new Date(created).toISOString().replace("Z", "-00:00"), "creationTimestamp"),
        ...kept(() => String(id()), "networkId", "numericId", "addressId", "instanceId"),
        ...kept(id, "subnetworkId", "healthCheckId", "generatedId", "proxyId", "forwardingRuleId"),
    };
}

function particular(cloud: Cloud, collection: string, resource: Stored, old?: Stored): PropertyMap {
    const { inputs, project } = resource;
    const externalAddress = () => nextExternal(cloud, project);
    switch (collection) {
        case "networks":
            return { mtu: 1460, routingMode: "REGIONAL", gatewayIpv4: "", autoCreateSubnetworks: true };
        case "subnetworks": {
            const [first] = range(inputs.ipCidrRange as string)!;
            return { gatewayAddress: first.replace(/\d+$/, (last) => String(Number(last) + 1)), purpose: "PRIVATE" };
        }
        case "firewalls":
            return { priority: 1000, direction: "INGRESS" };
        case "addresses": {
            const subnetwork = referred(cloud, resource, "subnetwork");
            return {
                address: old?.outputs.address ?? (subnetwork ? nextInternal(cloud, subnetwork) : externalAddress()),
                ...{ addressType: "EXTERNAL", networkTier: "PREMIUM", users: [] },
            };
        }
        case "forwardingRules":
            return { ipAddress: old?.outputs.ipAddress ?? externalAddress(), ipProtocol: "TCP" };
        case "instanceGroups":
            return { size: ((inputs.instances ?? []) as string[]).length };
        case "healthChecks":
            return { type: inputs.tcpHealthCheck ? "TCP" : inputs.sslHealthCheck ? "SSL" : "HTTPS" };
        case "instances":
            return instance(cloud, resource, old);
        default:
            return {};
    }
}

function instance(cloud: Cloud, resource: Stored, old?: Stored): PropertyMap {
    const before = (old?.outputs.networkInterfaces ?? []) as Interface[];
    const inputs = (resource.inputs.networkInterfaces ?? []) as Interface[];
    return {
        cpuPlatform: (resource.inputs.minCpuPlatform as string | undefined) ?? "Intel Cascade Lake",
        currentStatus: "RUNNING",
        ...{ metadataFingerprint: fingerprint(), tagsFingerprint: fingerprint() },
        networkInterfaces: inputs.map(({ networkIp, accessConfigs = [] }, i) => {
            const subnetwork = references(cloud, resource).find(
                ({ path }) => path === `networkInterfaces[${i}].subnetwork`,
            );
            const own = before[i];
            return {
                name: `nic${i}`,
                ...{ network: own?.network ?? (subnetwork?.to?.outputs.network as string) ?? "" },
                ...{
                    subnetwork: subnetwork?.to?.selfLink ?? "",
                    subnetworkProject: resource.project,
                    stackType: "IPV4_ONLY",
                },
                networkIp:
                    networkIp ?? own?.networkIp ?? (subnetwork?.to ? nextInternal(cloud, subnetwork.to) : "10.128.0.2"),
                accessConfigs: accessConfigs.map(({ natIp }, j) => ({
                    natIp: natIp ?? own?.accessConfigs?.[j]?.natIp ?? nextExternal(cloud, resource.project),
                    networkTier: "PREMIUM",
                })),
            };
        }),
    };
}

type Interface = PropertyMap & {
    network?: string;
    networkIp?: string;
    accessConfigs?: (PropertyMap & { natIp?: string })[];
};

function fingerprint(): string {
    return randomBytes(8).toString("base64");
}
