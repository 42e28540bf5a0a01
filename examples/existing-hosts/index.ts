import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "kata-cluster";

/** A machine, and the public host key by which it is known. */
interface Host {
    address: string;
    hostKey: string;
}

interface Worker extends Host {
    /** The node's name, for ever. So a worker can leave the middle of the list, and the others stay who they are. */
    name: string;
}

const config = new pulumi.Config();

// The same login everywhere. The key is a secret in the configuration, and stays one in the state.
const login = { user: config.get("user") ?? "ubuntu", privateKey: config.requireSecret("privateKey") };
const bastion = { ...config.requireObject<Host>("bastion"), ...login };
const reached = { ...login, bastion };

const cluster = new KataCluster("prod", {
    machines: {
        existing: {
            controlPlanes: [
                {
                    ...config.requireObject<Host>("controlPlane"),
                    ...reached,
                    // The bastion is for SSH. The API is reached from here by this address.
                    apiAddress: config.require("apiAddress"),
                },
            ],
            workers: config.requireObject<Worker[]>("workers").map((worker) => ({ ...worker, ...reached })),
        },
    },
    // Pods that say nothing of themselves are not trusted either.
    trust: { defaultWorkloadTrust: "untrusted" },
});

export const kubeconfig = cluster.kubeconfig; // secret
export const nodes = cluster.nodes;
export const isolation = cluster.isolation;
