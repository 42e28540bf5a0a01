import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { kubeadmConfig } from "../../../components/cluster/kubeadmConfig";
import { findProgram } from "../../support/programs";
import { matchesGolden } from "../../support/golden";
import { specOf } from "../../support/specs";

describe("kubeadmConfig", () => {
    const text = kubeadmConfig(specOf({ kubernetes: { certificateNames: ["api.example.com"] } }), "lab-0", [
        "127.0.0.1",
        "localhost",
    ]);

    it("renders v1beta4 documents", () => matchesGolden("kubeadm.yaml", text));

    it("is what the real kubeadm accepts", function () {
        const kubeadm = findProgram("kubeadm");
        if (!kubeadm) {
            this.skip();
        }
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubeadm-"));
        const file = path.join(folder, "kubeadm.yaml");
        fs.writeFileSync(file, text);
        try {
            assert.match(execFileSync(kubeadm, ["config", "validate", "--config", file], { encoding: "utf8" }), /ok/);
        } finally {
            fs.rmSync(folder, { recursive: true });
        }
    });
});
