import * as assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { Files } from "../../../components/bundle";
import { containerdConfig } from "../../../components/node/containerd";
import { controlPlaneFiles, workerFiles } from "../../bench/bootstrap/script";
import { specOf } from "../../support/specs";

const images = ["pause", "kube-proxy", "kube-apiserver", "etcd"].map((name) => `registry.k8s.io/${name}:1`);
const all = [...images, "ghcr.io/flannel-io/flannel:1", "docker.io/library/nginx:latest"];
const real = { name: "lab-control-plane-0", internalAddress: undefined, emulated: false };

describe("the hand-written script", () => {
    const spec = specOf({ mirror: { images: "http://mirror.test:5000" } });
    const alone = controlPlaneFiles(spec, all, real, false);

    it("has the component's own configuration", () => {
        assert.equal(alone["files/etc/containerd/config.toml"], containerdConfig(spec));
        assert.ok("files/etc/containerd/certs.d/registry.k8s.io/hosts.toml" in alone);
        assert.ok("files/etc/systemd/system/kubelet.service.d/10-kubeadm.conf" in alone);
        assert.match(alone["files/etc/kata-cluster/kubeadm.yaml"]!, /encryptionAlgorithm: ECDSA-P256/);
    });

    it("leaves out what only steps of the component need", () => {
        assert.deepEqual(
            Object.keys(alone).filter((file) => /metadata|crictl\.yaml|crio/.test(file)),
            [],
        );
    });

    it("treats an emulated node as the component does", () => {
        const emulated = controlPlaneFiles(spec, all, { ...real, emulated: true }, false);
        assert.deepEqual(onlyIn(emulated, alone), [
            "files/etc/kata-cluster/kata/config.d/60-emulated.toml",
            "files/etc/kata-cluster/kubeadm-patches/etcd+strategic.yaml",
            "files/etc/kata-cluster/kubeadm-patches/kube-apiserver+strategic.yaml",
            "files/etc/kata-cluster/kubeadm-patches/kube-controller-manager+strategic.yaml",
            "files/etc/kata-cluster/kubeadm-patches/kube-scheduler+strategic.yaml",
        ]);
    });

    it("makes valid objects, with the spec's images and range", () => {
        const documents = parseAllDocuments(alone["objects.yaml"]!);
        assert.deepEqual(
            documents.map((document) => [document.errors, document.get("kind")]),
            ["RuntimeClass", "Namespace", "ClusterRole", "ServiceAccount", "ClusterRoleBinding", "ConfigMap"]
                .concat("DaemonSet")
                .map((kind) => [[], kind]),
        );
        assert.ok(alone["objects.yaml"]!.includes(`image: ${spec.images.flannel}\n`));
        assert.ok(alone["objects.yaml"]!.includes(`"Network": "${spec.kubernetes.podCidr}"`));
        assert.doesNotMatch(alone["objects.yaml"]!.replace(/^#.*/gm, ""), /FLANNEL|POD_CIDR/);
    });

    it("sends the pod to the worker where there is one, and pulls on each node what runs there", () => {
        const controlPlane = controlPlaneFiles(spec, all, { ...real, internalAddress: "192.0.2.1" }, true);
        const worker = workerFiles(spec, all, { name: "w", internalAddress: "192.0.2.2", emulated: false });
        assert.match(controlPlane["files/etc/kata-cluster/kubeadm.yaml"]!, /node-role.kubernetes.io\/control-plane/);
        assert.match(alone["files/etc/kata-cluster/kubeadm.yaml"]!, /taints: \[\]/);
        assert.doesNotMatch(controlPlane.images!, /nginx/);
        assert.match(worker.images!, /nginx/);
        assert.doesNotMatch(worker.images!, /etcd|apiserver/);
    });
});

function onlyIn(files: Files, others: Files): string[] {
    return Object.keys(files)
        .filter((file) => !(file in others))
        .sort();
}
