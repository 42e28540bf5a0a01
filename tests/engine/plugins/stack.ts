import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import {
    DestroyResult,
    EngineEvent,
    LocalWorkspace,
    PreviewResult,
    PulumiCommand,
    PulumiFn,
    RefreshResult,
    Stack,
    UpResult,
} from "@pulumi/pulumi/automation";
import { findPlugins, gcpStandIn, Plugin, pluginFolders } from "../../lab/plugins";
import { findRealReleases } from "../../lab/realReleases";
import { needProgram } from "../../support/programs";

const plugins = [...findPlugins(findRealReleases(process.env.KATA_CLUSTER_REAL_PLUGINS).plugins), gcpStandIn];
/** Starts policy packs where the engine finds no pulumi-language-nodejs. */
const policyPlugin = resolve(__dirname, "../../support/plugins/policy");

/** A step of a run: what the engine did with one resource. */
export interface Step {
    name: string;
    op: string;
    diffs: string[];
    detailedDiff: Record<string, { diffKind: string }>;
}

/** What a run of the engine did and said. */
export interface Run {
    steps: Step[];
    /** Diagnostics of severity info, warning and error, without colours. */
    messages: { severity: string; message: string; ephemeral: boolean; urn: string; at: number }[];
    /** What the policy pack found, of resource `name`. */
    violations: { policy: string; name: string; enforcement: string; message: string }[];
    outputs: Record<string, unknown>;
    stdout: string;
    /** The engine's error, if the run failed. */
    error?: Error;
}

/** A resource as it is in the state file. */
export interface StateResource {
    urn: string;
    id: string;
    type: string;
    inputs: Record<string, unknown>;
    outputs: Record<string, unknown>;
    initErrors?: string[];
}

/** A stack of its own, on a file backend, run by the real engine from a program in this process. */
export class TestStack {
    private constructor(
        private readonly stack: Stack,
        private readonly folder: string,
    ) {}

    /** A new stack; or `same` again, with another environment. */
    static async create(name: string, env: Record<string, string> = {}, same?: TestStack): Promise<TestStack> {
        const folder = same?.folder ?? mkdtempSync(join(tmpdir(), "kata-cluster-stack-"));
        if (!same) {
            for (const part of ["bin", "state", "home"]) {
                mkdirSync(join(folder, part));
            }
            symlinkSync(needProgram("pulumi"), join(folder, "bin", "pulumi"));
        }
        const workspace = {
            pulumiCommand: await PulumiCommand.get({ root: folder, skipVersionCheck: true }),
            pulumiHome: join(folder, "home"),
            envVars: {
                PATH: [...pluginFolders(plugins), process.env.PATH, policyPlugin].join(delimiter),
                PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
                PULUMI_CONFIG_PASSPHRASE: "test",
                PULUMI_SKIP_UPDATE_CHECK: "true",
                KATA_CLUSTER_NODE: process.execPath,
                SSH_AUTH_SOCK: "",
                KUBECONFIG: "",
                ...env,
            },
        };
        const project = { stackName: "test", projectName: name, program: async () => undefined };
        return new TestStack(await LocalWorkspace.createOrSelectStack(project, workspace), folder);
    }

    /**
     * `replace` names what is to be made anew though nothing about it changes. `parallel` is how many resources are worked
     * on at once, by default as many as the engine thinks right for this machine.
     */
    async up(
        program: PulumiFn,
        options: { cancelWhen?: (run: Run) => boolean; replace?: string[]; parallel?: number } = {},
    ): Promise<Run> {
        const { parallel } = options;
        const replace = await this.urns(options.replace);
        return this.run((onEvent, onOutput, run) => {
            let cancelled = false;
            const watch = (event: EngineEvent) => {
                onEvent(event);
                if (!cancelled && options.cancelWhen?.(run)) {
                    cancelled = true;
                    void this.stack.cancel();
                }
            };
            return this.stack.up({ program, onEvent: watch, onOutput, replace, parallel });
        });
    }

    /** With `diff` its text is that of `pulumi preview --diff`. */
    async preview(
        program: PulumiFn,
        options: { diff?: boolean; replace?: string[]; policyPacks?: string[] } = {},
    ): Promise<Run> {
        const { diff, policyPacks } = options;
        const replace = await this.urns(options.replace);
        return this.run((onEvent, onOutput) =>
            this.stack.preview({ program, onEvent, onOutput, diff, replace, policyPacks, color: "never" }),
        );
    }

    refresh(): Promise<Run> {
        return this.run((onEvent, onOutput) => this.stack.refresh({ onEvent, onOutput }));
    }

