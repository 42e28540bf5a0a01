import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { folderNamedBy } from "../../support/folderNamedBy";
import { cached, cacheRoot, fileDigest, knownDigest, recipeDigest } from "../../lab/cache";

describe("lab: cache", () => {
    const folder = folderNamedBy("XDG_CACHE_HOME");

    const write = (text: string) => (entry: string) =>
        Promise.resolve(fs.writeFileSync(path.join(entry, "result"), text));

    it("makes an entry once", async () => {
        const first = await cached({ name: "thing-1.0" }, write("made"));
        const second = await cached({ name: "thing-1.0" }, () => Promise.reject(new Error("made again")));
        assert.equal(second, first);
        assert.equal(path.dirname(first), cacheRoot());
        assert.equal(fs.readFileSync(path.join(second, "result"), "utf8"), "made");
    });

    it("keeps nothing of an entry that failed, and makes it the next time", async () => {
        await assert.rejects(
            cached({ name: "thing" }, async (entry) => {
                await write("half")(entry);
                throw new Error("broke off");
            }),
            /broke off/,
        );
        assert.deepEqual(fs.readdirSync(cacheRoot()), []);
        assert.equal(
            fs.readFileSync(path.join(await cached({ name: "thing" }, write("whole")), "result"), "utf8"),
            "whole",
        );
    });

    it("lets two builds of the same entry end well", async () => {
        const [first, second] = await Promise.all([
            cached({ name: "thing" }, write("same")),
            cached({ name: "thing" }, write("same")),
        ]);
        assert.equal(first, second);
        assert.deepEqual(fs.readdirSync(cacheRoot()), [path.basename(first)]);
    });

    it("clears away what a killed build left", async () => {
        fs.mkdirSync(path.join(cacheRoot(), ".4194305-thing-abc"), { recursive: true });
        const entry = await cached({ name: "thing" }, write("whole"));
        assert.deepEqual(fs.readdirSync(cacheRoot()), [path.basename(entry)]);
    });

    it("tells recipes apart by the content of their files and by their settings", () => {
        const file = path.join(folder(), "recipe");
        const digest = (settings: unknown) => recipeDigest({ name: "thing", files: [folder()], settings });
        fs.writeFileSync(file, "one");
        const one = digest({ tag: 1 });
        assert.equal(digest({ tag: 1 }), one);
        assert.notEqual(digest({ tag: 2 }), one);
        fs.writeFileSync(file, "two");
        assert.notEqual(digest({ tag: 1 }), one);
    });

    it("remembers a file's digest until the file changes", async () => {
        const file = path.join(folder(), "file");
        fs.writeFileSync(file, "one");
        assert.equal(await knownDigest(file), await fileDigest(file));
        fs.writeFileSync(file, "another");
        assert.equal(await knownDigest(file), await fileDigest(file));
        assert.equal(fs.readdirSync(path.join(cacheRoot(), "digests")).length, 2);
    });
});
