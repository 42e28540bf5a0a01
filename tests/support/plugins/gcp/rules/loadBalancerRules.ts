import { invalid, invalidField } from "../apiError";
import { Cloud, Stored } from "../cloud";
import { references, referred } from "./references";

/** What the parts of a regional load balancer must be to each other. */
export function loadBalancerRules(cloud: Cloud, resource: Stored) {
    const { collection, inputs } = resource;
    if (collection === "instanceGroups") {
        for (const { path, value, to } of references(cloud, resource).filter(({ path }) =>
            path.startsWith("instances"),
        )) {
            if (to!.zone !== resource.zone) {
                throw invalidField(path, value, `The instance is in zone ${to!.zone}, its group in ${resource.zone}.`);
            }
        }
    }
    if (collection === "backendServices" && ((inputs.healthChecks ?? []) as string[]).length === 0) {
        throw invalidField("healthChecks", "", "A backend service needs one.");
    }
    if (collection === "forwardingRules") {
        forwardingRules(cloud, resource);
    }
}

function forwardingRules(cloud: Cloud, resource: Stored) {
    const { target, backendService, loadBalancingScheme = "EXTERNAL" } = resource.inputs as Record<string, string>;
    if ((target === undefined) === (backendService === undefined)) {
        throw invalid("Forwarding rule must have either a target or a backend service.");
    }
    const service = serviceOf(cloud, resource);
    const scheme = (service?.inputs.loadBalancingScheme as string | undefined) ?? "INTERNAL";
    if (scheme !== loadBalancingScheme) {
        const message = `The load balancing scheme of the backend service is ${scheme}, that of the rule ${loadBalancingScheme}.`;
        throw invalidField("loadBalancingScheme", loadBalancingScheme, message);
    }
    if (!loadBalancingScheme.endsWith("_MANAGED")) {
        return;
    }
    const network = referred(cloud, resource, "network");
    if (!network) {
        throw invalidField("network", "", "A rule of a regional proxy load balancer must name its network.");
    }
    if (!proxySubnetwork(cloud, resource)) {
        const message =
            "An active proxy-only subnetwork is required in the same region and VPC as the forwarding rule.";
        throw invalidField("target", target!, message);
    }
}

/** The instances of a group: those that it lists, and its members. */
export function membersOf(cloud: Cloud, group: Stored): Stored[] {
    const own = references(cloud, group).flatMap(({ to }) => (to?.collection === "instances" ? to : []));
    const others = cloud
        .list(group.project, "memberships")
        .filter((member) => referred(cloud, member, "instanceGroup")?.key === group.key)
        .flatMap((member) => referred(cloud, member, "instance") ?? []);
    return [...own, ...others];
}

/** The backend service behind a forwarding rule. */
export function serviceOf(cloud: Cloud, rule: Stored): Stored | undefined {
    const proxy = referred(cloud, rule, "target");
    return proxy ? referred(cloud, proxy, "backendService") : referred(cloud, rule, "backendService");
}

/** The subnetwork from which the proxies of a rule reach the instances. */
export function proxySubnetwork(cloud: Cloud, rule: Stored): Stored | undefined {
    const network = referred(cloud, rule, "network");
    return cloud
        .list(rule.project, "subnetworks")
        .find(
            (one) =>
                one.inputs.purpose === "REGIONAL_MANAGED_PROXY" &&
                one.inputs.role === "ACTIVE" &&
                one.region === rule.region &&
                referred(cloud, one, "network")?.key === network?.key,
        );
}
