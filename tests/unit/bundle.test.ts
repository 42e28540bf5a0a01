import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { bundle, digestOf } from "../../components/bundle";

const local = path.resolve(__dirname, "../../components/machine/local");

describe("bundle", () => {
    it("ends with the line that runs it, so that a part of it runs nothing", () => {
        const text = bundle(local, { "a.sh": "echo hello\n" });
        assert.ok(text.endsWith('\nrun "$@"\n'));
        assert.equal(text.split('\nrun "$@"').length, 2);
        const half = text.slice(0, text.indexOf("echo hello"));
        assert.equal(execFileSync("bash", ["-c", half, "bundle", "a"], { encoding: "utf8", stdio: "pipe" }), "");
    });

    it("carries every text unchanged, also one that looks like the end of a file", () => {
        const awkward = "$HOME `id` \\ 'quoted' \"too\"\nEND_OF_FILE\nEND_OF_FILE_\n";
        const text = bundle(local, {
            "show.sh": '#!/usr/bin/env bash\ncat "$(dirname "${BASH_SOURCE[0]}")/$1"\n',
            "sub/awkward.txt": awkward,
        });
        const shown = execFileSync("bash", ["-c", text, "bundle", "show", "sub/awkward.txt"], { encoding: "utf8" });
        assert.equal(shown, awkward);
    });

    it("has a digest that follows content, not order", () => {
        assert.equal(digestOf({ a: "1", b: "2" }), digestOf({ b: "2", a: "1" }));
        assert.notEqual(digestOf({ a: "1", b: "2" }), digestOf({ a: "12", b: "" }));
    });
});
