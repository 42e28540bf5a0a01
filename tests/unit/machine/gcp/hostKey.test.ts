import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { untilTold } from "../../../../components/machine/gcp/hostKey";
import { hostKeyBlob, onGcpWith, planOnGcp } from "../../../support/gcpRecording";

const script = path.resolve(__dirname, "../../../../components/machine/gcp/hostKey.sh");
const key = `ssh-ed25519 ${hostKeyBlob}`;
const told = {
    queryValues: [
        { key: "ssh-rsa", value: "AAAAB3" },
        { key: "ssh-ed25519", value: `${hostKeyBlob}\n` },
    ],
};
const notFound = new Error("The resource 'hostkeys/' of type 'Guest Attribute' was not found.");

describe("host key of a machine on Google Cloud", function () {
    this.timeout(120_000);

    it("is asked for until it is told", async () => {
        const answers = [
            () => Promise.reject(notFound),
            () => Promise.resolve({ queryValues: [] }),
            () => Promise.resolve(told),
        ];
        let asked = 0;
        assert.deepEqual(await untilTold(() => answers[asked++]!(), Date.now() + 60_000, 1), { key, problem: "" });
        assert.equal(asked, 3);
    });

    it("is asked for once where the time is over, and an error is no exception", async () => {
        let asked = 0;
        const answer = await untilTold(() => (asked++, Promise.reject(notFound)), Date.now() - 1, 1);
        assert.deepEqual(answer, { key: "", problem: notFound.message });
        assert.equal(asked, 1);
    });

    it("is not asked for again by one who may not", async () => {
        let asked = 0;
        const forbidden = new Error("googleapi: Error 403: Required 'compute.instances.getGuestAttributes' permission");
        const answer = await untilTold(() => (asked++, Promise.reject(forbidden)), Date.now() + 60_000, 1);
        assert.deepEqual([asked, answer], [1, { key: "", problem: forbidden.message }]);
    });

    it("is not asked for again once the engine has ended, so that no program lives on for it", async () => {
        let asked = 0;
        const ended = new Error("Invoking `gcp:compute/x` failed: Resource monitor is terminating");
        await untilTold(() => (asked++, Promise.reject(ended)), Date.now() + 60_000, 1);
        assert.equal(asked, 1);
    });

    it("is not asked for beyond the deadline", async () => {
        const begun = Date.now();
        const answer = await untilTold(() => Promise.resolve({ queryValues: [] }), begun + 100, 10);
        assert.deepEqual(answer, { key: "", problem: "it has told no ssh-ed25519 key" });
        assert.ok(Date.now() - begun < 2_000);
    });

    it("is read by the API from the machine that was made, once, and goes with it", async () => {
        const { resources, calls } = await planOnGcp(onGcpWith(0));
        assert.deepEqual(
            calls.find(({ inputs }) => String(inputs.name).startsWith("lab-control")),
            {
                token: "gcp:compute/getInstanceGuestAttributes:getInstanceGuestAttributes",
                inputs: {
                    name: "lab-control-plane-0-1a2b3c4",
                    zone: "europe-west4-b",
                    project: "project",
                    queryPath: "hostkeys/",
                },
            },
        );
        const command = resources.find(({ name }) => name === "lab-control-plane-0-host-key")!;
        const { SCRIPT, ...environment } = command.inputs.environment as Record<string, string>;
        assert.deepEqual(environment, { MACHINE: "lab-control-plane-0", HOST_KEY: key, PROBLEM: "" });
        assert.equal(SCRIPT, fs.readFileSync(script, "utf8"));
        assert.deepEqual(command.options.ignoreChanges, ["create", "environment"]);
        assert.equal(command.options.deletedWith, "Instance lab-control-plane-0");
        assert.deepEqual(command.options.replaceWith, ["Instance lab-control-plane-0"]);
    });

    const run = (environment: Record<string, string>) =>
        spawnSync("bash", [script], {
            env: { PATH: process.env.PATH, MACHINE: "lab-worker-0", ...environment },
            encoding: "utf8",
        });

    it("is printed by the script", () => {
        const { status, stdout } = run({ HOST_KEY: key, PROBLEM: "" });
        assert.deepEqual([status, stdout], [0, `${key}\n`]);
    });

    for (const [what, environment, cause] of [
        [
            "there is none",
            { HOST_KEY: "", PROBLEM: "googleapi: Error 403: not allowed" },
            "googleapi: Error 403: not allowed",
        ],
        [
            "it is of another type",
            { HOST_KEY: "ssh-rsa AAAAB3", PROBLEM: "" },
            "'ssh-rsa AAAAB3' is not an ssh-ed25519 key",
        ],
        ["it is two lines", { HOST_KEY: `${key}\n${key}`, PROBLEM: "" }, "is not an ssh-ed25519 key"],
    ] as const) {
        it(`is refused with cause and fix where ${what}`, () => {
            const { status, stdout, stderr } = run(environment);
            assert.deepEqual([status, stdout], [1, ""]);
            assert.ok(stderr.startsWith("kata-cluster: machine lab-worker-0 has not told its host key"), stderr);
            assert.ok(stderr.includes(cause), stderr);
            assert.match(stderr, /Fix: .*constraints\/compute\.disableGuestAttributesAccess.*run up again\n$/s);
        });
    }
});
