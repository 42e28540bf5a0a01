import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";

/**
 * Says what to do where Google Cloud refuses a machine for its nested virtualization. The error itself is the
 * provider's.
 */
export function explainRefusal(cluster: string): pulumi.ResourceHookBinding {
    // The SDK's mocks know no hooks, and a program under test that registers one never ends.
    if (typeof pulumi.runtime.getMonitor()?.registerErrorHook !== "function") {
        return {};
    }
    const explain = async ({ name, errors }: pulumi.ErrorHookArgs) => {
        const text = hint(errors[0] ?? "");
        if (text) {
            await pulumi.log.error(`machine ${name}: ${text}`);
        }
        return false;
    };
    // The engine calls from outside: unbound, the log of an inline program would not know its stack.
    const hook = new pulumi.ErrorHook(`${cluster}-nested-virtualization`, AsyncResource.bind(explain));
    return { onError: [hook] };
}

/** What to do about an error of Google Cloud, where it is one that we know. @internal */
export function hint(error: string): string | undefined {
    if (/disableNestedVirtualization/i.test(error)) {
        return (
            "the organization policy constraints/compute.disableNestedVirtualization forbids nested virtualization, which " +
            "Kata needs. Fix: have it lifted for this project: gcloud resource-manager org-policies disable-enforce " +
            "compute.disableNestedVirtualization --project PROJECT"
        );
    }
    if (/nested ?virtualization/i.test(error)) {
        return (
            "Google Cloud refuses nested virtualization, which Kata needs. Fix: choose a machineType of a family that has " +
            "it: https://cloud.google.com/compute/docs/instances/nested-virtualization/overview#restrictions. It may also " +
            "be the organization policy constraints/compute.disableNestedVirtualization"
        );
    }
    return undefined;
}
