import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { KataCluster, UntrustedPod } from "kata-cluster";

const config = new pulumi.Config();

const cluster = new KataCluster("lab", {
    machines: { local: { workers: { count: config.getNumber("workers") ?? 0 } } },
});

// The identifier tells the provider that the cluster is the same one, whatever else in its kubeconfig changes.
const provider = new k8s.Provider("lab", { kubeconfig: cluster.kubeconfig, clusterIdentifier: "lab" });

// It runs in a virtual machine of its own, and is refused what would give it a part of its node.
const job = new UntrustedPod(
    "job",
    {
        name: "job",
        spec: {
            containers: [
                {
                    name: "job",
                    image: config.get("image") ?? "busybox:1.37",
                    command: ["sh", "-c", "uname -r; sleep infinity"],
                },
            ],
        },
    },
    // When the cluster goes as a whole, nobody has to ask its API to delete the pod first.
    { provider, deletedWith: cluster },
);

export const kubeconfig = cluster.kubeconfig; // secret
export const isolation = cluster.isolation;
export const pod = job.name;
