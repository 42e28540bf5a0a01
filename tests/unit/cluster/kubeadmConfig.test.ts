import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { kubeadmConfig } from "../../../components/cluster/kubeadmConfig";
import { findProgram } from "../../support/programs";
import { matchesGolden } from "../../support/golden";
import { specOf } from "../../support/specs";
import { withFile } from "../../support/withFile";

describe("kubeadmConfig", () => {
    const names = ["127.0.0.1", "localhost"];
    const node = { name: "lab-0", labels: {}, taints: [] };
    const configs = {
        "kubeadm.yaml": { certificateNames: ["api.example.com"] },
        // The API server must be told to serve the mutating admission policies.
        "kubeadm-1.35.yaml": { version: "1.35.8" },
    };
    for (const [golden, kubernetes] of Object.entries(configs)) {
        const text = kubeadmConfig(specOf({ kubernetes }), node, { names });

        it(`renders the v1beta4 documents of ${golden}`, () => matchesGolden(golden, text));

        it(`renders ${golden} as the real kubeadm accepts it`, function () {
            const kubeadm = findProgram("kubeadm");
            if (!kubeadm) {
                this.skip();
            }
            const validated = (file: string) =>
                execFileSync(kubeadm, ["config", "validate", "--config", file], { encoding: "utf8" });
            withFile("kubeadm.yaml", text, (file) => assert.match(validated(file), /ok/));
        });
    }

    it("names the socket of CRI-O, and differs in nothing else", () => {
        const crio = kubeadmConfig(specOf({ containerRuntime: "crio" }), node, { names });
        matchesGolden("kubeadm-crio.yaml", crio);
        const containerd = kubeadmConfig(specOf(), node, { names });
        assert.equal(crio, containerd.replace("/run/containerd/containerd.sock", "/var/run/crio/crio.sock"));
    });
});
