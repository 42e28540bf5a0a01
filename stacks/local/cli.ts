import { Stack } from "@pulumi/pulumi/automation";

/**
 * Runs an update that Ctrl-C ends in order: the engine finishes or cancels the step that it is at and writes its state,
 * so that the next run goes on from there. A lock that a killed run left is taken away first; the state folder's own
 * lock has made sure that no other run is alive.
 */
export async function interruptible(
    stack: Stack,
    log: (line: string) => void,
    update: (signal: AbortSignal) => Promise<unknown>,
) {
    await stack.cancel().catch(() => undefined);
    const controller = new AbortController();
    let interrupted = false;
    const notice = () => {
        interrupted = true;
        log("stopping after the step at hand; run the same command again to go on …");
    };
    const onTerm = () => {
        notice();
        controller.abort();
    };
    // A terminal sends Ctrl-C to the engine too; a second one from here would make it stop without writing its state.
    process.on("SIGINT", notice);
    process.on("SIGTERM", onTerm);
    try {
        await update(controller.signal);
    } catch (error) {
        throw interrupted ? new Interrupted() : error;
    } finally {
        process.off("SIGINT", notice);
        process.off("SIGTERM", onTerm);
    }
}

export class Interrupted extends Error {
    override message = "interrupted";
}

/** Says in a few lines why a command failed, and ends with the right exit code. */
export function failed(error: unknown) {
    const text = error instanceof Error ? error.message : String(error);
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    const told = lines.filter((line) => /^\s*(error:|kata-cluster:|KataCluster ")/.test(line));
    console.error(`\nkata-cluster: ${[...new Set(told.length > 0 ? told : lines.slice(-20))].join("\n")}`);
    process.exit(error instanceof Interrupted ? 130 : 1);
}
