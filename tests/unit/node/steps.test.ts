import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { runtimeNames } from "../../../components/node/containerRuntime";
import { installedRuntime } from "../../../components/node/runtimeChange";
import { allSteps, installSteps, stepsAtOnce, uninstallSteps } from "../../../components/node/steps";
import { specOf } from "../../support/specs";

const host = path.resolve(__dirname, "../../../components/node/host");

describe("steps", () => {
    it("are each a script", () => allSteps.forEach((step) => assert.ok(fs.existsSync(path.join(host, `${step}.sh`)))));

    for (const containerRuntime of runtimeNames) {
        it(`install Kata before ${containerRuntime}, and remove it after`, () => {
            const steps = installSteps(specOf({ containerRuntime }), false);
            assert.deepEqual(steps, ["preflight", "kernel", "metadata", "kata", "kubernetes", containerRuntime]);
            assert.deepEqual(installSteps(specOf({ containerRuntime }), true), [...steps, "images", "key"]);
            const undone = uninstallSteps(specOf({ containerRuntime }), false);
            assert.deepEqual([...undone].sort(), ["containerd", "crio", "kata", "kernel", "kubernetes", "metadata"]);
            assert.deepEqual(undone.slice(2), [containerRuntime, "kata", "metadata", "kernel"]);
            assert.deepEqual(uninstallSteps(specOf({ containerRuntime }), true), ["join", ...undone]);
        });

        it(`tell by the command that a node has ${containerRuntime}`, () => {
            const spec = specOf({ containerRuntime, allowDisruption: { containerRuntime: true } });
            const steps = installSteps(spec, false);
            assert.equal(steps.at(-1), "migrate");
            const command = `sudo bash .kata-cluster/bundle.sh --settings node apply ${stepsAtOnce(steps).join(" ")} # 0123456789ab`;
            assert.equal(installedRuntime(command), containerRuntime);
        });
    }

    it("are taken at once where they don't wait for each other", () => {
        const words = (containerRuntime: "containerd" | "crio", joins: boolean) =>
            stepsAtOnce(installSteps(specOf({ containerRuntime }), joins)).join(" ");
        assert.equal(words("containerd", false), "preflight kernel metadata+kata+kubernetes+containerd");
        assert.equal(words("containerd", true), "preflight kernel metadata+kata+kubernetes+containerd images+key");
        assert.equal(words("crio", false), "preflight kernel metadata+kata+kubernetes crio");
    });

    it("tell nothing by a command that names no runtime", () =>
        assert.equal(installedRuntime("sudo bash bundle.sh node apply preflight"), undefined));
});
