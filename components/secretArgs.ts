import * as pulumi from "@pulumi/pulumi";
import { BastionArgs, ExistingMachineArgs, GcpSshArgs, KataClusterArgs, MachinesArgs } from "./args";

/** The arguments as they go into state and diffs: with every credential marked as a secret. */
export function secretArgs(args: KataClusterArgs): KataClusterArgs {
    return { ...args, machines: machinesWithSecrets(args.machines) };
}

function machinesWithSecrets({ existing, gcp, ...rest }: MachinesArgs): MachinesArgs {
    if (existing) {
        const controlPlanes = existing.controlPlanes.map(machineWithSecrets);
        const workers = existing.workers?.map(machineWithSecrets);
        return { ...rest, existing: { ...existing, controlPlanes, ...(workers ? { workers } : {}) } };
    }
    return gcp ? { ...rest, gcp: { ...gcp, ssh: withSecrets(gcp.ssh) } } : rest;
}

function machineWithSecrets(machine: ExistingMachineArgs): ExistingMachineArgs {
    return { ...withSecrets(machine), ...(machine.bastion ? { bastion: withSecrets(machine.bastion) } : {}) };
}

/** What holds a credential of a login. */
type Login = ExistingMachineArgs | BastionArgs | GcpSshArgs;

function withSecrets<T extends Login>(login: T): T {
    const credentials: Partial<Record<string, unknown>> = { ...login };
    const secrets = ["privateKey", "privateKeyPassword", "password"]
        .filter((field) => credentials[field] !== undefined)
        .map((field) => [field, pulumi.secret(credentials[field])] as const);
    return { ...login, ...Object.fromEntries(secrets) };
}
