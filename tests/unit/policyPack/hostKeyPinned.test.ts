import * as assert from "node:assert/strict";
import { hostKeyPinned } from "../../../stacks/policy/rules/hostKeyPinned";
import { hostKey } from "../../support/specs";
import { assertFound, violations } from "./rules";

const host = "192.0.2.10";
const found = (connection: unknown, type = "command:remote:Command") =>
    violations(hostKeyPinned, type, { connection, create: "true" });

describe("policy host-key-pinned", () => {
    it("lets pinned connections pass, with a bastion and without", () => {
        assert.deepEqual(found({ host, hostKey }), []);
        assert.deepEqual(found({ host, hostKey, proxy: { host: "192.0.2.11", hostKey } }), []);
    });

    it("refuses a connection without a host key, of whatever kind", () => {
        for (const type of ["command:remote:Command", "command:remote:CopyToRemote", "command:remote:CopyFile"]) {
            assertFound(found({ host }, type), /^connection\.hostKey is not set/);
        }
        for (const empty of ["", "  ", null]) {
            assertFound(found({ host, hostKey: empty }), /^connection\.hostKey is not set/);
        }
    });

    it("looks at the bastion too", () => {
        assertFound(found({ host, hostKey, proxy: { host: "192.0.2.11" } }), /^connection\.proxy\.hostKey is not set/);
        assertFound(found({ host, proxy: { host } }), /^connection\.hostKey/, /^connection\.proxy\.hostKey/);
    });

    it("judges what is not known yet when it is known", () => {
        assert.deepEqual(found("04da6b54-80e4-46f7-96ec-b56ff0331ba9"), []);
        assert.deepEqual(found({ host, hostKey: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }), []);
    });

    it("has nothing to do with commands on this computer", () =>
        assert.deepEqual(found(undefined, "command:local:Command"), []));
});
