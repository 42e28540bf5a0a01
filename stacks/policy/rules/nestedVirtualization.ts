import { isObject } from "../inputs";
import { Resource, Rule } from "../rule";

/**
 * Families in which Google Cloud offers no nested virtualization: it ignores the wish, and the instance comes up without
 * /dev/kvm (pulumi/pulumi-gcp#715). https://cloud.google.com/compute/docs/instances/nested-virtualization/overview
 *
 * This list belongs to the machines of components/machine/gcp, once they have it.
 */
const without = [
    ["e2"],
    ["c2d", "c3d", "c4d", "g4", "h4d", "n2d", "n4d", "t2d"], // AMD
    ["a4x", "c4a", "n4a", "t2a"], // Arm
    ["m1", "m2", "m3", "m4", "x4"], // memory-optimized
].flat();

/** The label that a cluster's instances have. Its bastion has it too, and runs no pods. */
const label = "kata-cluster";
const bastion = /(?:^|-)bastion$/;

/** A node without /dev/kvm can't run an untrusted pod in a virtual machine. */
export const nestedVirtualization: Rule = {
    name: "nested-virtualization",
    description: "Nodes on Google Cloud are of a machine family that has nested virtualization, and have it enabled.",
    enforcement: "mandatory",
    violations: ({ type, name, inputs }: Resource) => {
        if (!/^gcp:compute\/instance(?:Template)?:/.test(type)) {
            return [];
        }
        const features = inputs.advancedMachineFeatures;
        const wanted = isObject(features) ? features.enableNestedVirtualization : features;
        const node = isObject(inputs.labels) && label in inputs.labels && !bastion.test(name);
        if (!node && wanted !== true) {
            return [];
        }
        return [...wrongFamily(inputs.machineType), ...(isOff(wanted) ? [notEnabled] : [])];
    },
};

const notEnabled =
    "advancedMachineFeatures.enableNestedVirtualization is not true: the instance gets no /dev/kvm. Fix: set it to true";

/** Not where it is not known yet. */
function isOff(wanted: unknown): boolean {
    return wanted === undefined || wanted === null || wanted === false;
}

function wrongFamily(machineType: unknown): string[] {
    const family = typeof machineType === "string" ? machineType.split("/").at(-1)!.split("-")[0]! : "";
    return without.includes(family)
        ? [
              `machineType is ${String(machineType)}: family ${family} has no nested virtualization, and the instance gets no /dev/kvm. Fix: take an Intel family, n2, c2, c3 or n4`,
          ]
        : [];
}
