import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";
import { NodeRole, TaintArgs } from "../../args";
import { connectionTo } from "../connection";
import { Machine, withApiPort } from "../machine";
import { MachineSpec } from "../machineSpec";
import { networkTags } from "./firewall";
import { GcpSite } from "./gcpSite";
import { GcpInstanceSpec } from "./gcpSpec";
import { hostKeyOf } from "./hostKey";
import { hardenedInstance, setWhenMade } from "./instance";

/** A virtual machine on Google Cloud, with nested virtualization. */
export class GcpMachine extends pulumi.ComponentResource implements Machine {
    public readonly name: string;
    public readonly role: NodeRole;
    public readonly labels: Record<string, string>;
    public readonly taints: TaintArgs[];
    public readonly internalAddress: pulumi.Output<string>;
    public readonly connection: Machine["connection"];
    public readonly apiAddress: pulumi.Output<string>;
    public readonly owner: compute.Instance;
    public readonly dependsOn: pulumi.Resource[];

    constructor(
        { name, role, labels, taints, gcp }: MachineSpec & { kind: "gcp" },
        private readonly site: GcpSite,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:machine:GcpMachine", name, {}, opts);
        this.name = name;
        this.role = role;
        this.labels = labels;
        this.taints = taints;
        const { network, bastion, login, timeoutSeconds } = site;
        const addresses = this.addresses();
        this.owner = this.instance(gcp, addresses);
        const hostKey = hostKeyOf(name, this.owner, timeoutSeconds, { parent: this });
        this.internalAddress = addresses.internal ?? this.owner.networkInterfaces.apply(([nic]) => nic!.networkIp);
        this.apiAddress = withApiPort(this.balancer?.apiAddress ?? addresses.external ?? this.internalAddress);
        this.connection = connectionTo(
            { address: this.internalAddress, user: login.user, privateKey: login.privateKey, hostKey: hostKey.stdout },
            bastion?.endpoint,
        );
        this.dependsOn = [this.owner, hostKey, ...network.ready, ...(bastion?.ready ?? []), ...this.enterGroup(gcp)];
        this.registerOutputs({ internalAddress: this.internalAddress, apiAddress: this.apiAddress });
    }

    private get balancer() {
        return this.role === "control-plane" ? this.site.balancer : undefined;
    }

    /** Those that others know a control plane by, so that they outlive its machine. Workers need none. */
    private addresses() {
        if (this.role === "worker") {
            return {};
        }
        const { spec, network, balancer } = this.site;
        const { project, region, labels, api } = spec;
        const reserve = (name: string, args: compute.AddressArgs) =>
            new compute.Address(name, { project, region, labels, ...args }, { parent: this }).address;
        return {
            internal: reserve(this.name, { addressType: "INTERNAL", subnetwork: network.subnetwork.id }),
            external:
                api.public && !balancer ? reserve(`${this.site.cluster}-api`, { addressType: "EXTERNAL" }) : undefined,
        };
    }

    private instance(gcp: GcpInstanceSpec, addresses: ReturnType<GcpMachine["addresses"]>) {
        const { cluster, spec, network, login, hooks } = this.site;
        const tags = networkTags(cluster);
        return new compute.Instance(
            this.name,
            {
                ...hardenedInstance(spec, login),
                zone: gcp.zone,
                machineType: gcp.machineType,
                minCpuPlatform: gcp.minCpuPlatform,
                advancedMachineFeatures: { enableNestedVirtualization: true },
                tags: this.role === "control-plane" ? [tags.node, tags.controlPlane] : [tags.node],
                bootDisk: {
                    initializeParams: { image: gcp.image, size: gcp.diskGib, type: gcp.diskType, labels: spec.labels },
                },
                networkInterfaces: [
                    {
                        subnetwork: network.subnetwork.id,
                        networkIp: addresses.internal,
                        nicType: gcp.nicType,
                        ...(addresses.external ? { accessConfigs: [{ natIp: addresses.external }] } : {}),
                    },
                ],
                scheduling: scheduling(gcp),
                // With `pulumi up --refresh`, one that was taken away is started again.
                desiredStatus: gcp.spot ? "RUNNING" : undefined,
                deletionProtection: gcp.deletionProtection,
            },
            {
                parent: this,
                hooks,
                ignoreChanges: setWhenMade,
                // So that a destroy is refused in its preview. Refused by Google Cloud alone, it would by then have
                // forgotten all that goes with the machine, and the next up would find the cluster's objects there.
                protect: gcp.deletionProtection,
                // Two machines can't be the one Node, nor have its address.
                deleteBeforeReplace: true,
            },
        );
    }

    private enterGroup({ zone }: GcpInstanceSpec): pulumi.Resource[] {
        const group = this.balancer?.groupIn(zone);
        return group
            ? [
                  new compute.InstanceGroupMembership(
                      this.name,
                      {
                          project: this.site.spec.project,
                          zone,
                          instanceGroup: group.name,
                          instance: this.owner.selfLink,
                      },
                      { parent: this },
                  ),
              ]
            : [];
    }
}

/**
 * Nested virtualization is not among what forbids live migration, but some families do:
 * https://cloud.google.com/compute/docs/instances/host-maintenance-overview. Nor has a Spot VM any. It is stopped rather
 * than deleted: its disk, its host key and its Node stay what they were, and Pulumi's state stays right.
 */
function scheduling({ spot, onHostMaintenance }: GcpInstanceSpec) {
    return spot
        ? {
              provisioningModel: "SPOT",
              preemptible: true,
              automaticRestart: false,
              onHostMaintenance: "TERMINATE",
              instanceTerminationAction: "STOP",
          }
        : { provisioningModel: "STANDARD", automaticRestart: true, onHostMaintenance: onHostMaintenance ?? "MIGRATE" };
}
