import * as pulumi from "@pulumi/pulumi";
import { GcpSpec } from "./gcpSpec";

/** Who logs in to the machines, and with what. */
export interface GcpLogin {
    user: string;
    /** Secret. */
    privateKey: pulumi.Input<string>;
    publicKey: pulumi.Input<string>;
}

/** What every virtual machine has here, the bastion too. It has no service account: none is made unless asked for. */
export function hardenedInstance(spec: GcpSpec, login: GcpLogin) {
    return {
        project: spec.project,
        labels: spec.labels,
        canIpForward: false,
        // A change that stops the machine, of its type for example, is refused: it would stop the node under its pods.
        allowStoppingForUpdate: false,
        metadata: {
            "ssh-keys": pulumi.output(login.publicKey).apply((key) => `${login.user}:${key.trim()}`),
            // Nobody else logs in, whatever keys the project has.
            "block-project-ssh-keys": "TRUE",
            "enable-oslogin": "FALSE",
            // The machine tells its host key by them.
            "enable-guest-attributes": "TRUE",
            "serial-port-enable": "FALSE",
        },
        shieldedInstanceConfig: {
            enableSecureBoot: true,
            enableVtpm: true,
            enableIntegrityMonitoring: true,
        },
    };
}

/** A newer image of the family, and other labels of the disk, would replace the machine. */
export const setWhenMade = ["bootDisk.initializeParams.image", "bootDisk.initializeParams.labels"];
