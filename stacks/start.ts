import * as fs from "node:fs";
import { EngineEvent } from "@pulumi/pulumi/automation";
import { IsolationFindings, NodeFindings } from "../index";
import { failed, interruptible } from "./local/cli";
import { convergeOver } from "./local/converge";
import { needHostPackages } from "./local/hostPackages";
import { startedMachines } from "./local/machines";
import { Options, parseOptions, usage } from "./local/options";
import { isInstalled } from "./local/packages";
import { Progress } from "./local/progress";
import { pulumiCommand } from "./local/pulumiCommand";
import { unreachable } from "./local/reach";
import { StateFolder } from "./local/stateFolder";
import { summary } from "./local/summary";
import { Timeline } from "./local/timeline";
import { timelineSvg } from "./local/timelineSvg";
import { configure, openStack, project, stackConfig, stackName } from "./local/workspace";
import { buildLab, Lab, serveLab } from "../tests/lab/lab";
import { program } from "./program";

/** `npm start`: a virtual machine on this computer, a Kata cluster in it, the untrusted pod proved isolated. */
async function start() {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) {
        console.log(usage);
        return;
    }
    const state = new StateFolder(options.state);
    state.lock();
    const progress = new Progress((line) => console.log(line));
    const log = (line: string) => progress.line(line);

    needHostPackages(log);
    const offline = options.lab
        ? ["--lab was asked for"]
        : (await unreachable()).map((host) => `no answer from ${host}`);
    const lab = offline.length > 0 ? await useLab(offline, options, log) : undefined;
    state.write("lab.json", JSON.stringify({ pulumi: lab?.pulumi, plugins: lab?.plugins ?? [] }));
    const ports = await state.ports();
    const mirror = lab && (await serveLab(lab, ports));
    const timeline = new Timeline();
    const show = (event: EngineEvent) => {
        progress.show(event);
        timeline.show(event);
    };
    try {
        const stack = await openStack(state, await pulumiCommand(log, lab?.pulumi), program, lab?.plugins ?? []);
        await configure(stack, stackConfig(options, ports, lab && mirror && { lab, mirror }));
        await convergeOver(
            () => startedMachines(project, stackName(state), "lab"),
            log,
            (lost) =>
                interruptible(stack, log, (signal) =>
                    stack.up({ signal: AbortSignal.any([signal, lost]), onEvent: show, color: "never" }),
                ),
        );
        const outputs = await stack.outputs();
        state.write("kubeconfig", outputs.kubeconfig!.value as string);
        const text = summary({
            isolation: outputs.isolation!.value as IsolationFindings,
            nodes: outputs.nodes!.value as NodeFindings[],
            runtimeClassName: outputs.runtimeClassName!.value as string,
            kubeconfigPath: state.file("kubeconfig"),
            kubectl: lab && !isInstalled("kubectl") ? lab.kubectl : "kubectl",
            parts: lab?.parts ?? [],
        });
        fs.writeFileSync(state.file("summary.txt"), text);
        console.log(text);
    } finally {
        state.write("timeline.json", JSON.stringify(timeline.spans, undefined, 2));
        state.write("timeline.svg", timelineSvg("npm start", timeline.spans));
        await mirror?.close();
    }
}

async function useLab(
    reasons: string[],
    { releases, containerRuntime }: Options,
    log: (line: string) => void,
): Promise<Lab> {
    log(`Using the offline lab, built from package registries: ${reasons.join(", ")}.`);
    const lab = await buildLab({ log, containerRuntime, real: releases });
    lab.parts.forEach((line) => log(`lab: ${line}`));
    return lab;
}

start().catch(failed);
