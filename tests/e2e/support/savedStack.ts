import { Stack } from "@pulumi/pulumi/automation";
import { program } from "../../../stacks/program";
import { pulumiCommand } from "../../../stacks/local/pulumiCommand";
import { StateFolder } from "../../../stacks/local/stateFolder";
import { openStack } from "../../../stacks/local/workspace";

/** The stack that `npm start` left in a state folder. */
export async function savedStack(folder: string): Promise<Stack> {
    const state = new StateFolder(folder);
    const { pulumi, plugins } = state.readJson<{ pulumi?: string; plugins: string[] }>("lab.json", { plugins: [] });
    return openStack(state, await pulumiCommand(() => undefined, pulumi), program, plugins);
}
