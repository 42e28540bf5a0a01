import * as assert from "node:assert/strict";
import { endpointIn } from "../../../components/cluster/endpointChange";
import { initFiles } from "../../../components/cluster/kubeadmConfig";
import { hostSettings } from "../../../components/node/hostSettings";
import { specOf } from "../../support/specs";

const node = { name: "n", role: "control-plane", joins: false } as const;
const settingsWith = (endpoint?: string) => {
    const spec = specOf();
    const files = initFiles(spec, { name: "n", labels: {}, taints: [] }, { names: [], endpoint });
    return hostSettings(spec, node, files).text;
};

describe("the control plane endpoint in a node's settings", () => {
    it("is found as kubeadm's configuration has it", () => {
        for (const endpoint of ["api.example.com:6443", "192.0.2.1:6443", "[2001:db8::1]:6443"]) {
            assert.equal(endpointIn(settingsWith(endpoint)), endpoint);
        }
    });

    it("is none where there is none", () => assert.equal(endpointIn(settingsWith()), undefined));
});
