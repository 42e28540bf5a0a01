import * as assert from "node:assert/strict";
import { parseOptions, usage } from "../../../stacks/local/options";

describe("flags of npm start", () => {
    it("leave everything to the stack file by default", () => {
        const { state, lab, help, ...others } = parseOptions([]);
        assert.match(state, /\/\.state$/);
        assert.deepEqual([lab, help], [false, false]);
        assert.deepEqual(
            Object.values(others).filter((value) => value !== undefined),
            [],
        );
    });

    it("take numbers and paths", () => {
        const options = parseOptions(["--cpus", "4", "--memory", "8192", "--image", "a.qcow2", "--state", "there"]);
        assert.deepEqual([options.cpus, options.memoryMib], [4, 8192]);
        assert.equal(parseOptions(["--workers", "2"]).workers, 2);
        assert.deepEqual([options.image, options.state], [`${process.cwd()}/a.qcow2`, `${process.cwd()}/there`]);
    });

    it("mean the lab when they name a folder of releases for it", () =>
        assert.equal(parseOptions(["--releases", "real"]).lab, true));

    it("are refused when they are not known or not a number", () => {
        assert.throws(() => parseOptions(["--memmory", "1"]), /--memmory/);
        assert.throws(() => parseOptions(["--cpus", "two"]), /--cpus = "two": a whole number is needed/);
    });

    it("are refused for a name that is none, before a lab is built for it", () => {
        assert.equal(parseOptions(["--container-runtime", "crio"]).containerRuntime, "crio");
        assert.throws(() => parseOptions(["--container-runtime", "podman"]), /it is one of containerd, crio/);
        assert.equal(parseOptions(["--allow-disruption", "containerRuntime"]).allowDisruption, "containerRuntime");
        assert.throws(() => parseOptions(["--allow-disruption", "all"]), /it is one of containerRuntime/);
    });

    it("are all in the text of --help", () => {
        for (const flag of [
            "cpus",
            "memory",
            "workers",
            "image",
            "accelerator",
            "container-runtime",
            "allow-disruption",
            "kata",
            "kata-shim",
            "state",
            "lab",
            "releases",
        ]) {
            assert.ok(usage.includes(`--${flag} `), flag);
        }
    });
});
