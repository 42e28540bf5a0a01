import * as fs from "node:fs";
import * as path from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { bundle } from "../bundle";

const scripts = path.join(__dirname, "local");

/** A pair of keys in OpenSSH form. */
export interface KeyPair {
    privateKey: string;
    publicKey: string;
}

/** Makes pairs of SSH keys on this computer, once, and keeps them as secrets: `${name}-keys`. */
export function makeSshKeys<Owner extends string>(
    name: string,
    owners: Owner[],
    opts: pulumi.ComponentResourceOptions,
): pulumi.Output<Record<Owner, KeyPair>> {
    const script = fs.readFileSync(path.join(scripts, "keys.sh"), "utf8");
    const keys = new command.local.Command(
        `${name}-keys`,
        {
            create: `bash -c "$SCRIPTS" bundle keys ${owners.join(" ")}`,
            environment: { SCRIPTS: bundle(scripts, { "keys.sh": script }) },
            logging: "none",
            addPreviousOutputInEnv: false,
        },
        {
            ...opts,
            additionalSecretOutputs: ["stdout"],
            // An edit of the scripts must not make new keys for a machine that has the old ones.
            ignoreChanges: ["create", "environment"],
        },
    );
    const pairs: pulumi.Output<unknown> = keys.stdout.apply((stdout): unknown => JSON.parse(stdout));
    return pulumi.secret(pairs) as pulumi.Output<Record<Owner, KeyPair>>;
}
