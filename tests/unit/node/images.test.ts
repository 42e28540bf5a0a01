import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { nodeImages } from "../../../components/node/images";
import { podImages } from "../../../components/workload/podImages";
import { specOf } from "../../support/specs";

const first = { name: "n", role: "control-plane", joins: false } as const;
const worker = { name: "w", role: "worker", joins: true } as const;
const lines = (text: string) => text.split("\n").filter((line) => line !== "");

describe("nodeImages", () => {
    it("are those of the pod network and of the untrusted pod, on the only node", () => {
        const { flannel, flannelCniPlugin } = specOf().images;
        assert.deepEqual(lines(nodeImages(specOf(), first)), [flannelCniPlugin, flannel, "nginx"]);
        const untrustedPod = {
            spec: { containers: [{ name: "a", image: "one" }], initContainers: [{ image: "two" }] },
        };
        const spec = specOf({ kubernetes: { cni: "none" }, untrustedPod: untrustedPod });
        assert.deepEqual(lines(nodeImages(spec, first)), ["two", "one"]);
    });

    it("leave what is not trusted to workers, where there are any", () => {
        const spec = specOf({ machines: { local: { workers: { count: 1 } } } });
        assert.ok(!lines(nodeImages(spec, first)).includes("nginx"));
        const own = [spec.images.pause, `registry.k8s.io/kube-proxy:v${spec.kubernetes.version}`];
        assert.deepEqual(lines(nodeImages(spec, worker)).slice(0, 2), own);
        assert.ok(lines(nodeImages(spec, worker)).includes("nginx"));
    });

    it("are none where they are known later", () => {
        assert.deepEqual(podImages({ image: pulumi.output("later") }), []);
        assert.deepEqual(podImages({ spec: pulumi.output({ containers: [] }) }), []);
    });
});
