import { equal } from "../../shared/diff";
import { PropertyMap } from "../../shared/values";
import { invalid, invalidField } from "../apiError";
import { Cloud, Stored } from "../cloud";
import { regionOf } from "../location";
import { referred, violated } from "./references";

/**
 * Families without nested virtualization: E2, memory-optimized, of AMD, of Arm.
 * https://cloud.google.com/compute/docs/instances/nested-virtualization/overview#restrictions
 */
const notNested = /^(e2|m[1-4]|x4|[a-z]\d+[da]|h4d|f1|g1)-/;
/** Families without Persistent Disk, and older ones without Hyperdisk: https://cloud.google.com/compute/docs/disks */
const hyperdiskOnly = /^(c4|c4a|c4d|n4|n4a|n4d|h4d|x4|m4)-/;
const withoutHyperdisk = /^(e2|n1|n2|n2d|t2d|t2a|f1|g1)-/;

/** What an instance must be to be made. */
export function instanceRules(cloud: Cloud, resource: Stored) {
    const inputs = resource.inputs as InstanceInputs;
    const { constraints = [] } = cloud.settings();
    const machineType = inputs.machineType.split("/").pop()!;
    if (!/^[a-z]\d+[a-z]?-[a-z0-9-]+$/.test(machineType)) {
        throw invalidField("machineType", machineType, "The referenced resource cannot be found.");
    }
    if (inputs.advancedMachineFeatures?.enableNestedVirtualization) {
        if (constraints.includes("compute.disableNestedVirtualization")) {
            throw violated(
                "compute.disableNestedVirtualization",
                resource.project,
                "Nested virtualization is disabled.",
            );
        }
        if (notNested.test(machineType)) {
            const path = "advancedMachineFeatures.enableNestedVirtualization";
            throw invalidField(path, "true", `Machine type ${machineType} does not support nested virtualization.`);
        }
    }
    if (
        constraints.includes("compute.vmExternalIpAccess") &&
        inputs.networkInterfaces.some((nic) => nic.accessConfigs)
    ) {
        const why = `Add instance ${resource.key} to the constraint to use external IP with it.`;
        throw violated("compute.vmExternalIpAccess", resource.project, why);
    }
    diskRules(machineType, inputs.bootDisk.initializeParams ?? {});
    const { preemptible, automaticRestart = true, provisioningModel } = inputs.scheduling ?? {};
    if (preemptible && automaticRestart) {
        const message = "Scheduling must have preemptible be false when AutomaticRestart is true.";
        throw invalidField("scheduling.preemptible", "true", message);
    }
    if (provisioningModel === "SPOT" && !preemptible) {
        throw invalidField("scheduling.preemptible", "false", "It must be true where provisioningModel is SPOT.");
    }
    inputs.networkInterfaces.forEach((nic, i) => interfaceRules(cloud, resource, nic, `networkInterfaces[${i}]`));
}

function diskRules(machineType: string, { type = "pd-standard", size, image }: Disk) {
    const disk = type.split("/").pop()!;
    const hyperdisk = disk.startsWith("hyperdisk");
    if (hyperdisk ? withoutHyperdisk.test(machineType) : hyperdiskOnly.test(machineType)) {
        throw invalid(`[${disk}] features are not compatible for creating instance of machine type ${machineType}.`);
    }
    if (!image) {
        throw invalidField("disks[0].source", "", "Boot disk must have a source or an image.");
    }
    if (size !== undefined && size < 10) {
        throw invalidField("disks[0].initializeParams.diskSizeGb", String(size), "Images need 10 GB or more.");
    }
}

function interfaceRules(cloud: Cloud, resource: Stored, { network, subnetwork }: Interface, path: string) {
    const inside = referred(cloud, resource, `${path}.subnetwork`);
    const around = referred(cloud, resource, `${path}.network`);
    if (subnetwork === undefined) {
        if (network === undefined) {
            throw invalidField(path, "", "It must name a network or a subnetwork.");
        }
        if (around?.inputs.autoCreateSubnetworks === false) {
            const message = "networkInterface must specify a subnet if the network resource is in custom subnet mode.";
            throw invalidField(`${path}.network`, network, message);
        }
        return;
    }
    if (inside!.region !== regionOf(resource.zone!)) {
        throw invalidField(`${path}.subnetwork`, subnetwork, `The subnetwork is in region ${inside!.region}.`);
    }
    if (around && referred(cloud, inside!, "network")?.key !== around.key) {
        throw invalidField(`${path}.subnetwork`, subnetwork, "The subnetwork is not one of the network.");
    }
    if (inside!.inputs.purpose === "REGIONAL_MANAGED_PROXY") {
        throw invalidField(`${path}.subnetwork`, subnetwork, "The subnetwork is reserved for proxies.");
    }
}

/** What can't be changed while an instance runs. The text is the provider's. */
export function updateRules(old: PropertyMap, now: PropertyMap) {
    const stopped = ["machineType", "minCpuPlatform", "advancedMachineFeatures", "serviceAccount", "enableDisplay"];
    const changed = [...stopped, "shieldedInstanceConfig"].some((key) => !equal(old[key], now[key]));
    if (changed && now.allowStoppingForUpdate !== true) {
        throw new Error(
            "Changing the machine_type, min_cpu_platform, service_account, enable_display, shielded_instance_config, " +
                "scheduling.node_affinities, scheduling.max_run_duration or network_interface.[#d].(network/subnetwork/" +
                "subnetwork_project) or advanced_machine_features on a started instance requires stopping it. To " +
                "acknowledge this, please set allow_stopping_for_update = true in your config.",
        );
    }
}

interface Disk {
    type?: string;
    size?: number;
    image?: string;
}

interface Interface {
    network?: string;
    subnetwork?: string;
    accessConfigs?: object[];
}

interface InstanceInputs extends PropertyMap {
    machineType: string;
    advancedMachineFeatures: PropertyMap & { enableNestedVirtualization: boolean };
    bootDisk: PropertyMap & { initializeParams: PropertyMap & Disk };
    networkInterfaces: (PropertyMap & Interface)[];
    scheduling: PropertyMap & { preemptible?: boolean; automaticRestart?: boolean; provisioningModel?: string };
}
