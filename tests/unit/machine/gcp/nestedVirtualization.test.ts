import * as assert from "node:assert/strict";
import { hint } from "../../../../components/machine/gcp/nestedVirtualization";

describe("a machine that Google Cloud refuses for its nested virtualization", () => {
    it("names the organization policy and how to lift it", () => {
        const text = hint(
            "googleapi: Error 412: Constraint constraints/compute.disableNestedVirtualization violated for project p.",
        );
        assert.match(text!, /constraints\/compute\.disableNestedVirtualization forbids.* Fix: .*disable-enforce/);
    });

    it("names the machine type where that is the cause", () => {
        assert.match(
            hint("Nested virtualization is not supported for machine type e2-standard-4")!,
            /Fix: .*machineType/,
        );
    });

    it("has nothing to say of another error", () => {
        assert.equal(hint("googleapi: Error 403: Quota 'CPUS' exceeded."), undefined);
    });
});
