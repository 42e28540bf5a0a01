import * as pulumi from "@pulumi/pulumi";
import { BastionArgs, ExistingMachineArgs, KataClusterArgs } from "./args";

/** The arguments as they go into state and diffs: with every credential marked as a secret. */
export function secretArgs(args: KataClusterArgs): KataClusterArgs {
    const existing = args.machines.existing;
    if (!existing) {
        return args;
    }
    const controlPlanes = existing.controlPlanes.map(machineWithSecrets);
    const workers = existing.workers?.map(machineWithSecrets);
    const machines = { ...existing, controlPlanes, ...(workers ? { workers } : {}) };
    return { ...args, machines: { ...args.machines, existing: machines } };
}

function machineWithSecrets(machine: ExistingMachineArgs): ExistingMachineArgs {
    return { ...withSecrets(machine), ...(machine.bastion ? { bastion: withSecrets(machine.bastion) } : {}) };
}

function withSecrets<T extends ExistingMachineArgs | BastionArgs>(login: T): T {
    const secrets = (["privateKey", "privateKeyPassword", "password"] as const)
        .filter((field) => login[field] !== undefined)
        .map((field) => [field, pulumi.secret(login[field])] as const);
    return { ...login, ...Object.fromEntries(secrets) };
}
