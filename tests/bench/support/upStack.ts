import * as path from "node:path";
import { EngineEvent, Stack } from "@pulumi/pulumi/automation";
import { pulumiCommand } from "../../../stacks/local/pulumiCommand";
import { StateFolder } from "../../../stacks/local/stateFolder";
import { Progress } from "../../../stacks/local/progress";
import { Span, Timeline } from "../../../stacks/local/timeline";
import { openStack } from "../../../stacks/local/workspace";
import { VmLab } from "./vmLab";

/** A run of `pulumi up`: what it did when, and its outputs. Seconds from the beginning. */
export interface UpRun {
    spans: Span[];
    /** Until the command ended. */
    ended: number;
    outputs: Record<string, unknown>;
}

/** What the stack is to have; and what of that are its outputs. */
type Program = () => object | void;

/** A stack by the real CLI on a file backend, from a program in this process. */
export class UpStack {
    private constructor(
        private readonly stack: Stack,
        private readonly say: VmLab["say"],
    ) {}

    static async open(lab: VmLab, name: string): Promise<UpStack> {
        const state = new StateFolder(path.join(lab.scratch, name));
        const command = await pulumiCommand(lab.say, lab.lab.pulumi);
        return new UpStack(await openStack(state, command, async () => ({}), lab.lab.plugins), lab.say);
    }

    async up(program: Program): Promise<UpRun> {
        const timeline = new Timeline();
        const progress = new Progress(this.say);
        const begun = Date.now();
        const { outputs } = await this.stack
            .up({
                program: async () => (program() ?? {}) as Record<string, unknown>,
                onEvent: (event: EngineEvent) => {
                    timeline.show(event);
                    progress.show(event);
                },
                color: "never",
            })
            .catch((error: Error) => {
                const told = error.message.split("\n").filter((line) => /error:|kata-cluster:/.test(line));
                throw new Error(`up failed: ${told.join("\n") || error.message}`);
            });
        return {
            spans: timeline.spans,
            ended: (Date.now() - begun) / 1000,
            outputs: Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown])),
        };
    }

    /** What brings the stack back to where it is now. */
    async saved(): Promise<() => Promise<void>> {
        const state = await this.stack.exportStack();
        return () => this.stack.importStack(state);
    }
}

/** The span of a resource by its name. @throws if it was not made, or failed */
export function spanOf(spans: Span[], name: string): Span & { ended: number } {
    const span = spans.find((one) => one.name === name);
    if (span?.ended === undefined || span.failed) {
        throw new Error(`${name} was not made`);
    }
    return { ...span, ended: span.ended };
}
