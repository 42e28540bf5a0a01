import { rfc1123Label } from "../../validation/checks";
import { Problems } from "../../validation/problems";

/** Names on Google Cloud: [a-z]([-a-z0-9]*[a-z0-9])? with at most so many characters. */
const longest = 63;
/** Pulumi names every resource after its logical name, `-` and 7 hexadecimal digits. */
const random = "-1234567";
/** The longest that the resources' logical names have after the cluster's. */
const suffix = "-control-plane-0";
/** The longest name of a cluster here. */
const longestCluster = longest - random.length - suffix.length;

/** What the pool's names would make of another resource. */
const taken = ["control-plane", "bastion"];

/** Checks that the names of the cluster's resources are such as Google Cloud takes. */
export function checkClusterName(problems: Problems, cluster: string) {
    problems.check(
        /^[a-z]/.test(cluster),
        "name",
        cluster,
        "names on Google Cloud begin with a letter",
        "a lower-case letter first",
        `use "c${cluster}"`,
    );
    problems.check(
        cluster.length <= longestCluster,
        "name",
        cluster,
        `the names of its resources would have more than the ${longest} characters that Google Cloud takes`,
        `at most ${longestCluster} characters with machines.gcp`,
        "take a shorter name",
    );
}

/** Checks the name of a pool, and those of its machines. */
export function checkPoolName(
    problems: Problems,
    path: string,
    cluster: string,
    name: string | undefined,
    count: number,
    others: unknown[],
) {
    rfc1123Label(problems, path, name!, longest);
    problems.check(
        !taken.includes(name!),
        path,
        name,
        "other machines of the cluster are named so",
        `a name but ${taken.join(" and ")}`,
        'for example "worker"',
    );
    problems.check(
        name === undefined || !others.includes(name),
        path,
        name,
        "another pool has the same name",
        "each name once",
        "give one of them another name",
    );
    const last = `${cluster}-${name}-${Math.max(count - 1, 0)}`;
    const over = last.length + random.length - longest;
    problems.check(
        typeof name !== "string" || cluster.length > longestCluster || over <= 0,
        path,
        name,
        `${last}${random}, as Pulumi names its last machine, would have more than ${longest} characters`,
        `${over} fewer`,
        "take a shorter name",
    );
}
