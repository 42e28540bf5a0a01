import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { ConfigMap, LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation";
import { parse } from "yaml";
import { KataClusterArgs, ReleasesArgs } from "../../index";
import { Lab } from "../../tests/lab/lab";
import { Options } from "./options";
import { Ports, StateFolder } from "./stateFolder";

export const project = "kata-cluster";
/** The stack file whose settings `npm start` takes. */
const stackFile = path.resolve(__dirname, "../Pulumi.local.yaml");

/** One stack for each state folder: the stack's name is a part of its machine's, and so tells their machines apart. */
export function stackName(state: StateFolder): string {
    const digest = crypto.createHash("sha256").update(fs.realpathSync(state.path)).digest("hex");
    return `local-${digest.slice(0, 6)}`;
}

/** What the program is told: the stack file, and over it what the flags and the lab say. */
export interface StackConfig {
    machines: KataClusterArgs["machines"];
    containerRuntime?: KataClusterArgs["containerRuntime"];
    kubernetes?: KataClusterArgs["kubernetes"];
    kata?: KataClusterArgs["kata"];
    mirror?: KataClusterArgs["mirror"];
    releases?: ReleasesArgs;
    timeouts?: KataClusterArgs["timeouts"];
    allowDisruption?: KataClusterArgs["allowDisruption"];
}

/** The stack of a state folder, on a backend inside it, so that no login and no service is needed. */
export async function openStack(
    state: StateFolder,
    pulumi: PulumiCommand,
    program: () => Promise<Record<string, unknown>>,
    plugins: string[],
): Promise<Stack> {
    const workDir = state.file("workspace");
    fs.mkdirSync(workDir, { recursive: true });
    return LocalWorkspace.createOrSelectStack(
        { stackName: stackName(state), projectName: project, program },
        {
            workDir,
            pulumiCommand: pulumi,
            projectSettings: {
                name: project,
                runtime: "nodejs",
                backend: { url: `file://${state.file("backend")}` },
            },
            envVars: {
                PULUMI_CONFIG_PASSPHRASE: state.passphrase(),
                PULUMI_SKIP_UPDATE_CHECK: "true",
                PATH: [...plugins, process.env.PATH].join(path.delimiter),
            },
        },
    );
}

/** Sets the stack's configuration to just this. */
export async function configure(stack: Stack, config: StackConfig) {
    const entries = Object.entries(config).filter(([, value]) => value !== undefined);
    const map: ConfigMap = Object.fromEntries(
        entries.map(([key, value]) => [`${project}:${key}`, { value: configText(value) }]),
    );
    const stale = Object.keys(await stack.getAllConfig()).filter((key) => !(key in map));
    if (stale.length > 0) {
        await stack.removeAllConfig(stale);
    }
    await stack.setAllConfig(map);
}

/** A value as `pulumi config set` takes it: text as it is, all else as JSON. */
export function configText(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}

/** The configuration of `stacks/Pulumi.local.yaml`, with what the flags, the lab and its mirror change in it. */
export function stackConfig(
    options: Options,
    ports: Ports,
    lab?: { lab: Lab; mirror: { downloads: string; images: string } },
): StackConfig {
    const { config } = parse(fs.readFileSync(stackFile, "utf8")) as { config: Record<string, unknown> };
    const local = (config[`${project}:machines`] as KataClusterArgs["machines"]).local!;
    const image = options.image ?? lab?.lab.image;
    const given = Object.fromEntries(
        Object.entries({
            cpus: options.cpus,
            memoryMib: options.memoryMib,
            accelerator: options.accelerator,
            workers: options.workers === undefined ? undefined : { ...local.workers, count: options.workers },
            image: image && { path: image },
        }).filter(([, value]) => value !== undefined),
    );
    const kata = lab?.lab.releases.kata.version ?? options.kata;
    const shim = options.kataShim ?? lab?.lab.kataShim;
    return {
        machines: { local: { ...local, ...given, sshPort: ports.ssh, apiPort: ports.api } },
        containerRuntime: options.containerRuntime,
        kata: {
            ...(kata ? { version: kata } : {}),
            ...(shim ? { shim: shim as "go" } : {}),
        },
        mirror: lab?.mirror && { downloads: lab.mirror.downloads, images: lab.mirror.images },
        releases: lab && labReleases(lab.lab),
        allowDisruption: options.allowDisruption && { [options.allowDisruption]: true },
    };
}

function labReleases({ releases, images }: Lab): ReleasesArgs {
    const { "cni-plugins": cniPlugins, ...others } = releases;
    const image = (name: string) =>
        Object.keys(images).find((reference) => reference.startsWith(`ghcr.io/flannel-io/${name}:`));
    return {
        ...others,
        cniPlugins,
        flannelImage: image("flannel"),
        flannelCniPluginImage: image("flannel-cni-plugin"),
    };
}
