import * as assert from "node:assert/strict";
import { endpointIn } from "../../../components/cluster/endpointChange";
import { initFiles } from "../../../components/cluster/kubeadmConfig";
import { hostBundle } from "../../../components/node/hostBundle";
import { specOf } from "../../support/specs";

const bundleWith = (endpoint?: string) => {
    const spec = specOf();
    const files = initFiles(spec, { name: "n", labels: {}, taints: [] }, { names: [], endpoint });
    return hostBundle(spec, "n", files).text;
};

describe("the control plane endpoint in a bundle", () => {
    it("is found as kubeadm's configuration has it", () => {
        for (const endpoint of ["api.example.com:6443", "192.0.2.1:6443", "[2001:db8::1]:6443"]) {
            assert.equal(endpointIn(bundleWith(endpoint)), endpoint);
        }
    });

    it("is none where there is none, though scripts name it", () => {
        const bundle = bundleWith();
        assert.ok(bundle.includes("controlPlaneEndpoint"));
        assert.equal(endpointIn(bundle), undefined);
    });
});
