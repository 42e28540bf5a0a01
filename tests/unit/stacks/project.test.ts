import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

const root = path.resolve(__dirname, "../../..");

describe("Pulumi.yaml", () => {
    // Of a folder, Pulumi runs the `main` of the package.json above it: the package's exports, which make nothing.
    it("names the program by its file", () => {
        const { main } = parse(fs.readFileSync(path.join(root, "Pulumi.yaml"), "utf8")) as { main: string };
        assert.ok(fs.statSync(path.join(root, main)).isFile(), main);
    });
});
