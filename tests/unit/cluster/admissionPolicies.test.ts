import * as assert from "node:assert/strict";
import { stringify } from "yaml";
import { ContainerRuntime, TrustArgs } from "../../../components/args";
import { admissionPolicies, settling } from "../../../components/cluster/admission/admissionPolicies";
import { manifests } from "../../../components/cluster/admission/policy";
import { mutatingApi } from "../../../components/cluster/admission/runtimeClassPolicy";
import { runtimeClassObject } from "../../../components/cluster/runtimeClass";
import { configuresRuntime } from "../../../components/trust";
import { matchesGolden } from "../../support/golden";
import { specOf } from "../../support/specs";

function rendered(trust: TrustArgs, version?: string): string {
    const objects = admissionPolicies(specOf({ trust, kubernetes: { version } })).flatMap(manifests);
    return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n");
}

describe("admissionPolicies", () => {
    it("renders the policies for pods that are trusted by default", () =>
        matchesGolden("policies-trusted.yaml", rendered({})));

    it("renders the policies for pods that are untrusted by default", () =>
        matchesGolden(
            "policies-untrusted.yaml",
            rendered({ defaultWorkloadTrust: "untrusted", trustedNamespaces: ["monitoring"] }),
        ));

    it("are of the API version that the Kubernetes version serves", () => {
        for (const [version, api] of Object.entries({ "1.36.4": "v1", "1.35.8": "v1beta1", "1.34.11": "v1beta1" })) {
            const mutating = /apiVersion: admissionregistration.k8s.io\/(\w+)\nmetadata:.*\n.*\nkind: Mutating/g;
            const found = [...rendered({}, version).matchAll(mutating)].map(([, one]) => one);
            assert.deepEqual(found, [api, api], version);
            assert.equal(mutatingApi(version).apiServerArgs.length, api === "v1" ? 0 : 2, version);
        }
    });

    it("let the API server take them up, but only where they are new", () => {
        const now = Date.parse("2026-08-01T12:00:00Z");
        assert.equal(settling(["2026-08-01T11:00:00Z", "2026-08-01T11:59:58Z"], now), 10_000);
        assert.equal(settling(["2026-08-01T12:00:20Z"], now), 10_000, "a node whose clock is ahead");
        assert.equal(settling(["2026-08-01T11:00:00Z"], now), 0);
        assert.equal(settling([undefined], now), 0);
    });
});

describe("RuntimeClass kata", () => {
    it("has the handler that the container runtime takes beside the guide's annotation", () => {
        const handlers = Object.values(ContainerRuntime).map((one) => [one, runtimeClassObject(one, "qemu").handler]);
        assert.deepEqual(Object.fromEntries(handlers), { containerd: "untrusted", crio: "kata" });
    });
});

describe("configuresRuntime", () => {
    const taken = ["io.katacontainers.x", "IO.Kubernetes.CRI-O.Devices", "cdi.k8s.io/a", "devices.crio.io", "İo.a/b"];
    const free = ["io.kubernetes.cri.untrusted-workload", "kubernetes.io/x", "example.com/io.katacontainers.x", "crio"];
    for (const key of [...taken, ...free]) {
        it(`says ${taken.includes(key)} of ${key}`, () => assert.equal(configuresRuntime(key), taken.includes(key)));
    }
});
