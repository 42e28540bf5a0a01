import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { kubeadmConfig } from "../../../components/cluster/kubeadmConfig";
import { findProgram } from "../../support/programs";
import { matchesGolden } from "../../support/golden";
import { specOf } from "../../support/specs";
import { withFile } from "../../support/withFile";

describe("kubeadmConfig", () => {
    const text = kubeadmConfig(specOf({ kubernetes: { certificateNames: ["api.example.com"] } }), "lab-0", [
        "127.0.0.1",
        "localhost",
    ]);

    it("renders v1beta4 documents", () => matchesGolden("kubeadm.yaml", text));

    it("names the socket of CRI-O, and differs in nothing else", () => {
        const crio = kubeadmConfig(specOf({ containerRuntime: "crio" }), "lab-0", ["127.0.0.1"]);
        matchesGolden("kubeadm-crio.yaml", crio);
        const containerd = kubeadmConfig(specOf(), "lab-0", ["127.0.0.1"]);
        assert.equal(crio, containerd.replace("/run/containerd/containerd.sock", "/var/run/crio/crio.sock"));
    });

    it("is what the real kubeadm accepts", function () {
        const kubeadm = findProgram("kubeadm");
        if (!kubeadm) {
            this.skip();
        }
        withFile("kubeadm.yaml", text, (file) =>
            assert.match(execFileSync(kubeadm, ["config", "validate", "--config", file], { encoding: "utf8" }), /ok/),
        );
    });
});
