import * as assert from "node:assert/strict";
import {
    machineFamilies,
    parseMachineType,
    suitableFamilies,
} from "../../../../components/machine/gcp/machineFamilies";
import { gcpSpecOf, instancesOf } from "../../../support/gcp";

/**
 * What Google publishes, written down once more and on its own:
 * https://cloud.google.com/compute/docs/instances/nested-virtualization/overview#restrictions says not AMD, not Arm, and
 * of Intel neither E2 nor memory-optimized.
 */
const published = {
    suitable: ["n1", "n2", "n4", "c2", "c3", "c4", "z3"],
    amd: ["n2d", "n4d", "c2d", "c3d", "c4d", "t2d", "h4d", "g4"],
    arm: ["t2a", "c4a", "n4a", "a4x"],
    memoryOptimized: ["m1", "m2", "m3", "m4", "x4"],
    other: ["e2", "f1", "g1"],
    notSaid: ["h3", "a2", "a3", "a4", "g2"],
};

/** A type of each family that has a name of its own. */
const types: Record<string, string> = {
    a2: "a2-highgpu-1g",
    a3: "a3-highgpu-8g",
    a4: "a4-highgpu-8g",
    z3: "z3-highmem-14-standardlssd",
};
const typeOf = (family: string) => types[family] ?? `${family}-standard-8`;

describe("families of machines on Google Cloud", () => {
    it("are those of the published rules, each once", () => {
        const all = Object.values(published).flat();
        assert.deepEqual(Object.keys(machineFamilies).sort(), all.sort());
        assert.deepEqual([...suitableFamilies].sort(), [...published.suitable].sort());
    });

    for (const family of published.suitable) {
        it(`take ${family} without a word`, () => {
            const spec = gcpSpecOf({ controlPlane: { machineType: typeOf(family) } });
            assert.deepEqual(spec.warnings, []);
        });
    }

    for (const [reason, families] of [
        [/AMD processors/, published.amd],
        [/Arm processors/, published.arm],
        [/memory-optimized/, published.memoryOptimized],
        [/E2|shared core/, published.other],
    ] as const) {
        for (const family of families) {
            it(`refuse ${family}, and say why`, () => {
                const refused = () => gcpSpecOf({ controlPlane: { machineType: typeOf(family) } });
                assert.throws(refused, reason);
                assert.throws(refused, /controlPlane.machineType = .*has no nested virtualization.*n2-standard-4/s);
            });
        }
    }

    for (const family of [...published.notSaid, "q9"]) {
        it(`warn of ${family}, which the node judges`, () => {
            const spec = gcpSpecOf({ workerPools: [{ name: "worker", machineType: typeOf(family) }] });
            assert.match(
                spec.warnings.join("\n"),
                new RegExp(`family ${family} has nested virtualization is not known`),
            );
            assert.equal(spec.warnings.filter((line) => line.includes("not known")).length, 1);
        });
    }

    it("have the disk, the network interface and the maintenance that they need", () => {
        const of = (machineType: string) => instancesOf({ controlPlane: { machineType } })[0]!;
        const [n2, n4, c3, z3] = ["n2-standard-4", "n4-standard-4", "c3-standard-4", "z3-highmem-88"].map(of);
        assert.deepEqual([n2!.diskType, n2!.nicType, n2!.onHostMaintenance], ["pd-balanced", undefined, undefined]);
        assert.deepEqual([n4!.diskType, n4!.nicType], ["hyperdisk-balanced", "GVNIC"]);
        assert.deepEqual([c3!.diskType, c3!.nicType], ["pd-balanced", "GVNIC"]);
        assert.equal(z3!.onHostMaintenance, "TERMINATE");
    });

    it("give N1 the platform that has nested virtualization, and no other family any", () => {
        const of = (pool: object) => instancesOf({ controlPlane: pool })[0]!.minCpuPlatform;
        assert.equal(of({ machineType: "n1-standard-4" }), "Intel Haswell");
        assert.equal(of({ machineType: "custom-4-8192", minCpuPlatform: "Intel Skylake" }), "Intel Skylake");
        assert.equal(of({ machineType: "n2-standard-4" }), undefined);
    });
});

describe("parseMachineType", () => {
    const known: [type: string, vcpus: number | undefined, memoryMib: number | undefined][] = [
        ["n1-standard-4", 4, 15360],
        ["n1-highcpu-8", 8, 7373],
        ["n2-standard-4", 4, 16384],
        ["n2-highcpu-4", 4, 4096],
        ["n2-highmem-2", 2, 16384],
        ["n4-highcpu-4", 4, 8192],
        ["c2-standard-60", 60, 245760],
        ["c3-standard-4-lssd", 4, 16384],
        ["c4-standard-4", 4, 15360],
        ["c4-highmem-4", 4, 31744],
        ["n2-custom-4-8192", 4, 8192],
        ["custom-2-4096", 2, 4096],
        ["n1-custom-2-16384-ext", 2, 16384],
        ["a2-highgpu-1g", undefined, undefined],
        ["q9-standard-4", undefined, undefined],
    ];
    for (const [type, vcpus, memoryMib] of known) {
        it(`reads ${type}`, () => {
            const parsed = parseMachineType(type);
            assert.deepEqual([parsed?.vcpus, parsed?.memoryMib], [vcpus, memoryMib]);
        });
    }

    for (const type of [
        "",
        "n2",
        "N2-standard-4",
        "n2-standard-4 ",
        "n2_standard_4",
        "zones/a/n2-standard-4",
        4,
        null,
    ]) {
        it(`reads nothing in ${JSON.stringify(type)}`, () => assert.equal(parseMachineType(type), undefined));
    }
});
