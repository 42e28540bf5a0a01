import * as assert from "node:assert/strict";
import { hostSettings } from "../../../components/node/hostSettings";
import { kataAdvised, kataRelease } from "../../../stacks/policy/rules/kataRelease";
import { minimumKata, saferKata } from "../../../components/versions";
import { specOf } from "../../support/specs";
import { assertFound, violations } from "./rules";

const node = { name: "n", role: "control-plane", joins: false } as const;
const bundle = hostSettings(specOf(), node, {}).text;
const inputs = (version: string) => ({
    connection: {},
    create: "true",
    stdin: bundle.replace(/^KATA_VERSION=.*$/m, `KATA_VERSION=${version}`),
});
const refused = (version: string) => violations(kataRelease, "command:remote:Command", inputs(version));
const advised = (version: string) => violations(kataAdvised, "command:remote:Command", inputs(version));

describe("policies kata-release and kata-release-advised", () => {
    it("let the default release pass, as an asset too", () => {
        for (const rule of [kataRelease, kataAdvised]) {
            assert.deepEqual(violations(rule, "command:remote:Command", { stdin: bundle }), []);
            assert.deepEqual(violations(rule, "command:remote:CopyToRemote", { source: { text: bundle } }), []);
        }
        assert.match(bundle, /^KATA_VERSION=/m);
    });

    it("refuse what is below the floor, with the CVEs and the fix", () => {
        for (const version of ["3.30.9", "3.28.0", "2.5.2", "3.31.0-rc0", "'3.30.0'"]) {
            assertFound(
                refused(version),
                /^stdin, node\.env, KATA_VERSION is .*CVE-2026-44210.* Fix: set kata\.version/,
            );
            assert.deepEqual(advised(version), []);
        }
    });

    it("only tell of what is between the floor and the safer release", () => {
        assert.deepEqual([kataRelease.enforcement, kataAdvised.enforcement], ["mandatory", "advisory"]);
        for (const version of [minimumKata, "3.32.0", "4.0.0-rc1"]) {
            assert.deepEqual(refused(version), []);
            assertFound(advised(version), /CVE-2026-50540 is open/);
        }
        for (const version of [saferKata, "4.1.0", "4.1.1-standin"]) {
            assert.deepEqual([...refused(version), ...advised(version)], []);
        }
    });

    it("refuse a version that is none", () => {
        for (const version of ["latest", "", "v4"]) {
            assertFound(refused(version), /which is not a version/);
        }
    });

    it("have nothing to say of other commands", () =>
        assert.deepEqual(violations(kataRelease, "command:remote:Command", { create: "KATA_VERSION=1.0.0" }), []));
});
