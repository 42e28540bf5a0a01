import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { initFiles, kubeadmConfig } from "../../../components/cluster/kubeadmConfig";
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

    it("leaves elections as they are where there is one control plane", () => {
        const files = Object.keys(initFiles(specOf(), node, { names }));
        assert.deepEqual(
            files.filter((file) => file.endsWith("+json.yaml")),
            [],
        );
        assert.ok(files.some((file) => file.endsWith("etcd+strategic.yaml")));
    });

    it("renders patches for an emulated node that the real kubeadm applies: long elections, patient probes", function () {
        this.timeout(60_000);
        const kubeadm = findProgram("kubeadm");
        if (!kubeadm) {
            this.skip();
        }
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-kubeadm-"));
        const made = path.join(folder, "made");
        fs.mkdirSync(made);
        const api = { names, endpoint: "api.example.com:6443" };
        const described = { ...node, internalAddress: "192.0.2.1" };
        for (const [file, text] of Object.entries(initFiles(specOf(), described, api))) {
            const own = text.replace("/etc/kata-cluster/kubeadm-patches", folder);
            fs.writeFileSync(path.join(folder, path.basename(file)), own);
        }
        const manifest = (name: string, ...phase: string[]) => {
            const config = path.join(folder, "kubeadm.yaml");
            execFileSync(kubeadm, ["init", "phase", ...phase, "--dry-run", "--config", config], {
                env: { ...process.env, KUBEADM_INIT_DRYRUN_DIR: made },
            });
            return fs.readFileSync(path.join(made, `${name}.yaml`), "utf8");
        };
        try {
            const etcd = manifest("etcd", "etcd", "local");
            assert.match(etcd, /- --heartbeat-interval=2000\n +- --election-timeout=20000\n/);
            assert.match(etcd, /failureThreshold: 60/);
            for (const name of ["controller-manager", "scheduler"]) {
                const elected = manifest(`kube-${name}`, "control-plane", name);
                assert.match(elected, /- --leader-elect=true\n/);
                assert.match(elected, /- --leader-elect-lease-duration=120s\n +- --leader-elect-renew-deadline=80s\n/);
            }
        } finally {
            fs.rmSync(folder, { recursive: true, force: true });
        }
    });
});
