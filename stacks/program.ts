import * as pulumi from "@pulumi/pulumi";
import { KataCluster, KataClusterArgs } from "../index";

/** The program of every stack: its configuration makes one cluster. Described in Pulumi.yaml. */
export async function program() {
    const config = new pulumi.Config();
    const cluster = new KataCluster(config.get("name") ?? "lab", {
        machines: config.requireObject<KataClusterArgs["machines"]>("machines"),
        containerRuntime: config.get<NonNullable<KataClusterArgs["containerRuntime"]>>("containerRuntime"),
        kubernetes: config.getObject("kubernetes"),
        kata: config.getObject("kata"),
        trust: config.getObject("trust"),
        mirror: config.getObject("mirror"),
        releases: config.getObject("releases"),
        untrustedPod: config.getObject("untrustedPod"),
        timeouts: config.getObject("timeouts"),
        allowDisruption: config.getObject("allowDisruption"),
    });
    return {
        kubeconfig: cluster.kubeconfig,
        nodes: cluster.nodes,
        runtimeClassName: cluster.runtimeClassName,
        isolation: cluster.isolation,
    };
}
