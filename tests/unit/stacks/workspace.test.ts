import * as assert from "node:assert/strict";
import { resolve } from "../../../components/spec";
import { parseOptions } from "../../../stacks/local/options";
import { configText, stackConfig } from "../../../stacks/local/workspace";
import { Lab, LabRelease } from "../../lab/lab";

const ports = { ssh: 1, api: 2, downloads: 3, images: 4 };
const release = (version: string): LabRelease => ({
    version,
    url: "https://example.com/file",
    sha256: { amd64: "0".repeat(64) },
});

describe("the stack of npm start", () => {
    it("passes the container runtime on, and takes its release from the lab", () => {
        const options = parseOptions(["--container-runtime", "crio", "--releases", "/releases"]);
        assert.equal(options.lab, true);
        const names = ["containerd", "runc", "cni-plugins", "crictl", "kubeadm", "kubelet", "kubectl"];
        const releases = Object.fromEntries(names.map((name) => [name, release("1.36.4")]));
        const lab = {
            releases: { ...releases, kata: release("4.1.0"), crio: release("1.36.3") },
            images: {},
            image: "/image.qcow2",
        } as unknown as Lab;
        const mirror = { downloads: "http://10.0.2.2:3", images: "http://10.0.2.2:4" };
        const config = stackConfig(options, ports, { lab, mirror });
        assert.equal(configText(config.containerRuntime), "crio");
        const spec = resolve("lab", config);
        assert.equal(spec.containerRuntime, "crio");
        assert.equal(spec.releases.crio.url, "https://example.com/file");
    });

    it("leaves the choice to the component where no flag names one", () => {
        assert.equal(stackConfig(parseOptions([]), ports).containerRuntime, undefined);
        assert.equal(stackConfig(parseOptions([]), ports).machines.local!.workers, undefined);
        assert.deepEqual(stackConfig(parseOptions(["--workers", "1"]), ports).machines.local!.workers, { count: 1 });
    });
});
