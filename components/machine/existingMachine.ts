import * as fs from "node:fs";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ExistingMachineArgs } from "../args";
import { quoted } from "../shell";
import { connectionTo } from "./connection";
import { Machine, withApiPort } from "./machine";
import { MachineSpec } from "./machineSpec";

/** A machine that exists already and takes SSH. It has no resource but for the look at its host key. */
export function existingMachine(
    { name, role, labels, taints, existing }: MachineSpec & { kind: "existing" },
    controlPlaneEndpoint: pulumi.Input<string> | undefined,
    opts: pulumi.ComponentResourceOptions,
): Machine {
    const scan = existing.hostKeyPolicy === "trust-on-first-use" ? firstSeenHostKey(name, existing, opts) : undefined;
    const hostKey = scan?.stdout ?? existing.hostKey!;
    return {
        name,
        role,
        labels,
        taints,
        internalAddress: existing.internalAddress,
        connection: connectionTo({ ...existing, hostKey }, existing.bastion),
        apiAddress: withApiPort(existing.apiAddress ?? controlPlaneEndpoint ?? existing.address),
        dependsOn: scan ? [scan] : [],
    };
}

/** Asks for the key once. It is kept in state, and every connection from then on is held to it. */
function firstSeenHostKey(name: string, args: ExistingMachineArgs, opts: pulumi.ComponentResourceOptions) {
    void pulumi.log.warn(
        `${name}: hostKeyPolicy "trust-on-first-use" trusts whatever answers at the first up; ` +
            "set hostKey once you know it",
        opts.parent,
    );
    return new command.local.Command(
        `${name}-host-key`,
        {
            // The script's text: its path from where the provider runs is not known, and another one on each computer.
            create: pulumi.interpolate`bash -c "$SCRIPT" hostKey.sh ${pulumi.output(args.address).apply(quoted)} ${args.port ?? 22}`,
            environment: { SCRIPT: fs.readFileSync(path.join(__dirname, "hostKey.sh"), "utf8") },
            // An edit of this text must not quietly trust another key.
            update: "true",
            logging: "stderr",
            addPreviousOutputInEnv: false,
        },
        { ...opts, ignoreChanges: ["create", "environment"] },
    );
}
