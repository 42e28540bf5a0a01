import * as pulumi from "@pulumi/pulumi";
import * as args from "../../args";

/** What the machines of a cluster on Google Cloud share, with every default filled in. */
export interface GcpSpec {
    /** The provider's own where there is none. */
    project?: string;
    region: string;
    /** One or more control planes: more than one have a load balancer. */
    controlPlanes: number;
    subnetCidr: string;
    proxySubnetCidr: string;
    ssh: {
        via: args.GcpSshPath;
        sourceRanges: string[];
        tunnelPort: number;
        bastionMachineType: string;
        /** Zone of the bastion: the first one. */
        bastionZone: string;
        user: string;
        /** The user's own pair; without it one is made. */
        keys?: { privateKey: pulumi.Input<string>; publicKey: pulumi.Input<string> };
    };
    api: { public: boolean; sourceRanges: string[] };
    /** With `kata-cluster: NAME`. */
    labels: Record<string, string>;
}

/** One virtual machine on Google Cloud. */
export interface GcpInstanceSpec {
    zone: string;
    machineType: string;
    /** For N1 only. */
    minCpuPlatform?: string;
    /** `projects/PROJECT/global/images/family/FAMILY`. */
    image: string;
    diskGib: number;
    diskType: args.GcpDiskType;
    /** Network interface: gVNIC where the family has no other. */
    nicType?: "GVNIC";
    /** What Google Cloud does when it maintains the host: stop the machine, where its family can't be moved. */
    onHostMaintenance?: "TERMINATE";
    spot: boolean;
    deletionProtection: boolean;
}
