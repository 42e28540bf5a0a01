import * as assert from "node:assert/strict";
import { noWorldOpenFirewall } from "../../../stacks/policy/rules/noWorldOpenFirewall";
import { assertFound, violations } from "./rules";

const allows = [{ protocol: "tcp", ports: ["22"] }];
const found = (inputs: object) =>
    violations(noWorldOpenFirewall, "gcp:compute/firewall:Firewall", { network: "lab", allows, ...inputs });

describe("policy no-world-open-firewall", () => {
    it("lets named sources pass: networks, tags, service accounts", () => {
        assert.deepEqual(found({ sourceRanges: ["35.235.240.0/20", "203.0.113.7/32", "10.0.0.0/8"] }), []);
        assert.deepEqual(found({ sourceRanges: ["2001:db8::/32"] }), []);
        assert.deepEqual(found({ sourceTags: ["lab-control-plane"] }), []);
        assert.deepEqual(found({ sourceServiceAccounts: ["lab@example.iam.gserviceaccount.com"] }), []);
    });

    it("refuses the whole internet, in either family and however it is written", () => {
        assertFound(found({ sourceRanges: ["0.0.0.0/0"] }), /^sourceRanges has 0\.0\.0\.0\/0/);
        assertFound(found({ sourceRanges: ["10.0.0.0/8", "::/0"] }), /^sourceRanges has ::\/0/);
        assertFound(found({ sourceRanges: ["0:0:0:0:0:0:0:0/0"] }), /has 0:0/);
        assertFound(found({ sourceRanges: ["203.0.113.7/0"], sourceTags: ["x"] }), /has 203\.0\.113\.7\/0/);
    });

    it("refuses the internet in two halves", () =>
        assertFound(found({ sourceRanges: ["0.0.0.0/1", "128.0.0.0/1"] }), /0\.0\.0\.0\/1/, /128\.0\.0\.0\/1/));

    it("refuses a rule that names no source, which Google Cloud takes for all", () => {
        assertFound(found({}), /^sourceRanges: neither/);
        assertFound(found({ sourceRanges: [], sourceTags: [], direction: "INGRESS" }), /^sourceRanges: neither/);
    });

    it("lets pass what lets nobody in", () => {
        assert.deepEqual(found({ direction: "EGRESS", destinationRanges: ["0.0.0.0/0"] }), []);
        assert.deepEqual(found({ allows: undefined, denies: [{ protocol: "all" }], sourceRanges: ["0.0.0.0/0"] }), []);
        assert.deepEqual(found({ disabled: true, sourceRanges: ["0.0.0.0/0"] }), []);
    });

    it("judges what is not known yet when it is known", () => {
        assert.deepEqual(found({ sourceRanges: "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2" }), []);
        assert.deepEqual(found({ sourceRanges: ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"] }), []);
    });
});
