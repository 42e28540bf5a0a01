import * as pulumi from "@pulumi/pulumi";

/** A resource's inputs as the engine has them; what is not known yet is missing. */
export type Inputs = Record<string, unknown>;

/**
 * Refuses an update of a resource, at preview and at `up`. `refusal` is told the old and the new inputs and gives what to
 * say, or nothing where the change may go ahead.
 */
export function refuseUpdate(
    name: string,
    refusal: (before: Inputs, after: Inputs) => string | undefined,
): pulumi.ResourceHookBinding {
    // The SDK's mocks know no hooks, and a program under test that registers one never ends.
    if (typeof pulumi.runtime.getMonitor()?.registerResourceHook !== "function") {
        return {};
    }
    const hook = new pulumi.ResourceHook(
        name,
        ({ oldInputs, newInputs }) => {
            const message = refusal(oldInputs ?? {}, newInputs ?? {});
            if (message !== undefined) {
                throw new Error(message);
            }
        },
        { onDryRun: true },
    );
    return { beforeUpdate: [hook] };
}