    destroy(): Promise<Run> {
        return this.run((onEvent, onOutput) => this.stack.destroy({ onEvent, onOutput }));
    }

    /** What `pulumi destroy` does first, and asks about. */
    previewDestroy(): Promise<Run> {
        return this.run((onEvent, onOutput) => this.stack.previewDestroy({ onEvent, onOutput }));
    }

    /** The resource of that name in the state, secrets in clear. */
    async resource(name: string): Promise<StateResource | undefined> {
        return (await this.resources()).find(({ urn }) => urn.split("::").slice(3).join("::") === name);
    }

    /** All resources in the state, secrets in clear. */
    async resources(): Promise<StateResource[]> {
        const { deployment } = (await this.stack.exportStack()) as {
            deployment: { resources?: StateResource[] } | null;
        };
        return deployment?.resources ?? [];
    }

    private async urns(names: string[] = []): Promise<string[]> {
        return Promise.all(names.map(async (name) => (await this.resource(name))!.urn));
    }

    /** The state as it is stored, with secrets encrypted. */
    stored(): string {
        const files = readdirSync(join(this.folder, "state"), { recursive: true, withFileTypes: true });
        const states = files.filter(({ name }) => name === "test.json");
        return states.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8")).join("\n");
    }

    remove(): void {
        rmSync(this.folder, { recursive: true, force: true });
    }

    /**
     * Now and then, on a busy machine, gRPC loses the connection between the engine and a program that runs in this
     * process. That is no user's case, whose program is a process of its own: it is tried once more, and said.
     */
    private async run(start: Start): Promise<Run> {
        const run = await this.runOnce(start);
        if (!/14 UNAVAILABLE: No connection established/.test(said(run, "error"))) {
            return run;
        }
        console.log(
            `    the program lost its engine, and is run again: ${run.steps.map(({ name }) => name).join(" ")}`,
        );
        return this.runOnce(start);
    }

    private async runOnce(start: Start): Promise<Run> {
        const run: Run = { steps: [], messages: [], violations: [], outputs: {}, stdout: "" };
        const onEvent = (event: EngineEvent) => {
            const step = event.resourcePreEvent?.metadata;
            const name = step?.urn.split("::").slice(3).join("::");
            if (step && step.type !== "pulumi:pulumi:Stack" && !step.type.startsWith("pulumi:providers:")) {
                const detailedDiff = (step.detailedDiff ?? {}) as Step["detailedDiff"];
                run.steps.push({ name: name!, op: step.op, diffs: step.diffs ?? [], detailedDiff });
            }
            const found = event.policyEvent;
            if (found) {
                run.violations.push({
                    policy: found.policyName,
                    name: found.resourceUrn?.split("::").slice(3).join("::") ?? "",
                    enforcement: found.enforcementLevel,
                    message: found.message,
                });
            }
            const diagnostic = event.diagnosticEvent;
            if (diagnostic) {
                run.messages.push({
                    severity: diagnostic.severity,
                    message: diagnostic.message.replace(/<\{%[^%]*%\}>/g, "").trimEnd(),
                    ephemeral: diagnostic.ephemeral ?? false,
                    urn: diagnostic.urn ?? "",
                    at: Date.now(),
                });
            }
        };
        try {
            const result = await start(onEvent, (text) => (run.stdout += text), run);
            const outputs = (result as UpResult).outputs ?? {};
            run.outputs = Object.fromEntries(Object.entries(outputs).map(([key, { value }]) => [key, value]));
        } catch (error) {
            run.error = error as Error;
        }
        return run;
    }
}

type Start = (
    onEvent: (event: EngineEvent) => void,
    onOutput: (text: string) => void,
    run: Run,
) => Promise<UpResult | PreviewResult | RefreshResult | DestroyResult>;

/** Says in the test output which plugin is under test. */
export function announce(name: Plugin["name"]): string {
    const { standIn, folder } = plugins.find((plugin) => plugin.name === name)!;
    return standIn
        ? `stand-in for pulumi-resource-${name} (tests/support/plugins)`
        : `real pulumi-resource-${name} (${folder ?? "installed"})`;
}

/** The messages of a run as one text. */
export function said(run: Run, severity?: string): string {
    return run.messages
        .filter((message) => severity === undefined || message.severity.startsWith(severity))
        .map(({ message }) => message)
        .join("\n");
}

/** `name op` of each step that changes something. */
export function changes(run: Run): string[] {
    return run.steps.filter(({ op }) => op !== "same").map(({ name, op }) => `${name} ${op}`);
}

/** Lets a program be written without `async` and still export outputs. */
export function exporting(program: () => Record<string, pulumi.Input<unknown>> | void): PulumiFn {
    return async () => program() ?? {};
}
