import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
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

/**
 * The only place that makes a `remote.Command`. It has no `update`, so that any change runs `create` again, which
 * converges; and no `triggers`, which would replace the step and run the old `delete` after the new `create`.
 */
export function remoteStep(
    name: string,
    args: RemoteStepArgs,
    opts: pulumi.CustomResourceOptions,
): command.remote.Command {
    const { machine, livesWith, input } = args;
    const bounded = `${args.timeoutSeconds}s`;
    // Also what undoes it reads its input: the session sends it all the same.
    const runFromBundle = `sudo bash ${bundlePath}${input === undefined ? "" : " --input"}`;
    const undone = args.undo !== undefined && (livesWith !== undefined || !machine.owner);
    return new command.remote.Command(
        name,
        {
            connection: machine.connection,
            create: pulumi.interpolate`${runFromBundle} ${args.run} # ${args.digest}`,
            delete: undone ? `${runFromBundle} ${args.undo}` : undefined,
            stdin: input,
            logging: "stderr",
            addPreviousOutputInEnv: false,
        },
        {
            ...opts,
            deletedWith: livesWith ?? machine.owner,
            additionalSecretOutputs: args.secretOutput ? ["stdout"] : [],
            customTimeouts: { create: bounded, update: bounded, delete: bounded },
        },
    );
}
