import { digestOf, Files, settings } from "../bundle";
import { ClusterSpec } from "../spec";
import { clusterFiles, hostFiles } from "./hostScripts";
import { nodeImages, NodePlace } from "./images";
import { nodeName } from "./nodeEnvironment";
import { allSteps, controlPlaneSteps, installSteps, joinSteps, stepsIn } from "./steps";

/** The commands that run on a node. */
export type NodeCommand = "install" | "init" | "admit" | "join" | "locate" | "isolation";

/** What one node is told beside the scripts, as one text, and a digest for each of the commands that run there. */
export interface HostSettings {
    text: string;
    digests: Record<NodeCommand, string>;
}

/** The scripts of each command but `install`, beside lib.sh. */
const scripts: Record<Exclude<NodeCommand, "install">, readonly string[]> = {
    init: [...controlPlaneSteps, "cluster", "api", "node"],
    admit: ["admit", "members", "drain", "api"],
    join: [...joinSteps, "cluster", "api", "node"],
    locate: ["locate", "members", "drain", "api"],
    isolation: ["isolation"],
};

/** What an installation uses too. */
const installing = ["api", "node"];

/**
 * Renders a node's settings: its name, and the files that go to their place on it alone. `membership` is what only
 * kubeadm reads. The node that the cluster begins on also has those that all have: there a reviewer sees them, once. Pure:
 * the same spec gives the same text. An edit changes the digests of just the commands that use the file.
 */
export function hostSettings(spec: ClusterSpec, node: NodePlace, membership: Files): HostSettings {
    const shared = clusterFiles(spec);
    const digest = (names: readonly string[], others: Files = {}) => {
        const wanted = [...names, "lib"].map((script) => `${script}.sh`);
        return digestOf({ ...pick(hostFiles, (file) => wanted.includes(file)), ...others });
    };
    const known = [...allSteps, ...Object.values(scripts).flat()]
        .filter((script) => !installing.includes(script))
        .map((script) => `${script}.sh`);
    const steps = stepsIn(installSteps(spec, node.joins));
    return {
        text: settings({
            ...(node.joins ? {} : shared),
            "name.env": nodeName(node.name),
            images: nodeImages(spec, node),
            ...membership,
        }),
        digests: {
            // What no other command is known to use belongs to the installation.
            install: digest([...steps, ...(steps.includes("migrate") ? ["drain"] : [])], {
                ...pick(hostFiles, (file) => !known.includes(file)),
                ...shared,
            }),
            init: digest(scripts.init, membership),
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
