import * as fs from "node:fs";
import { failed, interruptible } from "./local/cli";
import { parseOptions, usage } from "./local/options";
import { Progress } from "./local/progress";
import { pulumiCommand } from "./local/pulumiCommand";
import { StateFolder } from "./local/stateFolder";
import { removeLeftovers } from "./local/machines";
import { openStack, project, stackName } from "./local/workspace";
import { program } from "./program";

/** `npm stop`: removes the cluster, its machines and their files. */
async function stop() {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) {
        console.log(usage);
        return;
    }
    if (!fs.existsSync(options.state)) {
        console.log(`Nothing to remove: ${options.state} is not there.`);
        return;
    }
    const state = new StateFolder(options.state);
    state.lock();
    const progress = new Progress((line) => console.log(line));
    const log = (line: string) => progress.line(line);
    const { pulumi, plugins } = state.readJson<{ pulumi?: string; plugins: string[] }>("lab.json", { plugins: [] });
    const stack = await openStack(state, await pulumiCommand(log, pulumi), program, plugins);
    await interruptible(stack, log, (signal) =>
        stack.destroy({ signal, onEvent: (event) => progress.show(event), color: "never", remove: true }),
    );
    removeLeftovers(project, stackName(state), "lab");
    fs.rmSync(options.state, { recursive: true });
    log("removed");
}

stop().catch(failed);
