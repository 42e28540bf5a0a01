import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { lastLine } from "../bundle";
import { livingWith } from "../lifetime";
import { Machine } from "../machine/machine";
import { bundlePath } from "./hostBundle";

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
    /**
     * What it changes lives and dies with this, where that is not the machine it runs on: then it is undone on a machine
     * of ours too, unless this goes as well.
     */
    livesWith?: pulumi.Resource;
}

/** The bundle that a node is to have. */
export interface UploadStepArgs {
    machine: Machine;
    /** The bundle's text. Public: it shows in previews. */
    text: pulumi.Input<string>;
    /** Upper bound in seconds. */
    timeoutSeconds: number;
}

/**
 * Puts a bundle on a node, as the user who logs in. It is read to its end, which its last line tells, and then takes the
 * place of the one before in one piece: a copy that broke off changes nothing.
 */
export function uploadStep(
    name: string,
    { machine, text, timeoutSeconds }: UploadStepArgs,
    opts: pulumi.CustomResourceOptions,
): command.remote.Command {
    const arriving = `${bundlePath}.new`;
    return remoteCommand(
        name,
        {
            connection: machine.connection,
            create: [
                `mkdir -p ${path.posix.dirname(bundlePath)}`,
                `cat >${arriving}`,
                `tail -n 1 ${arriving} | grep -qxF '${lastLine}'`,
                `mv -f ${arriving} ${bundlePath}`,
            ].join(" && "),
            stdin: text,
        },
        { timeoutSeconds, livesWith: machine.owner },
        opts,
    );
}

/** Runs a command out of the bundle. It has no `update`, so that any change runs `create` again, which converges. */
export function remoteStep(
    name: string,
    args: RemoteStepArgs,
    opts: pulumi.CustomResourceOptions,
): command.remote.Command {
    const { machine, input, timeoutSeconds } = args;
    // Also what undoes it reads its input: the session sends it all the same.
    const runFromBundle = `sudo bash ${bundlePath}${input === undefined ? "" : " --input"}`;
    const undone = args.undo !== undefined && (args.livesWith !== undefined || !machine.owner);
    return remoteCommand(
        name,
        {
            connection: machine.connection,
            create: pulumi.interpolate`${runFromBundle} ${args.run} # ${args.digest}`,
            delete: undone ? `${runFromBundle} ${args.undo}` : undefined,
            stdin: input,
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
    const bounded = `${timeoutSeconds}s`;
    return new command.remote.Command(
        name,
        { ...args, logging: "stderr", addPreviousOutputInEnv: false },
        {
            ...opts,
            ...livingWith(livesWith),
            deleteBeforeReplace: args.delete !== undefined,
            customTimeouts: { create: bounded, update: bounded, delete: bounded },
        },
    );
}
