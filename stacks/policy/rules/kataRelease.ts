import * as semver from "semver";
import { minimumKata, saferKata } from "../../../components/versions";
import { bundlesOf } from "../bundles";
import { Resource, Rule } from "../rule";

/** Below it a pod can take over its node. */
export const kataRelease: Rule = {
    name: "kata-release",
    description: `Kata Containers is ${minimumKata} or newer.`,
    enforcement: "mandatory",
    violations: (resource: Resource) =>
        kataVersions(resource).flatMap(({ at, version }) => {
            if (!semver.valid(version)) {
                return [`${at} is "${version}", which is not a version. Fix: name a release in kata.version`];
            }
            return semver.lt(version, minimumKata)
                ? [
                      `${at} is ${version}, in which a pod can take over its node: CVE-2026-44210, CVE-2026-47243. Fix: set kata.version to ${minimumKata} or newer`,
                  ]
                : [];
        }),
};

/** Between the two, it is for the reviewer to know. */
export const kataAdvised: Rule = {
    name: "kata-release-advised",
    description: `Kata Containers is ${saferKata} or newer.`,
    enforcement: "advisory",
    violations: (resource: Resource) =>
        kataVersions(resource)
            .filter(
                ({ version }) =>
                    semver.valid(version) && semver.gte(version, minimumKata) && semver.lt(version, saferKata),
            )
            .map(
                ({ at, version }) =>
                    `${at} is ${version}, in which CVE-2026-50540 is open. No pod annotation gets to Kata here, which closes the known way in. Fix: set kata.version to ${saferKata} or newer`,
            ),
};

/** `KATA_VERSION` of `node.env` in each bundle. */
function kataVersions(resource: Resource): { at: string; version: string }[] {
    return bundlesOf(resource).flatMap(({ path, files }) => {
        const version = /^KATA_VERSION=(.*)$/m.exec(files["node.env"] ?? "")?.[1]?.replace(/^(['"])(.*)\1$/, "$2");
        return version === undefined ? [] : [{ at: `${path}, node.env, KATA_VERSION`, version }];
    });
}
