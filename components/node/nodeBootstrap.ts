import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Files } from "../bundle";
import { Machine } from "../machine/machine";
import { ClusterSpec } from "../spec";
import { bundlePath, HostBundle, hostBundle } from "./hostBundle";
import { remoteStep } from "./remoteStep";
import { refuseRuntimeChange } from "./runtimeChange";
import { installSteps, uninstallSteps } from "./steps";

/** How a node becomes a part of its cluster: what only kubeadm reads, and whether it joins one that is there. */
export interface Membership {
    files: pulumi.Input<Files>;
    joins: boolean;
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
        const bundle = this.upload(spec);
        this.installed = this.install(spec, membership, bundle);
        this.registerOutputs({});
    }

    private upload(spec: ClusterSpec) {
        const { machine } = this;
        const bounded = `${spec.timeouts.machineSeconds}s`;
        return new command.remote.CopyToRemote(
            `${machine.name}-bundle`,
            {
                connection: machine.connection,
                source: assetOf(this.bundle.text),
                remotePath: bundlePath,
            },
            {
                parent: this,
                dependsOn: machine.dependsOn,
                deletedWith: machine.owner,
                customTimeouts: { create: bounded, update: bounded },
            },
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

/**
 * A text as an asset. The provider refuses a source that is not known yet, and so every preview of a machine whose
 * address the cloud has not given out: until then it says so.
 */
function assetOf(text: pulumi.Output<string>): pulumi.Output<pulumi.asset.Asset> {
    const { isKnown } = text as unknown as { isKnown: Promise<boolean> };
    const known = text.apply((content) => new pulumi.asset.StringAsset(content));
    return pulumi.output(isKnown.then((yes) => (yes ? known : new pulumi.asset.StringAsset("not known yet\n"))));
}
