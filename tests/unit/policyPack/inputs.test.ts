import * as assert from "node:assert/strict";
import * as path from "node:path";
import { asset } from "@pulumi/pulumi";
import * as policy from "@pulumi/policy";
import { bundle, filesBelow } from "../../../components/bundle";
import { bundleFiles } from "../../../stacks/policy/bundles";
import { plainInputs, textsIn } from "../../../stacks/policy/inputs";

// Exported for tests like this one, without types.
const { unknownCheckingProxy } = policy as unknown as { unknownCheckingProxy: (inputs: object) => object };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("inputs of a policy", () => {
    it("are read behind the engine's proxies, with what is not known yet", async () => {
        const proxied = unknownCheckingProxy({ a: unknown, b: [{ c: "text" }], d: { e: unknown, f: 1 } });
        assert.deepEqual(textsIn(await plainInputs(proxied)), [
            { path: "b[0].c", key: "c", text: "text", secret: false },
        ]);
        assert.deepEqual(await plainInputs(proxied), { a: unknown, b: [{ c: "text" }], d: { e: unknown, f: 1 } });
    });

    it("have the text of assets, and keep secrets marked", async () => {
        const inputs = await plainInputs({
            source: new asset.StringAsset("text"),
            file: new asset.FileAsset("/nowhere"),
            secret: new policy.Secret({ deep: ["x"] }),
        });
        assert.deepEqual(inputs.source, { text: "text" });
        assert.deepEqual(
            textsIn(inputs)
                .filter(({ path }) => path !== "file.path")
                .map(({ path, key, text, secret }) => [path, key, text, secret]),
            [
                ["source.text", "text", "text", false],
                ["secret.deep[0]", "deep", "x", true],
            ],
        );
    });
});

describe("bundleFiles", () => {
    it("reads what a bundle was made of, also a text that looks like the end of a file", () => {
        const host = path.resolve(__dirname, "../../../components/node/host");
        const files = {
            ...filesBelow(host),
            awkward: "END_OF_FILE\nfile 'no' <<'END_OF_FILE'\nEND_OF_FILE_\n",
            empty: "",
        };
        const expected = Object.entries(files).map(([name, text]) => [name, text.replace(/\n?$/, "\n")] as const);
        assert.deepEqual(bundleFiles(bundle(host, files)), Object.fromEntries(expected));
    });

    it("finds nothing in other texts, and no file that is cut off", () => {
        assert.deepEqual(bundleFiles("echo hello\n"), {});
        assert.deepEqual(bundleFiles("file 'a' <<'END_OF_FILE'\nhalf"), {});
    });
});
