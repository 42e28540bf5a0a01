import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Files } from "../bundle";
import { Machine } from "../machine/machine";
import { ClusterSpec } from "../spec";
import { allHooks } from "../updateHook";
import { hostScripts } from "./hostScripts";
import { HostSettings, hostSettings } from "./hostSettings";
import { PlannedOutput } from "./plannedOutput";
import { remoteStep, scriptsStep } from "./remoteStep";
import { refuseRuntimeChange } from "./runtimeChange";
import { installSteps, uninstallSteps } from "./steps";

/** How a node becomes a part of its cluster: what only kubeadm reads, and whether it joins one that is there. */
export interface Membership {
    files: pulumi.Input<Files>;
    joins: boolean;
    /** What refuses a change of them that a live cluster can't take. */
    refusals?: pulumi.ResourceHookBinding;
}

/** Brings a machine to the point where it can become a node: runtime, Kata and Kubernetes installed. */
export class NodeBootstrap extends pulumi.ComponentResource {
    /** Of what each command on the node depends on. */
    public readonly digests: pulumi.Output<HostSettings["digests"]>;
    /** Done when the node is ready for `kubeadm`. */
    public readonly installed: command.remote.Command;
    /** What the installation printed, for what stays the same in a further one. */
    public readonly lasting: pulumi.Output<string>;

    constructor(
        public readonly machine: Machine,
        spec: ClusterSpec,
        membership: Membership,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:node:NodeBootstrap", machine.name, {}, opts);
        const { files, joins } = membership;
        const settings = pulumi.output(files).apply((known) => hostSettings(spec, { ...machine, joins }, known));
        this.digests = settings.digests;
        const planned = new PlannedOutput(`${machine.name}-install`);
        this.installed = this.install(spec, membership, settings, planned.hooks);
        this.lasting = planned.of(this.installed);
        this.registerOutputs({});
    }

    private install(
        spec: ClusterSpec,
        { joins, refusals }: Membership,
        settings: pulumi.Output<HostSettings>,
        planned: pulumi.ResourceHookBinding,
    ) {
        const { machine } = this;
        const scripts = scriptsStep(
            `${machine.name}-scripts`,
            { machine, source: hostScripts(spec), timeoutSeconds: spec.timeouts.machineSeconds },
            { parent: this, dependsOn: machine.dependsOn },
        );
        return remoteStep(
            `${machine.name}-install`,
            {
                machine,
                run: `node apply ${installSteps(spec, joins).join(" ")}`,
                undo: `node reset ${uninstallSteps(spec, joins).join(" ")}`,
                settings: settings.text,
                digest: settings.digests.install,
                timeoutSeconds: spec.timeouts.nodeSeconds,
            },
            {
                parent: this,
                dependsOn: scripts,
                hooks: allHooks(refuseRuntimeChange(machine.name, spec), refusals, planned),
            },
        );
    }
}
