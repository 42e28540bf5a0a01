import { KataClusterArgs } from "../../components/args";
import { ClusterSpec, resolve } from "../../components/spec";

/** Your own addresses, as an example: a range of RFC 5737 that nobody has. */
export const office = "203.0.113.0/24";

/** Arguments of machines on Google Cloud, of any shape, with those that are needed. */
export function onGcp(changes: object = {}, others: object = {}): KataClusterArgs {
    const gcp = { region: "europe-west4", ssh: { sourceRanges: [office] }, api: { sourceRanges: [office] } };
    return { machines: { gcp: { ...gcp, ...changes } }, ...others };
}

/** The spec of a cluster named `lab` on Google Cloud. */
export function gcpSpecOf(changes: object = {}, others: object = {}): ClusterSpec {
    return resolve("lab", onGcp(changes, others));
}

/** The instances of its machines. */
export function instancesOf(changes: object = {}) {
    return gcpSpecOf(changes).machines.map((machine) => {
        if (machine.kind !== "gcp") {
            throw new Error(`${machine.name} is ${machine.kind}`);
        }
        return { name: machine.name, role: machine.role, ...machine.gcp };
    });
}
