import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { parse } from "yaml";
import { controlPlaneJoinFiles, workerJoinFiles } from "../../../components/cluster/joinConfig";
import { kubeadmConfig } from "../../../components/cluster/kubeadmConfig";
import { NodeDescription } from "../../../components/cluster/nodeRegistration";
import { matchesGolden } from "../../support/golden";
import { findProgram } from "../../support/programs";
import { specOf } from "../../support/specs";
import { withFile } from "../../support/withFile";

const config = "files/etc/kata-cluster/kubeadm-join.yaml";
const node: NodeDescription = {
    name: "lab-worker-0",
    labels: { "example.com/disk": "ssd" },
    taints: [{ key: "example.com/dedicated", value: "kata", effect: "NoSchedule" }],
    internalAddress: "192.168.241.11",
};
const other = { ...node, name: "lab-control-plane-1", labels: {}, taints: [] };

describe("joinConfig", () => {
    const worker = workerJoinFiles(specOf(), node);
    const controlPlane = controlPlaneJoinFiles(specOf(), other);

    it("renders what a worker joins with", () => matchesGolden("kubeadm-join.yaml", worker[config]!));

    it("renders what a further control plane joins with", () =>
        matchesGolden("kubeadm-join-control-plane.yaml", controlPlane[config]!));

    it("renders what the real kubeadm accepts, once the discovery file is there", function () {
        const kubeadm = findProgram("kubeadm");
        if (!kubeadm) {
            this.skip();
        }
        for (const files of [worker, controlPlane]) {
            const text = files[config]!.replace(/\/var\/lib\/kata-cluster\/.*discovery.conf/, "/etc/hostname");
            withFile("kubeadm-join.yaml", text, (file) =>
                assert.match(
                    execFileSync(kubeadm, ["config", "validate", "--config", file], { encoding: "utf8" }),
                    /ok/,
                ),
            );
        }
    });

    it("takes static pods away from workers only", () => {
        const patches = (files: object) => Object.keys(files).filter((file) => file.includes("kubeletconfiguration"));
        assert.deepEqual(patches(worker), ["files/etc/kata-cluster/kubeadm-patches/kubeletconfiguration+merge.yaml"]);
        assert.deepEqual(parse(worker[patches(worker)[0]!]!), { staticPodPath: null });
        assert.deepEqual(patches(controlPlane), []);
    });

    it("puts the endpoint into the cluster's configuration, and lets control planes elect a leader", () => {
        const api = { names: ["api.example.com"], endpoint: "api.example.com:6443" };
        const text = kubeadmConfig(specOf(), { ...other, name: "lab-control-plane-0" }, api);
        matchesGolden("kubeadm-endpoint.yaml", text);
        assert.doesNotMatch(text, /leader-elect/);
    });
});
