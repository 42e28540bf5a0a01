import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

const folder = path.resolve(__dirname, "../unit/golden");

/** Compares a text with its golden file. `npm run golden` writes them anew; the diff is the review. */
export function matchesGolden(name: string, text: string) {
    const file = path.join(folder, name);
    if (process.env.UPDATE_GOLDEN) {
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, text);
    }
    assert.equal(text, fs.readFileSync(file, "utf8"), `${name} changed: run "npm run golden" and review the diff`);
}
