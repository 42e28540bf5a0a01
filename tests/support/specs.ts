import { KataClusterArgs } from "../../components/args";
import { ClusterSpec, resolve } from "../../components/spec";

/** A host key and a private key in the right form; neither opens anything. */
export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1y1Wxp0V8d3WmVY1sC3bDgkI3ZQ0xq0Z7yJr8Vd0aX";
export const privateKey =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY-PRIVATE-KEY\n-----END OPENSSH PRIVATE KEY-----\n";

/** Arguments for one machine that exists already. */
export function existing(machine: Partial<KataClusterArgs["machines"]["existing"] & object> = {}): KataClusterArgs {
    return {
        machines: {
            existing: { controlPlanes: [{ address: "192.0.2.10", hostKey, privateKey }], ...machine },
        },
    };
}

/** The spec of a cluster named `lab`. */
export function specOf(args: Partial<KataClusterArgs> = {}): ClusterSpec {
    return resolve("lab", { machines: { local: {} }, ...args });
}
