import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { lastSetting } from "../../../components/bundle";
import { hostScripts } from "../../../components/node/hostScripts";
import { hostSettings } from "../../../components/node/hostSettings";
import { specOf } from "../../support/specs";

const node = { name: "n", role: "control-plane", joins: false } as const;
const kubeadm = (text: string) => ({ "files/etc/kata-cluster/kubeadm.yaml": text });

describe("hostSettings", () => {
    it("is the same text for the same spec, and tells its end", () => {
        assert.deepEqual(hostSettings(specOf(), node, {}), hostSettings(specOf(), node, {}));
        assert.ok(hostSettings(specOf(), node, {}).text.endsWith(`\n${lastSetting}\n`));
    });

    it("carries what is one node's own, and no script, so that the state stays small", () => {
        const { text } = hostSettings(specOf(), node, kubeadm("one"));
        const carried = [...text.matchAll(/^file \d+ '([^']+)'/gm)].map(([, file]) => file!);
        assert.ok(carried.includes("node.env") && carried.includes("files/etc/kata-cluster/kubeadm.yaml"));
        assert.deepEqual(
            carried.filter((file) => file.endsWith(".sh")),
            [],
        );
        assert.ok(text.length < 7000, `${text.length} bytes`);
    });

    it("runs just the commands again whose files changed", () => {
        const before = hostSettings(specOf(), node, kubeadm("one")).digests;
        const after = hostSettings(specOf(), node, kubeadm("two")).digests;
        assert.deepEqual([after.admit === before.admit, after.init === before.init], [true, false]);
        const memory = hostSettings(specOf({ kata: { guestMemoryMib: 1024 } }), node, kubeadm("one"));
        assert.deepEqual(memory.digests, before);
    });

    it("runs the proof again, and the installation, when the container runtime is another", () => {
        const before = hostSettings(specOf(), node, {}).digests;
        const crio = hostSettings(specOf({ containerRuntime: "crio" }), node, {}).digests;
        assert.notEqual(crio.isolation, before.isolation);
        assert.notEqual(crio.install, before.install);
    });
});

describe("hostScripts", () => {
    it("is one file of the user's own, which ends with the line that runs it", async () => {
        const file = await hostScripts().path;
        assert.equal(fs.statSync(file).uid, process.getuid?.());
        const text = fs.readFileSync(file, "utf8");
        assert.ok(text.endsWith('\nrun "$@"\n'));
        assert.match(text, /^file 0755 'lib\.sh' /m);
        assert.equal(await hostScripts().path, file);
    });
});
