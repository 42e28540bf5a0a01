import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { binFolder, goBuild, GoBuildName } from "../lab/goBuilds";

/** The programs that tests use, the real engine and parts of the real cluster, and the lab's build of each. */
const programs = {
    pulumi: "pulumi",
    "pulumi-language-yaml": "pulumi-language-yaml",
    actionlint: "actionlint",
    etcd: "etcd",
    containerd: "containerd",
    kubeadm: "kubernetes",
    kubectl: "kubernetes",
    "kube-apiserver": "kubernetes",
    "kube-controller-manager": "kubernetes",
} as const satisfies Record<string, GoBuildName>;

/** A program that tests use. */
export type TestProgram = keyof typeof programs;

/** The path of a program: the lab's of the pinned version, else the one on PATH; nothing where there is neither. */
export function findProgram(name: TestProgram): string | undefined {
    return [binFolder(programs[name]), ...pathFolders()].map((folder) => join(folder, name)).find(isProgram);
}

/** @throws with what to do if the program is not to be found. */
export function needProgram(name: TestProgram): string {
    const path = findProgram(name);
    if (!path) {
        throw new Error(
            `${name} is neither built by the lab nor on PATH. Fix: run npm test, which builds it, or put it on PATH`,
        );
    }
    return path;
}

/** The programs that are not to be found. */
export function missingPrograms(): TestProgram[] {
    return (Object.keys(programs) as TestProgram[]).filter((name) => !findProgram(name));
}

/** Builds the programs that are missing from their Go modules, where there is a Go to build them with. */
export async function buildPrograms(log: (line: string) => void) {
    const builds = new Set(missingPrograms().map((name) => programs[name]));
    if (builds.size === 0) {
        return;
    }
    if (process.platform !== "linux" || spawnSync("go", ["version"]).status !== 0) {
        log(`missing: ${missingPrograms().join(", ")}. Fix: install Go (https://go.dev) on Linux, or put them on PATH`);
        return;
    }
    for (const name of builds) {
        await goBuild(name, log);
    }
}

function pathFolders(): string[] {
    return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
}

function isProgram(path: string): boolean {
    try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
    } catch {
        return false;
    }
}
