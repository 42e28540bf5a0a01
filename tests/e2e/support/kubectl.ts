import { execFileSync } from "node:child_process";
import { needProgram } from "../../support/programs";

/** kubectl with one kubeconfig. */
export interface Kubectl {
    text(...args: string[]): string;
    json(...args: string[]): unknown;
    apply(manifest: object): void;
    create(manifest: object): void;
}

export function kubectlFor(kubeconfig: string): Kubectl {
    const run = (args: string[], input = "") =>
        execFileSync(needProgram("kubectl"), ["--kubeconfig", kubeconfig, ...args], {
            input,
            encoding: "utf8",
            stdio: ["pipe", "pipe", "pipe"],
        });
    return {
        text: (...args) => run(args),
        json: (...args) => JSON.parse(run([...args, "-o", "json"])) as unknown,
        apply: (manifest) => void run(["apply", "-f", "-"], JSON.stringify(manifest)),
        create: (manifest) => void run(["create", "-f", "-"], JSON.stringify(manifest)),
    };
}
