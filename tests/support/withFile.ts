import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Calls `use` with the path of a file of that name and text, which is there for just as long. */
export function withFile(name: string, text: string, use: (file: string) => void) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-test-"));
    try {
        const file = path.join(folder, name);
        fs.writeFileSync(file, text);
        use(file);
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}
