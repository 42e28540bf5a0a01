import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { livingWith } from "../lifetime";
import { Machine } from "../machine/machine";
import { identityOf } from "../machine/connection";
import { bundlePath } from "./hostScripts";

/** One command on a node. */
export interface RemoteStepArgs {
    machine: Machine;
    /** What to run out of the bundle: a script's name and its arguments. */
    run: pulumi.Input<string>;
    /** What undoes it, on a machine that is not ours to throw away. */
    undo?: string;
    /** Digest of the files that `run` depends on. An edit of them runs the step again. */
    digest: pulumi.Input<string>;
    /** Upper bound in seconds. */
    timeoutSeconds: number;
    /** Whether what it prints is a secret. */
    secretOutput?: boolean;
    /** What it reads. */
    input?: pulumi.Input<string>;
    /** The node's settings, for this command and those to come. */
    settings?: pulumi.Input<string>;
    /**
     * What it changes lives and dies with this, where that is not the machine it runs on: then it is undone on a machine
     * of ours too, unless this goes as well.
     */
    livesWith?: pulumi.Resource;
}

/** The scripts that a node is to have. */
export interface ScriptsStepArgs {
    machine: Machine;
    source: pulumi.asset.FileAsset;
    /** Upper bound in seconds. */
    timeoutSeconds: number;
}

/**
 * Puts the scripts on a node, as the user who logs in. The provider copies again only if the file has changed, so another
 * machine under the same name makes the resource anew; that undoes nothing.
 */
export function scriptsStep(
    name: string,
    { machine, source, timeoutSeconds }: ScriptsStepArgs,
    opts: pulumi.CustomResourceOptions,
): command.remote.CopyToRemote {
    const { connection, owner } = machine;
    const user = pulumi.unsecret(pulumi.output(connection)).apply(({ user }) => user);
    return new command.remote.CopyToRemote(
        name,
        { connection, source, remotePath: bundlePath, triggers: [identityOf(connection), user] },
        { ...opts, ...livingWith(owner), customTimeouts: bounded(timeoutSeconds) },
    );
}

/** Runs a command out of the bundle. It has no `update`, so that any change runs `create` again, which converges. */
export function remoteStep(
    name: string,
    args: RemoteStepArgs,
    opts: pulumi.CustomResourceOptions,
): command.remote.Command {
    const { machine, input, settings, timeoutSeconds } = args;
    // Also what undoes it reads its input: the session sends it all the same.
    const reads = settings !== undefined ? " --settings" : input !== undefined ? " --input" : "";
    // A copy that broke off at its first byte would run nothing, and say nothing.
    const runFromBundle = `test -s ${bundlePath} && sudo bash ${bundlePath}${reads}`;
    const undone = args.undo !== undefined && (args.livesWith !== undefined || !machine.owner);
    return remoteCommand(
        name,
        {
            connection: machine.connection,
            create: pulumi.interpolate`${runFromBundle} ${args.run} # ${args.digest}`,
            delete: undone ? `${runFromBundle} ${args.undo}` : undefined,
            stdin: settings ?? input,
        },
        { timeoutSeconds, livesWith: args.livesWith ?? machine.owner },
        { ...opts, additionalSecretOutputs: args.secretOutput ? ["stdout"] : [] },
    );
}

/**
 * The only place that makes a `remote.Command`. It sets no `triggers`: a change of them replaces. Where one is replaced
 * all the same, it is undone first, for a new `create` must not be followed by the old `delete`.
 */
function remoteCommand(
    name: string,
    args: command.remote.CommandArgs,
    { timeoutSeconds, livesWith }: { timeoutSeconds: number; livesWith?: pulumi.Resource },
    opts: pulumi.CustomResourceOptions,
): command.remote.Command {
    return new command.remote.Command(
        name,
        { ...args, logging: "stderr", addPreviousOutputInEnv: false },
        {
            ...opts,
            ...livingWith(livesWith),
            deleteBeforeReplace: args.delete !== undefined,
            customTimeouts: bounded(timeoutSeconds),
        },
    );
}

function bounded(timeoutSeconds: number): pulumi.CustomTimeouts {
    const bound = `${timeoutSeconds}s`;
    return { create: bound, update: bound, delete: bound };
}
