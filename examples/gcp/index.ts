import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "kata-cluster";

const config = new pulumi.Config();
const sourceRanges = config.requireObject<string[]>("sourceRanges");

const cluster = new KataCluster("lab", {
    machines: {
        gcp: {
            region: config.get("region") ?? "europe-west4",
            // Set deletionProtection to false, and pulumi up, before you destroy it: etcd is on this machine.
            controlPlane: { count: 1, deletionProtection: true },
            workerPools: [
                { name: "worker", count: config.getNumber("workers") ?? 1 },
                {
                    name: "spot",
                    count: config.getNumber("spotWorkers") ?? 2,
                    spot: true,
                    // Only pods that tolerate it come here, for they must bear that their node goes away.
                    labels: { "example.com/pool": "spot" },
                    taints: [{ key: "example.com/spot", effect: "NoSchedule" }],
                },
            ],
            ssh: { via: "bastion", sourceRanges },
            api: { sourceRanges },
        },
    },
});

export const kubeconfig = cluster.kubeconfig; // secret
export const nodes = cluster.nodes;
export const runtimeClassName = cluster.runtimeClassName;
export const isolation = cluster.isolation;
