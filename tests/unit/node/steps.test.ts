import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { runtimeNames } from "../../../components/node/containerRuntime";
import { installedRuntime } from "../../../components/node/runtimeChange";
import { allSteps, installSteps, stepsIn, uninstallSteps } from "../../../components/node/steps";
import { specOf } from "../../support/specs";

const host = path.resolve(__dirname, "../../../components/node/host");

describe("steps", () => {
    it("are each a script", () => allSteps.forEach((step) => assert.ok(fs.existsSync(path.join(host, `${step}.sh`)))));

    for (const containerRuntime of runtimeNames) {
        it(`that are undone for ${containerRuntime} begin with what needs the others`, () => {
            const undone = uninstallSteps(specOf({ containerRuntime }), false);
            assert.deepEqual([...undone].sort(), ["containerd", "crio", "kata", "kernel", "kubernetes", "metadata"]);
            assert.deepEqual(undone.slice(2), [containerRuntime, "kata", "metadata", "kernel"]);
            assert.deepEqual(uninstallSteps(specOf({ containerRuntime }), true), ["join", ...undone]);
        });

        it(`tell by the command that a node has ${containerRuntime}`, () => {
            for (const allowed of [false, true]) {
                const spec = specOf({ containerRuntime, allowDisruption: { containerRuntime: allowed } });
                const steps = installSteps(spec, false);
                assert.equal(stepsIn(steps).includes("migrate"), allowed);
                const command = `sudo bash .kata-cluster/bundle.sh --settings node apply ${steps.join(" ")} # 0123456789ab`;
                assert.equal(installedRuntime(command), containerRuntime);
            }
        });
    }

    it("are taken at once where they don't wait for each other", () => {
        const words = (containerRuntime: "containerd" | "crio", joins: boolean, allowed = false) =>
            installSteps(specOf({ containerRuntime, allowDisruption: { containerRuntime: allowed } }), joins).join(" ");
        assert.equal(words("containerd", false), "preflight kernel metadata+kata+kubernetes+containerd,images");
        assert.equal(words("containerd", true), "preflight kernel metadata+kata+kubernetes+key+containerd,images");
        assert.equal(words("crio", false), "preflight kernel metadata+kata+kubernetes crio,images");
        assert.equal(words("crio", true), "preflight kernel metadata+kata+kubernetes+key crio,images");
        const taking = "preflight kernel metadata+kata+kubernetes";
        assert.equal(words("containerd", false, true), `${taking} containerd,migrate,images`);
        assert.equal(words("crio", false, true), `${taking} crio,migrate,images`);
    });

    it("tell nothing by a command that names no runtime", () =>
        assert.equal(installedRuntime("sudo bash bundle.sh node apply preflight"), undefined));
});
