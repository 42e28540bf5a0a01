import { PropertyMap } from "../../shared/values";
import { Cloud, Stored } from "../cloud";
import { addressRules } from "./addressRules";
import { instanceRules, updateRules } from "./instanceRules";
import { loadBalancerRules } from "./loadBalancerRules";
import { firewallRules, subnetworkRules } from "./networkRules";
import { referenceRules } from "./references";

/** Refuses what the API refuses: a new resource, or one as it would be after an update of `old`. */
export function checkRules(cloud: Cloud, resource: Stored, old?: { inputs: PropertyMap }) {
    referenceRules(cloud, resource);
    addressRules(cloud, resource);
    switch (resource.collection) {
        case "subnetworks":
            return subnetworkRules(cloud, resource);
        case "firewalls":
            return firewallRules(resource);
        case "instances":
            if (old) {
                updateRules(old.inputs, resource.inputs);
            }
            return instanceRules(cloud, resource);
        default:
            return loadBalancerRules(cloud, resource);
    }
}
