import * as path from "node:path";
import { bundle, digestOf, Files, filesBelow } from "../bundle";
import { ClusterSpec } from "../spec";
import { runtimeFiles } from "./containerRuntime";
import { kataFiles } from "./kata";
import { downloads, nodeEnvironment } from "./nodeEnvironment";
import { allSteps, controlPlaneSteps, installSteps, joinSteps, keySteps } from "./steps";

/** Where the bundle lies on a node, relative to the login user's home. */
export const bundlePath = ".kata-cluster/bundle.sh";

const host = path.join(__dirname, "host");

/** The commands that run out of a bundle. */
export type NodeCommand = "install" | "init" | "key" | "admit" | "join" | "locate" | "isolation";

/** All that a node is told, as one text, and a digest for each of the commands that run out of it. */
export interface HostBundle {
    text: string;
    digests: Record<NodeCommand, string>;
}

/** The scripts of each command but `install`, beside lib.sh. */
const scripts: Record<Exclude<NodeCommand, "install">, readonly string[]> = {
    init: [...controlPlaneSteps, "cluster", "api", "node"],
    key: [...keySteps],
    admit: ["admit", "members", "drain", "api"],
    join: [...joinSteps, "cluster", "api", "node"],
    locate: ["locate", "members", "drain", "api"],
    isolation: ["isolation"],
};

/** What an installation uses too. */
const installing = ["api", "node"];

/**
 * Renders a node's bundle: scripts, settings, and the files that go to their place on the node. `membership` is what
 * only kubeadm reads. Pure: the same spec gives the same text. An edit changes the digests of just the commands that
 * use the file.
 */
export function hostBundle(spec: ClusterSpec, node: string, membership: Files): HostBundle {
    const files: Files = {
        ...filesBelow(host),
        ...runtimeFiles(spec),
        ...kataFiles(spec),
        "node.env": nodeEnvironment(spec, node),
        downloads: downloads(spec),
    };
    const digest = (names: readonly string[], others: Files = {}) => {
        const wanted = [...names, "lib"].map((script) => `${script}.sh`);
        return digestOf({ ...pick(files, (file) => wanted.includes(file)), ...others });
    };
    const known = [...allSteps, ...Object.values(scripts).flat()]
        .filter((script) => !installing.includes(script))
        .map((script) => `${script}.sh`);
    const steps = installSteps(spec);
    return {
        text: bundle(host, { ...files, ...membership }),
        digests: {
            // What no other command is known to use belongs to the installation.
            install: digest(
                [...steps, ...(steps.includes("migrate") ? ["drain"] : [])],
                pick(files, (file) => !known.includes(file)),
            ),
            init: digest(scripts.init, membership),
            key: digest(scripts.key),
            admit: digest(scripts.admit),
            join: digest(scripts.join, membership),
            locate: digest(scripts.locate),
            // After a change of runtime the pods are others, though their objects are the same.
            isolation: digest(scripts.isolation, { containerRuntime: spec.containerRuntime }),
        },
    };
}

function pick(files: Files, wanted: (file: string) => boolean): Files {
    return Object.fromEntries(Object.entries(files).filter(([file]) => wanted(file)));
}
