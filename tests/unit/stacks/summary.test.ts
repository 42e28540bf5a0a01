import * as assert from "node:assert/strict";
import { summary } from "../../../stacks/local/summary";

const text = summary({
    isolation: {
        namespace: "default",
        pod: "nginx-untrusted",
        node: "lab-control-plane-0",
        isolated: true,
        podKernel: { bootId: "aaaa", kernel: "6.1.0" },
        nodeKernel: { bootId: "bbbb", kernel: "6.12.0" },
        runtimeHandler: "untrusted",
        kataVersion: "4.1.0",
        vmProcess: "qemu-system-x86_64 (pid 42)",
        control: "kube-system/kube-proxy",
    },
    nodes: [
        {
            name: "lab-control-plane-0",
            operatingSystem: "debian 13",
            kernel: "6.12.0",
            emulated: true,
            containerRuntime: "containerd 2.3.4",
            kataVersion: "4.1.0",
            kubernetesVersion: "1.36.4",
        },
    ],
    runtimeClassName: "kata",
    kubeconfigPath: "/there/kubeconfig",
    kubectl: "/lab/kubectl",
    parts: ["Kata Containers: a stand-in"],
});

describe("summary of npm start", () => {
    it("shows both kernels, one below the other", () => {
        assert.match(text, /^ISOLATED: /m);
        assert.match(text, /kernel in the pod +6\.1\.0 +boot aaaa\n +kernel of the node +6\.12\.0 +boot bbbb\n/);
    });

    it("names what is emulated and what is a stand-in", () => {
        assert.match(text, /debian 13, emulated: many times slower/);
        assert.match(text, /Made by the offline lab.*\n +Kata Containers: a stand-in/);
    });

    it("says what to try next, with a kubectl that is there", () => {
        assert.match(
            text,
            /export KUBECONFIG=\/there\/kubeconfig\n +\/lab\/kubectl get pod nginx-untrusted -n default/,
        );
        assert.match(text, /npm stop/);
    });
});
