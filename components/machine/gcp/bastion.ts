import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";
import { SshEndpoint } from "../connection";
import { networkTags } from "./firewall";
import { GcpNetwork } from "./gcpNetwork";
import { GcpSpec } from "./gcpSpec";
import { hostKeyOf } from "./hostKey";
import { GcpLogin, hardenedInstance, setWhenMade } from "./instance";

/**
 * The small machine through which the others are reached by SSH. It has a public address, or none where you run a tunnel
 * to it.
 */
export class GcpBastion extends pulumi.ComponentResource {
    public readonly endpoint: SshEndpoint;
    /** Done when it is there. */
    public readonly ready: pulumi.Resource[];

    constructor(
        private readonly cluster: string,
        private readonly spec: GcpSpec,
        network: GcpNetwork,
        login: GcpLogin,
        timeoutSeconds: number,
        opts: pulumi.ComponentResourceOptions,
    ) {
        const name = `${cluster}-bastion`;
        super("kata-cluster:machine:GcpBastion", name, {}, opts);
        const tunnel = spec.ssh.via === "iap";
        const address = tunnel ? undefined : this.publicAddress(name);
        const instance = this.instance(name, network, login, address);
        const hostKey = hostKeyOf(name, instance, timeoutSeconds, { parent: this });
        const { user, privateKey } = login;
        this.endpoint = {
            ...(address ? { address: address.address } : { address: "127.0.0.1", port: spec.ssh.tunnelPort }),
            user,
            privateKey,
            hostKey: hostKey.stdout,
        };
        this.ready = [instance, hostKey];
        if (tunnel) {
            this.askForTunnel(instance);
        }
        this.registerOutputs({});
    }

    private publicAddress(name: string) {
        const { project, region, labels } = this.spec;
        return new compute.Address(name, { project, region, addressType: "EXTERNAL", labels }, { parent: this });
    }

    private instance(name: string, network: GcpNetwork, login: GcpLogin, address: compute.Address | undefined) {
        return new compute.Instance(
            name,
            {
                ...hardenedInstance(this.spec, login),
                zone: this.spec.ssh.bastionZone,
                machineType: this.spec.ssh.bastionMachineType,
                tags: [networkTags(this.cluster).bastion],
                bootDisk: {
                    initializeParams: {
                        image: "projects/debian-cloud/global/images/family/debian-12",
                        size: 10,
                        labels: this.spec.labels,
                    },
                },
                networkInterfaces: [
                    {
                        subnetwork: network.subnetwork.id,
                        ...(address ? { accessConfigs: [{ natIp: address.address }] } : {}),
                    },
                ],
                scheduling: { automaticRestart: true, onHostMaintenance: "MIGRATE" },
            },
            // Two machines can't have the one address.
            { parent: this, ignoreChanges: setWhenMade, deleteBeforeReplace: true },
        );
    }

    private askForTunnel({ name, zone, project }: compute.Instance) {
        pulumi
            .all([name, zone, project])
            .apply(([bastion, itsZone, itsProject]) =>
                pulumi.log.info(
                    `the machines are reached through this tunnel: gcloud compute start-iap-tunnel ${bastion} 22 ` +
                        `--local-host-port=localhost:${this.spec.ssh.tunnelPort} --zone ${itsZone} --project ${itsProject}`,
                    this,
                ),
            );
    }
}
