import * as assert from "node:assert/strict";
import * as command from "@pulumi/command";
import { explainRefusal } from "../../components/machine/gcp/nestedVirtualization";
import { announce, exporting, said, TestStack } from "./plugins/stack";

describe(`A machine that is refused for its nested virtualization: ${announce("command")}`, function () {
    this.timeout(180_000);
    let stack: TestStack;

    before(async () => (stack = await TestStack.create("kata-cluster")));
    after(() => stack?.remove());

    /** A resource that fails as an instance does, with the hooks of one. */
    const failing = (error: string) =>
        exporting(() => {
            new command.local.Command(
                "lab-worker-0",
                { create: 'echo "$ERROR" >&2; exit 1', environment: { ERROR: error } },
                { hooks: explainRefusal("lab") },
            );
        });

    it("is explained beside the error, and not tried again", async () => {
        const policy = "Constraint constraints/compute.disableNestedVirtualization violated for project p";
        const run = await stack.up(failing(policy));
        assert.ok(run.error);
        assert.match(said(run, "error"), /machine lab-worker-0: the organization policy .* Fix: have it lifted/);
        const tries = run.steps.filter(({ name }) => name === "lab-worker-0");
        assert.equal(tries.length, 1);
    });

    it("is not talked of where another error is", async () => {
        const run = await stack.up(failing("Quota 'CPUS' exceeded"));
        assert.ok(run.error);
        assert.doesNotMatch(said(run), /nested virtualization/);
    });
});
