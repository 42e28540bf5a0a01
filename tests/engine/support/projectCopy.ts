import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import type { KataCluster } from "../../../components/kataCluster";

const load = createRequire(__filename);
const project = path.resolve(__dirname, "../../..");

/** A copy of the project in a folder of its own, whose files a test can edit as a developer does. */
export class ProjectCopy {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-copy-"));

    constructor() {
        fs.cpSync(path.join(project, "components"), path.join(this.folder, "components"), { recursive: true });
        fs.copyFileSync(path.join(project, "tsconfig.json"), path.join(this.folder, "tsconfig.json"));
        fs.copyFileSync(path.join(project, "package.json"), path.join(this.folder, "package.json"));
        fs.symlinkSync(path.join(project, "node_modules"), path.join(this.folder, "node_modules"));
    }

    /** Puts one text in the place of another in a file. */
    edit(file: string, from: string, to: string) {
        const target = path.join(this.folder, file);
        const text = fs.readFileSync(target, "utf8");
        if (text.split(from).length !== 2) {
            throw new Error(`${file} does not have "${from}" once`);
        }
        fs.writeFileSync(
            target,
            text.replace(from, () => to),
        );
    }

    /** The component as the copy has it. */
    load(): typeof KataCluster {
        const copied = load(path.join(this.folder, "components/kataCluster")) as { KataCluster: typeof KataCluster };
        return copied.KataCluster;
    }

    remove() {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}
