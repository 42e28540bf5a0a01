import * as assert from "node:assert/strict";
import { hostSettings } from "../../../components/node/hostSettings";
import { localBundle } from "../../../components/machine/localMachine";
import { pinnedDownloads } from "../../../stacks/policy/rules/pinnedDownloads";
import { specOf } from "../../support/specs";
import { assertFound, violations } from "./rules";

const node = { name: "n", role: "control-plane", joins: false } as const;
const good = hostSettings(specOf(), node, {}).text;
const remote = (stdin: string) => violations(pinnedDownloads, "command:remote:Command", { create: "true", stdin });
/** The bundle with another line for kubectl on amd64. */
const withLine = (...fields: string[]) => good.replace(/^kubectl\t\S+\tamd64\t.*$/m, fields.join("\t"));
const digest = "0".repeat(64);
const url = "https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubectl";

describe("policy pinned-downloads, of a node", () => {
    it("lets a node's settings pass, on stdin and as an asset, with each container runtime and a mirror", () => {
        assert.deepEqual(remote(good), []);
        assert.deepEqual(violations(pinnedDownloads, "command:remote:CopyToRemote", { source: { text: good } }), []);
        const mirror = { downloads: "http://127.0.0.1:8080" };
        assert.deepEqual(remote(hostSettings(specOf({ containerRuntime: "crio" }), node, {}).text), []);
        assert.deepEqual(remote(hostSettings(specOf({ mirror }), node, {}).text), []);
    });

    it("lets the line pass that the other tests put in place of one of the bundle's", () => {
        assert.notEqual(withLine("kubectl", "1.36.4", "amd64", digest, url), good);
        assert.deepEqual(remote(withLine("kubectl", "1.36.4", "amd64", digest, url)), []);
    });

    it("refuses a line without a whole digest", () => {
        for (const wrong of ["", "0".repeat(63), "SKIP", digest.toUpperCase().replace("0", "A")]) {
            assertFound(
                remote(withLine("kubectl", "1.36.4", "amd64", wrong, url)),
                /^stdin, downloads, kubectl amd64: ".*" is not a SHA-256/,
            );
        }
    });

    it("refuses a URL that is another file tomorrow, or none", () => {
        for (const moving of ["https://dl.k8s.io/latest/kubectl", "https://x.example.com/kubectl-latest.tar.gz"]) {
            assertFound(remote(withLine("kubectl", "1.36.4", "amd64", digest, moving)), /is another file tomorrow/);
        }
        assertFound(remote(withLine("kubectl", "1.36.4", "amd64", digest, "kubectl")), /"kubectl" is not a URL/);
    });

    it("refuses a version that is none, and lines that are cut off", () => {
        assertFound(remote(withLine("kubectl", "latest", "amd64", digest, url)), /"latest" is not a version/);
        assertFound(remote(withLine("kubectl")), /is not a version/, /is not a SHA-256/, /is not a URL/);
    });
});

describe("policy pinned-downloads, of a virtual machine's image", () => {
    const image = "https://cloud.debian.org/images/cloud/bookworm/20260101-2345/debian.qcow2";
    const local = (environment: object) =>
        violations(pinnedDownloads, "command:local:Command", {
            environment: { SCRIPTS: localBundle(), ...environment },
        });

    it("lets an image with a digest pass, and a path, and a command that fetches none", () => {
        assert.deepEqual(local({ VM_IMAGE_URL: image, VM_IMAGE_SHA512: "0".repeat(128), VM_IMAGE_SHA256: "" }), []);
        assert.deepEqual(local({ VM_IMAGE_URL: image, VM_IMAGE_SHA256: digest }), []);
        assert.deepEqual(local({ VM_IMAGE: "/images/debian.qcow2", VM_IMAGE_URL: "" }), []);
        assert.deepEqual(local({}), []);
    });

    it("refuses one without, or with a broken one", () => {
        for (const digests of [{}, { VM_IMAGE_SHA256: "" }, { VM_IMAGE_SHA512: digest }, { VM_IMAGE_SHA256: "abc" }]) {
            assertFound(local({ VM_IMAGE_URL: image, ...digests }), /^environment\.VM_IMAGE_URL has no digest/);
        }
    });

    it("refuses one that moves, though it has a digest", () =>
        assertFound(
            local({ VM_IMAGE_URL: image.replace("20260101-2345", "latest"), VM_IMAGE_SHA256: digest }),
            /is another file tomorrow/,
        ));
});
