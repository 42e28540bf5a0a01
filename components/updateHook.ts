import * as pulumi from "@pulumi/pulumi";

/** Looks at a resource before it is updated, in previews too. `name` is the hook's. */
export function beforeUpdate(name: string, look: (args: pulumi.ResourceHookArgs) => void): pulumi.ResourceHookBinding {
    // The SDK's mocks know no hooks, and a program under test that registers one never ends.
    if (typeof pulumi.runtime.getMonitor()?.registerResourceHook !== "function") {
        return {};
    }
    return { beforeUpdate: [new pulumi.ResourceHook(name, look, { onDryRun: true })] };
}

/** All of them for one resource. */
export function allHooks(...bindings: (pulumi.ResourceHookBinding | undefined)[]): pulumi.ResourceHookBinding {
    const beforeUpdate = bindings.flatMap((binding) => binding?.beforeUpdate ?? []);
    return beforeUpdate.length > 0 ? { beforeUpdate } : {};
}
