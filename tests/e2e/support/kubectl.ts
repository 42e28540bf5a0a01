import { execFileSync, spawn } from "node:child_process";
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

/** The same for a test whose own process serves the way to the API: it must not stand still meanwhile. */
export interface AsyncKubectl {
    text: (...args: string[]) => Promise<string>;
    json<T>(...args: string[]): Promise<T>;
    create(manifest: object): Promise<string>;
}

export function asyncKubectlFor(kubeconfig: string): AsyncKubectl {
    const run = (args: string[], input = "") =>
        new Promise<string>((resolve, reject) => {
            const child = spawn(needProgram("kubectl"), [
                "--kubeconfig",
                kubeconfig,
                "--request-timeout",
                "60s",
                ...args,
            ]);
            let stdout = "";
            let stderr = "";
            child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
            child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
            child.stdin.on("error", () => undefined);
            child.stdin.end(input);
            child.once("error", reject);
            child.once("close", (code) =>
                code === 0
                    ? resolve(stdout)
                    : reject(new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}`)),
            );
        });
    return {
        text: (...args) => run(args),
        json: async <T>(...args: string[]) => JSON.parse(await run([...args, "-o", "json"])) as T,
        create: (manifest) => run(["create", "-f", "-"], JSON.stringify(manifest)),
    };
}
