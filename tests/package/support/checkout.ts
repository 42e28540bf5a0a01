import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const root = path.resolve(__dirname, "../../..");

/** Copies what a clone would have if all changes were committed, without `node_modules`. */
export function copyCheckout(folder: string): void {
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
    const files = listed.toString().split("\0").slice(0, -1);
    for (const file of files.filter((name) => fs.existsSync(path.join(root, name)))) {
        fs.cpSync(path.join(root, file), path.join(folder, file));
    }
}

/** The same with the packages of this checkout, for programs that only read them. */
export function copyWithPackages(folder: string): void {
    copyCheckout(folder);
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
}

/** A bare repository of the copied checkout, with one commit and one tag. */
export function bareRepository(folder: string, tag: string): void {
    const work = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-work-"));
    copyCheckout(work);
    const git = (...args: string[]) => execFileSync("git", args, { cwd: work, stdio: ["ignore", "ignore", "pipe"] });
    git("init", "--initial-branch=main");
    git("add", "--all");
    git(
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@localhost",
        "-c",
        "commit.gpgsign=false",
        "commit",
        "-m",
        "test",
    );
    git("tag", tag);
    git("clone", "--bare", ".", folder);
    fs.rmSync(work, { recursive: true });
}
