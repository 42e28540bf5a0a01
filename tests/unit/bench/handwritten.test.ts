import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parseAllDocuments } from "yaml";
import { Files } from "../../../components/bundle";
import { admissionPolicies } from "../../../components/cluster/admission/admissionPolicies";
import { manifests } from "../../../components/cluster/admission/policy";
import { Flannel } from "../../../components/cluster/cni";
import { containerdConfig } from "../../../components/node/containerd";
import { controlPlaneFiles, workerFiles } from "../../bench/handwritten/runScript";
import { recordingMocks } from "../../support/recordingMocks";
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

    it("has every file that the component puts on a node of that container runtime", () => {
        assert.deepEqual(
            Object.keys(alone).filter((file) => /metadata|crictl\.yaml|crio/.test(file)),
            [
                "files/etc/kata-cluster/metadata.nft",
                "files/etc/systemd/system/kata-cluster-metadata.service",
                "files/etc/crictl.yaml",
            ],
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

    it("makes the component's own objects", async () => {
        const { resources } = recordingMocks(true, {});
        new Flannel("flannel", spec, pulumi.output({ host: "API_HOST", port: "6443" }), {});
        await pulumi.runtime.disconnect();
        const expected = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs);
        const policies = admissionPolicies(spec).flatMap(manifests);
        const [runtimeClass, ...others] = parseAllDocuments(alone["objects.yaml"]!).map(
            (document) => document.toJS() as KubernetesObject,
        );
        const flannel = others.slice(policies.length);
        assert.equal(runtimeClass!.kind, "RuntimeClass");
        assert.deepEqual(others.slice(0, policies.length), policies);
        assert.deepEqual(byKind(flannel), byKind(expected as unknown as KubernetesObject[]));
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

interface KubernetesObject {
    kind: string;
    data?: Record<string, string>;
}

/** With what is JSON in them parsed. */
function byKind(objects: KubernetesObject[]) {
    return Object.fromEntries(
        objects.map(({ kind, data = {}, ...rest }) => [
            kind,
            { ...rest, data: Object.entries(data).map(([key, text]) => [key, JSON.parse(text) as unknown]) },
        ]),
    );
}
