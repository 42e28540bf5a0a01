import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Files } from "../bundle";
import { Machine } from "../machine/machine";
import { ClusterSpec } from "../spec";
import { HostBundle, hostBundle } from "./hostBundle";
import { remoteStep, uploadStep } from "./remoteStep";
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
    /** Everything that later stages run on the node. */
    public readonly bundle: pulumi.Output<HostBundle>;
    /** Done when the node is ready for `kubeadm`. */
    public readonly installed: command.remote.Command;

    constructor(
        public readonly machine: Machine,
        spec: ClusterSpec,
        membership: Membership,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:node:NodeBootstrap", machine.name, {}, opts);
        this.bundle = pulumi.output(membership.files).apply((files) => hostBundle(spec, machine.name, files));
        const bundle = this.upload(spec, membership);
        this.installed = this.install(spec, membership, bundle);
        this.registerOutputs({});
    }

    private upload(spec: ClusterSpec, { refusals }: Membership) {
        const { machine, bundle } = this;
        return uploadStep(
            `${machine.name}-bundle`,
            { machine, text: bundle.text, timeoutSeconds: spec.timeouts.machineSeconds },
            { parent: this, dependsOn: machine.dependsOn, hooks: refusals },
        );
    }

    private install(spec: ClusterSpec, { joins }: Membership, bundle: pulumi.Resource) {
        return remoteStep(
            `${this.machine.name}-install`,
            {
                machine: this.machine,
                run: `node apply ${installSteps(spec).join(" ")}`,
                undo: `node reset ${uninstallSteps(spec, joins).join(" ")}`,
                digest: this.bundle.digests.install,
                timeoutSeconds: spec.timeouts.nodeSeconds,
            },
            {
                parent: this,
                dependsOn: bundle,
                hooks: refuseRuntimeChange(this.machine.name, spec),
            },
        );
    }
}
