import * as pulumi from "@pulumi/pulumi";
import { ClusterSpec } from "../../spec";
import { makeSshKeys } from "../sshKeys";
import { GcpBastion } from "./bastion";
import { GcpNetwork } from "./gcpNetwork";
import { GcpSpec } from "./gcpSpec";
import { GcpLogin } from "./instance";
import { GcpLoadBalancer } from "./loadBalancer";
import { explainRefusal } from "./nestedVirtualization";

/** What the machines of a cluster on Google Cloud share. Nothing in it knows the workers. */
export interface GcpSite {
    cluster: string;
    spec: GcpSpec;
    network: GcpNetwork;
    login: GcpLogin;
    /** None where the machines are reached directly. */
    bastion?: GcpBastion;
    /** In front of several control planes. */
    balancer?: GcpLoadBalancer;
    /** Hooks of every machine. */
    hooks: pulumi.ResourceHookBinding;
    /** Upper bound for a machine to boot. */
    timeoutSeconds: number;
}

/** Makes what the machines share. */
export function gcpSite(cluster: ClusterSpec, spec: GcpSpec, opts: pulumi.ComponentResourceOptions): GcpSite {
    const { name } = cluster;
    const timeoutSeconds = cluster.timeouts.machineSeconds;
    const network = new GcpNetwork(name, spec, opts);
    const login = loginOf(name, spec, { ...opts, parent: network });
    const bastion =
        spec.ssh.via === "direct" ? undefined : new GcpBastion(name, spec, network, login, timeoutSeconds, opts);
    const balancer =
        spec.controlPlanes > 1 ? new GcpLoadBalancer(name, spec, controlPlaneZones(cluster), network, opts) : undefined;
    return { cluster: name, spec, network, login, bastion, balancer, hooks: explainRefusal(name), timeoutSeconds };
}

function loginOf(cluster: string, { ssh }: GcpSpec, opts: pulumi.ComponentResourceOptions): GcpLogin {
    if (ssh.keys) {
        return { user: ssh.user, privateKey: pulumi.secret(ssh.keys.privateKey), publicKey: ssh.keys.publicKey };
    }
    const { user } = makeSshKeys(cluster, ["user"], opts);
    return { user: ssh.user, privateKey: user.privateKey, publicKey: pulumi.unsecret(user.publicKey) };
}

function controlPlaneZones({ machines }: ClusterSpec): string[] {
    return machines.flatMap((machine) =>
        machine.kind === "gcp" && machine.role === "control-plane" ? [machine.gcp.zone] : [],
    );
}
