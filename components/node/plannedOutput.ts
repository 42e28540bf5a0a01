import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { beforeUpdate } from "../updateHook";

/**
 * What a command prints, to plan by where a further run of it is all but sure to print the same. In a preview the
 * output of a command that is to run again is unknown, and so is then all that depends on it; here it is what the state
 * has. An `up` takes what is really printed.
 */
export class PlannedOutput {
    /** For the options of the command. */
    readonly hooks: pulumi.ResourceHookBinding;
    private before?: string;

    constructor(name: string) {
        this.hooks = beforeUpdate(`${name}-output`, ({ oldOutputs }) => {
            this.before = pulumi.runtime.unwrapRpcSecret(oldOutputs?.stdout) as string | undefined;
        });
    }

    of(made: command.remote.Command): pulumi.Output<string> {
        if (!pulumi.runtime.isDryRun()) {
            return made.stdout;
        }
        // The URN comes when the step is planned, and so after the hook.
        return made.urn.apply(() => (this.before === undefined ? made.stdout : pulumi.output(this.before)));
    }
}
