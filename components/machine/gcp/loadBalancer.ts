import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";
import { GcpNetwork } from "./gcpNetwork";
import { GcpSpec } from "./gcpSpec";

const port = 6443;

/**
 * What several control planes are reached through.
 *
 * The nodes reach them through a proxy inside the network. A load balancer that passes packets through would not do: a
 * control plane that joins asks for the API by the load balancer's address, and would be answered by itself. Users reach
 * them through such a one, for it keeps their address, by which the firewall judges them. Where the API is not public,
 * they use the nodes' one: the addresses that may reach that are those that have a route to the network, for firewall
 * rules are not applied to the proxies.
 */
export class GcpLoadBalancer extends pulumi.ComponentResource {
    /** `host:port` for the nodes. */
    public readonly controlPlaneEndpoint: pulumi.Output<string>;
    /** `host:port` for users. */
    public readonly apiAddress: pulumi.Output<string>;
    private readonly groups: Map<string, compute.InstanceGroup>;

    constructor(
        private readonly cluster: string,
        private readonly spec: GcpSpec,
        zones: string[],
        private readonly network: GcpNetwork,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("kata-cluster:machine:GcpLoadBalancer", cluster, {}, opts);
        this.groups = new Map([...new Set(zones)].map((zone) => [zone, this.group(zone)]));
        const healthCheck = this.healthCheck();
        this.controlPlaneEndpoint = this.forNodes(healthCheck);
        this.apiAddress = spec.api.public ? this.forUsers(healthCheck) : this.controlPlaneEndpoint;
        this.registerOutputs({ controlPlaneEndpoint: this.controlPlaneEndpoint, apiAddress: this.apiAddress });
    }

    /** The group that a zone's control planes enter. A machine may be in one only, so both load balancers share them. */
    public groupIn(zone: string): compute.InstanceGroup {
        return this.groups.get(zone)!;
    }

    private group(zone: string) {
        return new compute.InstanceGroup(
            `${this.cluster}-${zone.slice(this.spec.region.length + 1)}`,
            {
                project: this.spec.project,
                zone,
                network: this.network.network.id,
                namedPorts: [{ name: "api", port }],
            },
            { parent: this },
        );
    }

    /** Anybody may ask for this path, and it fails while etcd does. */
    private healthCheck() {
        return new compute.RegionHealthCheck(
            `${this.cluster}-api`,
            {
                ...this.place(),
                httpsHealthCheck: { port, requestPath: "/readyz" },
                checkIntervalSec: 3,
                timeoutSec: 3,
                healthyThreshold: 2,
                unhealthyThreshold: 3,
            },
            { parent: this },
        );
    }

    private forNodes(healthCheck: compute.RegionHealthCheck): pulumi.Output<string> {
        const name = `${this.cluster}-nodes`;
        const { network, subnetwork } = this.network;
        const proxies = new compute.Subnetwork(
            `${this.cluster}-proxies`,
            {
                ...this.place(),
                network: network.id,
                ipCidrRange: this.spec.proxySubnetCidr,
                purpose: "REGIONAL_MANAGED_PROXY",
                role: "ACTIVE",
            },
            { parent: this },
        );
        const service = new compute.RegionBackendService(
            name,
            {
                ...this.place(),
                loadBalancingScheme: "INTERNAL_MANAGED",
                protocol: "TCP",
                portName: "api",
                healthChecks: healthCheck.id,
                // How long a connection may be idle: a watch, or a shell in a pod.
                timeoutSec: 3600,
                backends: this.backends({ capacityScaler: 1, maxConnectionsPerInstance: 10_000 }),
            },
            { parent: this },
        );
        const proxy = new compute.RegionTargetTcpProxy(
            name,
            { ...this.place(), backendService: service.id },
            { parent: this },
        );
        const address = new compute.Address(
            name,
            { ...this.place(), addressType: "INTERNAL", subnetwork: subnetwork.id, labels: this.spec.labels },
            { parent: this },
        );
        const rule = new compute.ForwardingRule(
            name,
            {
                ...this.place(),
                loadBalancingScheme: "INTERNAL_MANAGED",
                ipProtocol: "TCP",
                portRange: String(port),
                network: network.id,
                subnetwork: subnetwork.id,
                ipAddress: address.address,
                target: proxy.id,
                labels: this.spec.labels,
            },
            { parent: this, dependsOn: [proxies] },
        );
        return pulumi.interpolate`${rule.ipAddress}:${port}`;
    }

    private forUsers(healthCheck: compute.RegionHealthCheck): pulumi.Output<string> {
        const name = `${this.cluster}-users`;
        const service = new compute.RegionBackendService(
            name,
            {
                ...this.place(),
                loadBalancingScheme: "EXTERNAL",
                protocol: "TCP",
                healthChecks: healthCheck.id,
                backends: this.backends(),
            },
            { parent: this },
        );
        const address = new compute.Address(
            name,
            { ...this.place(), addressType: "EXTERNAL", labels: this.spec.labels },
            { parent: this },
        );
        const rule = new compute.ForwardingRule(
            name,
            {
                ...this.place(),
                loadBalancingScheme: "EXTERNAL",
                ipProtocol: "TCP",
                ports: [String(port)],
                ipAddress: address.address,
                backendService: service.id,
                labels: this.spec.labels,
            },
            { parent: this },
        );
        return pulumi.interpolate`${rule.ipAddress}:${port}`;
    }

    /** All services of a group must balance alike, and the one for users can't but by connections. */
    private backends(capacity: { capacityScaler?: number; maxConnectionsPerInstance?: number } = {}) {
        return [...this.groups.values()].map(({ id }) => ({ group: id, balancingMode: "CONNECTION", ...capacity }));
    }

    private place() {
        const { project, region } = this.spec;
        return { project, region };
    }
}
