import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

const folder = path.resolve(__dirname, "../unit/golden");

/** Compares a text with its golden file. `npm run golden` writes them anew; the diff is the review. */
export function matchesGolden(name: string, text: string) {
    matchesFile(path.join(folder, name), text);
}

/** The same for a file of the repository that is made out of others. */
export function matchesFile(file: string, text: string) {
    if (process.env.UPDATE_GOLDEN) {
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, text);
    }
    const golden = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    assert.equal(text, golden, `${path.basename(file)} changed: run "npm run golden" and review the diff`);
}
