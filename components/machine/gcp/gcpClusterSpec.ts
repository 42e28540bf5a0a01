import * as args from "../../args";
import { Problems } from "../../validation/problems";
import { booleanAt, objectAt } from "../../validation/shapes";
import { MachineSpec } from "../machineSpec";
import { checkClusterName } from "./gcpNames";
import { GcpSpec } from "./gcpSpec";
import { resolveLabels } from "./labels";
import { checkRanges, sourceRanges } from "./ranges";
import { resolveSsh } from "./sshSpec";
import { checkRegion, zonesOf } from "./zones";

const at = "machines.gcp";

/** What else the cluster is, once that is known. */
interface Known {
    machines: MachineSpec[];
    kubernetes: { podCidr: string; serviceCidr: string; controlPlaneEndpoint?: unknown };
}

/** What the machines on Google Cloud share. Nothing where they are of another kind. */
export function resolveGcpSpec(
    problems: Problems,
    cluster: string,
    all: args.KataClusterArgs,
    { machines, kubernetes }: Known,
): GcpSpec | undefined {
    if (!machines.some(({ kind }) => kind === "gcp")) {
        return undefined;
    }
    const input = objectAt(problems, at, all.machines.gcp);
    const controlPlanes = machines.filter(({ role }) => role === "control-plane").length;
    const several = controlPlanes > 1;
    checkClusterName(problems, cluster);
    checkProject(problems, input.project);
    checkRegion(problems, at, input);
    checkEndpoint(problems, kubernetes.controlPlaneEndpoint);
    const network = objectAt(problems, `${at}.network`, input.network);
    const wholeInternet = booleanAt(
        problems,
        `${at}.network.dangerouslyAllowTheWholeInternet`,
        network.dangerouslyAllowTheWholeInternet,
        false,
    );
    const { subnetCidr = "10.80.0.0/20", proxySubnetCidr = "10.80.16.0/23" } = network;
    const { podCidr, serviceCidr } = kubernetes;
    // Beside the machines: the bastion and, for several control planes, the load balancer.
    checkRanges(
        problems,
        { subnetCidr, proxySubnetCidr: several ? proxySubnetCidr : undefined, podCidr, serviceCidr },
        machines.length + (several ? 2 : 1),
    );
    return {
        project: input.project,
        region: input.region!,
        controlPlanes,
        subnetCidr,
        proxySubnetCidr,
        ssh: { ...resolveSsh(problems, input.ssh, wholeInternet), bastionZone: zonesOf(input)[0]! },
        api: resolveApi(problems, input.api, wholeInternet),
        labels: resolveLabels(problems, `${at}.labels`, cluster, input.labels),
    };
}

function resolveApi(problems: Problems, value: args.GcpApiArgs | undefined, wholeInternet: boolean): GcpSpec["api"] {
    const input = objectAt(problems, `${at}.api`, value);
    const isPublic = booleanAt(problems, `${at}.api.public`, input.public, true);
    const path = `${at}.api.sourceRanges`;
    const ranges = sourceRanges(problems, path, input.sourceRanges, wholeInternet);
    problems.check(
        ranges.length > 0 || (input.sourceRanges !== undefined && !Array.isArray(input.sourceRanges)),
        path,
        input.sourceRanges,
        "nobody but the nodes could reach the Kubernetes API, and Pulumi has to",
        "one range or more, IPv4 CIDR",
        isPublic ? 'give your own address, for example ["203.0.113.7/32"]' : "give the range that Pulumi runs in",
    );
    return { public: isPublic, sourceRanges: ranges };
}

function checkProject(problems: Problems, value: string | undefined) {
    problems.check(
        value === undefined ||
            (typeof value === "string" && /^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(value)),
        `${at}.project`,
        value,
        "not a project ID",
        "6 to 30 lower-case letters, digits and -, as gcloud projects list shows below PROJECT_ID",
        "leave it out for the provider's, gcp:project",
    );
}

function checkEndpoint(problems: Problems, value: unknown) {
    problems.check(
        value === undefined,
        "kubernetes.controlPlaneEndpoint",
        value,
        "machines.gcp makes the address by which the nodes reach the API",
        "nothing with machines.gcp",
        "remove it, or add a name of your own to kubernetes.certificateNames",
    );
}
