import { spawn } from "node:child_process";
import { needBinary } from "../../support/binaries";

interface Listed {
    items: { metadata: { name: string; namespace: string; generation: number } }[];
}

/**
 * A stand-in for kubelet and the controllers, for tests that have a real API server alone: it makes the service account
 * that pods need, and reports every pod and DaemonSet as ready.
 */
export class PodsBecomeReady {
    private stopped = false;
    private loop = Promise.resolve();

    private constructor(private readonly kubeconfig: string) {}

    static async start(kubeconfig: string): Promise<PodsBecomeReady> {
        const self = new PodsBecomeReady(kubeconfig);
        await self.kubectl("create", "serviceaccount", "default");
        self.loop = self.run();
        return self;
    }

    async stop() {
        this.stopped = true;
        await this.loop;
    }

    private async run() {
        while (!this.stopped) {
            // The API server may be on its way up or down; the next round tries again.
            await this.report().catch(() => undefined);
            await new Promise((resolve) => setTimeout(resolve, 500));
        }
    }

    private async report() {
        for (const { metadata } of await this.list("daemonsets")) {
            const scheduled = { desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1 };
            const ready = { numberReady: 1, numberAvailable: 1, numberMisscheduled: 0 };
            const status = { ...scheduled, ...ready, observedGeneration: metadata.generation };
            await this.patch("daemonset", metadata, status);
        }
        for (const { metadata } of await this.list("pods")) {
            const conditions = ["Ready", "ContainersReady", "Initialized", "PodScheduled"];
            await this.patch("pod", metadata, {
                phase: "Running",
                conditions: conditions.map((type) => ({ type, status: "True" })),
            });
        }
    }

    private async list(kind: string) {
        return (JSON.parse(await this.kubectl("get", kind, "--all-namespaces", "--output", "json")) as Listed).items;
    }

    private patch(kind: string, { name, namespace }: { name: string; namespace: string }, status: object) {
        const patch = ["--subresource", "status", "--type", "merge", "--patch", JSON.stringify({ status })];
        return this.kubectl("patch", kind, name, "--namespace", namespace, ...patch);
    }

    private kubectl(...args: string[]): Promise<string> {
        return new Promise((resolve, reject) => {
            const all = ["--kubeconfig", "/dev/stdin", "--request-timeout", "5s", ...args];
            const child = spawn(needBinary("kubectl"), all, { stdio: ["pipe", "pipe", "ignore"] });
            let output = "";
            child.stdout.on("data", (data: Buffer) => (output += data.toString()));
            child.once("error", reject);
            child.once("close", (code) =>
                code === 0 ? resolve(output) : reject(new Error(`kubectl ${args[0]}: ${code}`)),
            );
            child.stdin.end(this.kubeconfig);
        });
    }
}
