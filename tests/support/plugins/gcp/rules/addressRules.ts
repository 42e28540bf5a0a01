import { isInSubnetwork } from "../addresses";
import { ApiError, invalidField } from "../apiError";
import { Cloud, Stored } from "../cloud";
import { addressesOf } from "./references";

/** An address that is asked for must be one that was reserved, or one of the subnetwork, and nobody else's. */
export function addressRules(cloud: Cloud, resource: Stored) {
    for (const { path, address, subnetwork } of wanted(resource)) {
        const reserved = cloud.list(resource.project, "addresses").find(({ outputs }) => outputs.address === address);
        const inside =
            subnetwork !== undefined &&
            isInSubnetwork(
                cloud.find(subnetwork, "subnetworks", resource)?.inputs.ipCidrRange as string | undefined,
                address,
            );
        if (!reserved && !inside) {
            throw invalidField(path, address, "The specified IP address was not found.");
        }
        if (reserved && reserved.region !== resource.region) {
            throw invalidField(path, address, `The specified IP address is in region ${reserved.region}.`);
        }
        const taken = cloud
            .list(resource.project)
            .filter(
                ({ collection, key }) => ["instances", "forwardingRules"].includes(collection) && key !== resource.key,
            )
            .find((other) => addressesOf(other).includes(address));
        if (taken) {
            const message = `IP '${address}' is already being used by another resource '${taken.key}'.`;
            throw new ApiError(400, "resourceInUseByAnotherResource", message);
        }
    }
}

interface Wanted {
    path: string;
    address: string;
    /** Where an internal address must be. */
    subnetwork?: string;
}

function wanted({ collection, inputs }: Stored): Wanted[] {
    if (collection === "forwardingRules") {
        const address = inputs.ipAddress as string | undefined;
        return address && /^[\d.]+$/.test(address)
            ? [{ path: "IPAddress", address, subnetwork: inputs.subnetwork as string | undefined }]
            : [];
    }
    if (collection !== "instances") {
        return [];
    }
    const interfaces = (inputs.networkInterfaces ?? []) as {
        networkIp?: string;
        subnetwork?: string;
        accessConfigs?: { natIp?: string }[];
    }[];
    return interfaces.flatMap(({ networkIp, subnetwork, accessConfigs = [] }, i) => [
        ...(networkIp ? [{ path: `networkInterfaces[${i}].networkIP`, address: networkIp, subnetwork }] : []),
        ...accessConfigs.flatMap(({ natIp }, j) =>
            natIp ? [{ path: `networkInterfaces[${i}].accessConfigs[${j}].natIP`, address: natIp }] : [],
        ),
    ]);
}
