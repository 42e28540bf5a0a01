import { Problems } from "../../validation/problems";
import { objectAt } from "../../validation/shapes";

/** The label that every resource has. */
const own = "kata-cluster";
/** Google Cloud takes 64; this project and Pulumi's provider add one each. */
const most = 62;

/** Labels of resources, with the cluster's: https://cloud.google.com/compute/docs/labeling-resources#restrictions */
export function resolveLabels(
    problems: Problems,
    path: string,
    cluster: string,
    value: Record<string, string> | undefined,
): Record<string, string> {
    const labels = objectAt(problems, path, value) as Record<string, string>;
    problems.check(
        Object.keys(labels).length <= most,
        path,
        `${Object.keys(labels).length} labels`,
        "too many, with kata-cluster and goog-pulumi-provisioned",
        `at most ${most}`,
        "remove some",
    );
    for (const [key, text] of Object.entries(labels)) {
        const here = `${path}["${key}"]`;
        problems.check(
            /^\p{Ll}[\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key) && !key.startsWith("goog"),
            here,
            key,
            "not a name of a label",
            "at most 63 lower-case letters, digits, - and _, with a letter first, and not goog",
            'for example "team"',
        );
        problems.check(
            key !== own,
            here,
            text,
            "every resource has it, with the cluster's name",
            "other labels",
            "remove it",
        );
        problems.check(
            typeof text === "string" && /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(text),
            here,
            text,
            "not a value of a label",
            "a text of at most 63 lower-case letters, digits, - and _",
            'for example "platform", with quotes',
        );
    }
    return { ...labels, [own]: cluster };
}
