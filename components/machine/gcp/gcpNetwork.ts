import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";
import { firewallRules } from "./firewall";
import { GcpSpec } from "./gcpSpec";

/** A network of the cluster's own: one subnet, a way out to the internet, and firewall rules. */
export class GcpNetwork extends pulumi.ComponentResource {
    public readonly network: compute.Network;
    public readonly subnetwork: compute.Subnetwork;
    /** Done when its machines can be reached, and reach the internet. */
    public readonly ready: pulumi.Resource[];

    constructor(
        private readonly cluster: string,
        private readonly spec: GcpSpec,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:machine:GcpNetwork", cluster, {}, opts);
        this.network = new compute.Network(
            cluster,
            {
                project: spec.project,
                description: `Kubernetes cluster ${cluster}`,
                autoCreateSubnetworks: false,
                routingMode: "REGIONAL",
                // The NAT gateway needs the route to the internet.
                deleteDefaultRoutesOnCreate: false,
            },
            { parent: this },
        );
        this.subnetwork = new compute.Subnetwork(
            cluster,
            {
                ...this.place(),
                network: this.network.id,
                ipCidrRange: spec.subnetCidr,
                privateIpGoogleAccess: true,
            },
            { parent: this },
        );
        this.ready = [this.nat(), ...this.firewall()];
        this.registerOutputs({});
    }

    /** Machines without a public address download through it. */
    private nat(): pulumi.Resource {
        const router = new compute.Router(
            this.cluster,
            { ...this.place(), network: this.network.id },
            { parent: this },
        );
        return new compute.RouterNat(
            this.cluster,
            {
                ...this.place(),
                router: router.name,
                natIpAllocateOption: "AUTO_ONLY",
                sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
                subnetworks: [{ name: this.subnetwork.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
                logConfig: { enable: true, filter: "ERRORS_ONLY" },
            },
            { parent: this },
        );
    }

    private firewall(): pulumi.Resource[] {
        return firewallRules(this.cluster, this.spec).map(
            ({ name, description, protocol, ports, from, targetTags }) =>
                new compute.Firewall(
                    `${this.cluster}-${name}`,
                    {
                        project: this.spec.project,
                        network: this.network.id,
                        description,
                        direction: "INGRESS",
                        allows: [{ protocol, ports }],
                        ...from,
                        targetTags,
                    },
                    { parent: this },
                ),
        );
    }

    private place() {
        const { project, region } = this.spec;
        return { project, region };
    }
}
