import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Application } from "typedoc";
import { matchesFile } from "../support/golden";

const root = path.resolve(__dirname, "../..");
const page = path.join(root, "docs/api/README.md");
/** It runs the type checker over the whole program. */
const limit = 180_000;

describe("the API reference, docs/api", function () {
    this.timeout(limit);

    it("is that of the doc comments, and leaves no public name without one", async () => {
        const out = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-reference-"));
        try {
            const app = await Application.bootstrapWithPlugins({ options: path.join(root, "typedoc.json"), out });
            const project = await app.convert();
            assert.ok(project, "the types do not compile");
            app.validate(project);
            assert.deepEqual(
                [app.logger.errorCount, app.logger.warningCount],
                [0, 0],
                "typedoc says above what is missing",
            );
            await app.generateOutputs(project);
            matchesFile(page, fs.readFileSync(path.join(out, path.basename(page)), "utf8"));
        } finally {
            fs.rmSync(out, { recursive: true, force: true });
        }
    });
});
