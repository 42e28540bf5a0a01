import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Gives each test of the suite an empty folder, which the environment variable names for just as long. */
export function folderNamedBy(variable: string): () => string {
    const before = process.env[variable];
    let folder: string;

    beforeEach(() => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-test-"));
        process.env[variable] = folder;
    });

    afterEach(() => {
        if (before === undefined) {
            delete process.env[variable];
        } else {
            process.env[variable] = before;
        }
        fs.rmSync(folder, { recursive: true });
    });

    return () => folder;
}
