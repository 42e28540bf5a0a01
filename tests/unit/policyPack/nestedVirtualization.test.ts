import * as assert from "node:assert/strict";
import { nestedVirtualization } from "../../../stacks/policy/rules/nestedVirtualization";
import { assertFound, violations } from "./rules";

const enabled = { advancedMachineFeatures: { enableNestedVirtualization: true } };
const node = { labels: { "kata-cluster": "lab" } };
const found = (inputs: object, name = "lab-worker-0") =>
    violations(nestedVirtualization, "gcp:compute/instance:Instance", inputs as Record<string, unknown>, name);

describe("policy nested-virtualization", () => {
    it("lets nodes pass that have it", () => {
        for (const machineType of [
            "n2-standard-4",
            "n1-standard-8",
            "c3-standard-4",
            "n4-standard-4",
            "c2-standard-8",
        ]) {
            assert.deepEqual(found({ machineType, ...node, ...enabled }), []);
        }
    });

    it("refuses every family that has none: AMD, Arm, memory-optimized, E2", () => {
        for (const family of ["e2", "n2d", "c2d", "c3d", "c4d", "t2d", "h4d", "t2a", "c4a", "m1", "m2", "m3", "x4"]) {
            const pattern = new RegExp(`^machineType is ${family}-standard-4: family ${family} has no nested`);
            assertFound(found({ machineType: `${family}-standard-4`, ...node, ...enabled }), pattern);
            // Also of an instance that is not the cluster's, if it asks for it.
            assertFound(found({ machineType: `${family}-standard-4`, ...enabled }), pattern);
        }
        const zone = "https://www.googleapis.com/compute/v1/projects/p/zones/z/machineTypes";
        assertFound(found({ machineType: `${zone}/e2-medium`, ...enabled }), /family e2 has no/);
    });

    it("refuses a node that does not ask for it", () => {
        const machineType = "n2-standard-4";
        for (const features of [undefined, {}, { enableNestedVirtualization: false }]) {
            assertFound(
                found({ machineType, ...node, advancedMachineFeatures: features }),
                /^advancedMachineFeatures\.enableNestedVirtualization is not true/,
            );
        }
        assertFound(found({ machineType: "e2-medium", ...node }), /^machineType/, /^advancedMachineFeatures/);
    });

    it("has nothing against other instances, and the cluster's bastion", () => {
        assert.deepEqual(found({ machineType: "e2-medium" }), []);
        assert.deepEqual(found({ machineType: "e2-micro", ...node }, "lab-bastion"), []);
        assert.deepEqual(violations(nestedVirtualization, "gcp:compute/network:Network", { ...node }), []);
    });

    it("judges what is not known yet when it is known", () => {
        const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
        assert.deepEqual(found({ machineType: unknown, ...node, advancedMachineFeatures: unknown }), []);
    });
});
