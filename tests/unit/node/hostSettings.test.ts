import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { lastSetting } from "../../../components/bundle";
import { hostScripts } from "../../../components/node/hostScripts";
import { hostSettings } from "../../../components/node/hostSettings";
import { specOf } from "../../support/specs";

const worker = { name: "w", role: "worker", joins: true } as const;
const node = { name: "n", role: "control-plane", joins: false } as const;
const kubeadm = (text: string) => ({ "files/etc/kata-cluster/kubeadm.yaml": text });

describe("hostSettings", () => {
    it("is the same text for the same spec, and tells its end", () => {
        assert.deepEqual(hostSettings(specOf(), node, {}), hostSettings(specOf(), node, {}));
        assert.ok(hostSettings(specOf(), node, {}).text.endsWith(`\n${lastSetting}\n`));
    });

    it("carries what is one node's own, and no script, so that the state stays small", () => {
        const { text } = hostSettings(specOf(), worker, { "files/etc/kata-cluster/kubeadm-join.yaml": "one" });
        const carried = [...text.matchAll(/^file '([^']+)'/gm)].map(([, file]) => file!);
        assert.deepEqual(carried, ["files/etc/kata-cluster/kubeadm-join.yaml", "images", "name.env"]);
    });

    it("shows a reviewer what all nodes have, once: on the node that the cluster begins on", () => {
        const { text } = hostSettings(specOf(), node, kubeadm("one"));
        for (const file of ["node.env", "downloads", "files/etc/containerd/config.toml"]) {
            assert.match(text, new RegExp(`^file '${file}' `, "m"));
        }
        assert.doesNotMatch(text, /^file '[^']+\.sh'/m);
    });

    it("runs just the commands again whose files changed", () => {
        const before = hostSettings(specOf(), node, kubeadm("one")).digests;
        const after = hostSettings(specOf(), node, kubeadm("two")).digests;
        assert.deepEqual([after.admit === before.admit, after.init === before.init], [true, false]);
        const memory = hostSettings(specOf({ kata: { guestMemoryMib: 1024 } }), node, kubeadm("one"));
        assert.notEqual(memory.digests.install, before.install);
        assert.deepEqual({ ...memory.digests, install: before.install }, before);
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
        const file = await hostScripts(specOf()).path;
        assert.equal(fs.statSync(file).uid, process.getuid?.());
        const text = fs.readFileSync(file, "utf8");
        assert.ok(text.endsWith('\nrun "$@"\n'));
        assert.match(text, /^file 'lib\.sh' /m);
        assert.match(text, /^file 'node\.env' /m);
        assert.equal(await hostScripts(specOf()).path, file);
        assert.notEqual(await hostScripts(specOf({ kata: { guestMemoryMib: 1024 } })).path, file);
    });

    it("removes what nobody has used for a month", async () => {
        const file = await hostScripts(specOf()).path;
        const old = path.join(path.dirname(file), "old.sh");
        fs.writeFileSync(old, "");
        const monthAgo = Date.now() / 1000 - 31 * 24 * 3600;
        fs.utimesSync(old, monthAgo, monthAgo);
        await hostScripts(specOf()).path;
        assert.deepEqual([fs.existsSync(old), fs.existsSync(file)], [false, true]);
    });
});
