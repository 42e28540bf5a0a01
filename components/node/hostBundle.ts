import * as path from "node:path";
import { bundle, digestOf, Files, filesBelow } from "../bundle";
import { ClusterSpec } from "../spec";
import { runtimeFiles } from "./containerRuntime";
import { kataFiles } from "./kata";
import { downloads, nodeEnvironment } from "./nodeEnvironment";
import { allSteps, controlPlaneSteps, installSteps } from "./steps";

/** Where the bundle lies on a node, relative to the login user's home. */
export const bundlePath = ".kata-cluster/bundle.sh";

const host = path.join(__dirname, "host");

/** All that a node is told, as one text, and a digest for each of the commands that run out of it. */
export interface HostBundle {
    text: string;
    digests: { install: string; controlPlane: string; isolation: string };
}

/**
 * Renders a node's bundle: scripts, settings, and the files that go to their place on the node. Pure: the same spec
 * gives the same text. An edit changes the digests of just the commands that use the file.
 */
export function hostBundle(spec: ClusterSpec, node: string, controlPlane: Files): HostBundle {
    const files: Files = {
        ...filesBelow(host),
        ...runtimeFiles(spec),
        ...kataFiles(spec),
        "node.env": nodeEnvironment(spec, node),
        downloads: downloads(spec),
    };
    const digest = (scripts: readonly string[], others: Files) => {
        const names = [...scripts, "lib"].map((script) => `${script}.sh`);
        return digestOf({ ...pick(files, (file) => names.includes(file)), ...others });
    };
    const known = [...allSteps, "isolation"].map((script) => `${script}.sh`);
    return {
        text: bundle(host, { ...files, ...controlPlane }),
        digests: {
            // What no other command is known to use belongs to the installation.
            install: digest(
                installSteps(spec),
                pick(files, (file) => !known.includes(file)),
            ),
            controlPlane: digest([...controlPlaneSteps, "api", "node"], controlPlane),
            // After a change of runtime the pods are others, though their objects are the same.
            isolation: digest(["isolation"], { containerRuntime: spec.containerRuntime }),
        },
    };
}

function pick(files: Files, wanted: (file: string) => boolean): Files {
    return Object.fromEntries(Object.entries(files).filter(([file]) => wanted(file)));
}
