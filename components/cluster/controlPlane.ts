import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { parse, stringify } from "yaml";
import { NodeBootstrap } from "../node/nodeBootstrap";
import { PlannedOutput } from "../node/plannedOutput";
import { remoteStep } from "../node/remoteStep";
import { controlPlaneSteps } from "../node/steps";
import { ClusterSpec } from "../spec";
import { joinNode } from "./nodeJoin";

/** `kubeadm init` on the first of the installed nodes, and `kubeadm join` on the others, one after the other. */
export class ControlPlane extends pulumi.ComponentResource {
    /** The node that the cluster began on. */
    public readonly node: NodeBootstrap;
    /** Done when the API serves. What lives in the cluster is deleted with it. */
    public readonly init: command.remote.Command;
    /** Done when all control planes serve. */
    public readonly joined: command.remote.Command[] = [];
    /** Where the nodes reach the API. */
    public readonly endpoint: pulumi.Output<Endpoint>;
    /** The administrator's kubeconfig, with the address under which the user reaches the API. Secret. */
    public readonly kubeconfig: pulumi.Output<string>;

    constructor(name: string, nodes: NodeBootstrap[], spec: ClusterSpec, opts: pulumi.ComponentResourceOptions) {
        super("kata-cluster:cluster:ControlPlane", name, {}, opts);
        const [node, ...others] = nodes as [NodeBootstrap, ...NodeBootstrap[]];
        this.node = node;
        const initName = `${node.machine.name}-init`;
        // A control plane that was initialized is never reset, and keeps its administrator's kubeconfig.
        const adminConf = new PlannedOutput(initName);
        this.init = remoteStep(
            initName,
            {
                machine: node.machine,
                run: `node apply ${controlPlaneSteps.join(" ")}`,
                undo: `node reset ${controlPlaneSteps.join(" ")}`,
                digest: sinceBoot(node.machine.boot, node.digests.init),
                timeoutSeconds: spec.timeouts.controlPlaneSeconds,
                secretOutput: true,
            },
            { parent: this, dependsOn: node.installed, hooks: adminConf.hooks },
        );
        // One after the other: etcd takes its members so, and gives them back in the opposite order.
        for (const other of others) {
            this.joined.push(joinNode(other, this, spec, this.joined.slice(-1)));
        }
        const printed = adminConf.of(this.init);
        this.endpoint = pulumi.unsecret(printed).apply((conf) => endpointIn(conf, name));
        this.kubeconfig = pulumi.secret(
            pulumi
                .all([printed, node.machine.apiAddress])
                .apply(([conf, address]) => userKubeconfig(conf, address, name)),
        );
        this.registerOutputs({ kubeconfig: this.kubeconfig });
    }
}

/** Runs the step again after the machine was started anew: all that is made through the API needs it to serve by then. */
function sinceBoot(boot: number | undefined, digest: pulumi.Input<string>): pulumi.Input<string> {
    return boot !== undefined && boot > 1 ? pulumi.interpolate`${digest}, boot ${boot}` : digest;
}

/** A server by its host, an IPv6 address without brackets, and its port. */
export interface Endpoint {
    host: string;
    port: string;
}

/** The server that kubeadm has put into the node's `admin.conf`. */
function endpointIn(adminConf: string, name: string): Endpoint {
    const { hostname, port } = new URL(contentOf(adminConf, name).cluster.server);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: port || "443" };
}

/**
 * The node's `admin.conf` with the server that the user reaches, and names that say which cluster it is.
 *
 * @throws if there is no cluster in it: the provider would take an empty kubeconfig for the user's own.
 * @internal
 */
export function userKubeconfig(adminConf: string, address: string, name: string): string {
    const { cluster, user } = contentOf(adminConf, name);
    const admin = `${name}-admin`;
    return stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name, cluster: { ...cluster, server: `https://${address}` } }],
        users: [{ name: admin, user }],
        contexts: [{ name, context: { cluster: name, user: admin } }],
        "current-context": name,
    });
}

/** The only cluster and user of an `admin.conf`. */
function contentOf(adminConf: string, name: string) {
    const config = parse(adminConf) as Partial<AdminConf> | undefined | null;
    const cluster = config?.clusters?.[0]?.cluster;
    const user = config?.users?.[0]?.user;
    if (!cluster || !user) {
        throw new Error(`the control plane of "${name}" gave no kubeconfig; run up again`);
    }
    return { cluster, user };
}

interface AdminConf {
    clusters: { cluster: { server: string } }[];
    users: { user: object }[];
}
