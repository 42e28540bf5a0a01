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
    const { machine } = args;
    const bounded = `${args.timeoutSeconds}s`;
    return new command.remote.Command(
        name,
        {
            connection: machine.connection,
            create: pulumi.interpolate`${runFromBundle} ${args.run} # ${args.digest}`,
            delete: machine.owner || !args.undo ? undefined : `${runFromBundle} ${args.undo}`,
            logging: "stderr",
            addPreviousOutputInEnv: false,
        },
        {
            ...opts,
            deletedWith: machine.owner,
            additionalSecretOutputs: args.secretOutput ? ["stdout"] : [],
            customTimeouts: { create: bounded, update: bounded, delete: bounded },
        },
    );
}

const runFromBundle = `sudo bash ${bundlePath}`;
