import { PolicyPack } from "@pulumi/policy";
import { policyOf } from "./rule";
import { rules } from "./rules";

new PolicyPack("kata-cluster", { policies: rules.map(policyOf) });
