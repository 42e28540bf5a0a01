import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as fc from "fast-check";
import { KataClusterArgs } from "../../components/args";
import { resolve } from "../../components/spec";
import { argumentsLike } from "../support/argumentsLike";
import { existing, specOf } from "../support/specs";

const onCrio = { containerRuntime: "crio" } as const;
const digest = "0".repeat(64);

// What is refused and what is accepted is in tests/unit/arguments.
describe("resolve", () => {
    it("tells all that is wrong at once, and never a private key", () => {
        const bad = {
            ...existing({ controlPlanes: [{ address: "192.0.2.10", privateKey: "CANARY", hostKey: "" }] }),
            kubernetes: { version: "1", podCidr: "x", cni: "y" },
            kata: { version: "1.0.0" },
        };
        const message = problemsOf(bad);
        assert.equal(message.split("\n").length, 6, message);
        assert.doesNotMatch(message, /CANARY/);
    });

    it("takes any JSON, and at worst refuses it with all that is wrong", () => {
        fc.assert(
            fc.property(argumentsLike, (args) => {
                problemsOf(args);
            }),
            { numRuns: 1000 },
        );
        fc.assert(
            fc.property(fc.jsonValue(), (args) => {
                assert.notEqual(problemsOf(args), "");
            }),
        );
    });

    it("refuses an output where the number of resources depends on it, and takes it elsewhere", () => {
        const later = pulumi.output("192.0.2.10");
        const { controlPlanes } = existing().machines.existing!;
        const onMachine = (machine: object) => ({
            machines: { existing: { controlPlanes: [{ ...controlPlanes[0], ...machine }] } },
        });
        assert.equal(problemsOf(onMachine({ address: later, hostKey: later, privateKey: later })), "");
        assert.match(
            problemsOf(onMachine({ name: later })),
            /controlPlanes\[0\].name = \[output\]: .*not known at preview/,
        );
        assert.match(problemsOf({ machines: later }), /machines = \[output\]/);
    });

    it("fills in the guide's values", () => {
        const spec = specOf();
        assert.equal(spec.kubernetes.podCidr, "10.244.0.0/16");
        assert.equal(spec.containerRuntime, "containerd");
        assert.deepEqual([spec.untrustedPod.name, spec.untrustedPod.namespace], ["nginx-untrusted", "default"]);
        assert.deepEqual(spec.warnings, []);
    });

    it("trusts the namespaces of what is installed, and no others", () => {
        const trust = { trustedNamespaces: ["monitoring", "kube-system"] };
        assert.deepEqual(specOf({ trust }).trust, {
            defaultWorkloadTrust: "trusted",
            trustedNamespaces: ["kube-flannel", "kube-system", "monitoring"],
        });
        assert.deepEqual(specOf({ kubernetes: { cni: "none" } }).trust.trustedNamespaces, ["kube-system"]);
    });

    it("warns of Kata below 4.0.0, with the advisory", () => {
        assert.match(specOf({ kata: { version: "3.32.0" } }).warnings.join(), /CVE-2026-50540/);
    });

    it("takes the CRI-O of Kubernetes' minor version, and warns of one that is a minor version apart", () => {
        for (const version of ["1.36.4", "1.35.8", "1.34.11"]) {
            const spec = specOf({ ...onCrio, kubernetes: { version } });
            assert.equal(spec.releases.crio.version.split(".")[1], version.split(".")[1]);
            assert.match(spec.releases.crio.sha256.amd64 ?? "", /^[0-9a-f]{64}$/);
            assert.deepEqual(spec.warnings, []);
        }
        const older = { crio: { version: "1.35.6", sha256: { amd64: digest } } };
        assert.match(specOf({ ...onCrio, releases: older }).warnings.join(), /releases.crio.version = "1.35.6"/);
        assert.deepEqual(specOf({ releases: older }).warnings, []);
    });

    it("never accepts ranges that overlap, whatever they are", () => {
        const range = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 12, max: 24 }));
        fc.assert(
            fc.property(range, range, ([a, bitsA], [b, bitsB]) => {
                const pods = cidr(a, bitsA);
                const services = cidr(b, bitsB);
                const shared = Math.min(bitsA, bitsB);
                const overlaps = network(a, shared) === network(b, shared);
                const attempt = () => specOf({ ...existing(), kubernetes: { podCidr: pods, serviceCidr: services } });
                if (overlaps) {
                    assert.throws(attempt, /overlaps/);
                } else {
                    attempt();
                }
            }),
        );
    });
});

/** What is wrong with the arguments; empty if nothing is. Nothing else than that may be thrown. */
function problemsOf(args: unknown): string {
    try {
        resolve("lab", args as KataClusterArgs);
        return "";
    } catch (error) {
        assert.ok(
            pulumi.InputPropertiesError.isInstance(error),
            `${(error as Error).stack} for ${JSON.stringify(args)}`,
        );
        return error.message;
    }
}

/** 10.N.0.0 with its host bits cleared. */
function network(n: number, bits: number): number {
    return (((10 << 24) | (n << 16)) & (-1 << (32 - bits))) >>> 0;
}

function cidr(n: number, bits: number): string {
    const address = network(n, bits);
    return `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".")}/${bits}`;
}
