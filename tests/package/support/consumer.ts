import * as assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { packages } from "../../../package-lock.json";
import { findPlugins, gcpStandIn } from "../../lab/plugins";
import { findRealReleases } from "../../lab/realReleases";
import { needProgram } from "../../support/programs";
import { copyCheckout } from "./checkout";

const plugins = [...findPlugins(findRealReleases(process.env.KATA_CLUSTER_REAL_PLUGINS).plugins), gcpStandIn];
const standIns = path.resolve(__dirname, "../../support/plugins");
const realHost = spawnSync("pulumi-language-nodejs", ["-help"]).error === undefined;

/** Says in the test output which language host runs the package. */
export const languageHost = realHost
    ? "real pulumi-language-nodejs"
    : "stand-in for pulumi-language-nodejs (tests/support/plugins)";

/** What a run of the CLI came to. */
export interface Ran {
    status: number | null;
    stdout: string;
    /** Everything that it printed. */
    output: string;
}

/** Somebody else's computer, who uses the package: a Pulumi home and a state of its own, and folders for programs. */
export class Consumer {
    readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-consumer-"));
    private readonly env: NodeJS.ProcessEnv;

    constructor(env: Record<string, string> = {}) {
        const home = path.join(this.folder, "home");
        const state = path.join(this.folder, "state");
        fs.mkdirSync(state);
        installPlugins(path.join(home, "plugins"));
        const programs = ["pulumi", "pulumi-language-yaml"] as const;
        this.env = {
            ...process.env,
            PATH: [
                path.dirname(process.execPath),
                ...programs.map((name) => path.dirname(needProgram(name))),
                ...(realHost ? [] : [path.join(standIns, "nodejs")]),
                process.env.PATH,
            ].join(path.delimiter),
            PULUMI_HOME: home,
            PULUMI_BACKEND_URL: `file://${state}`,
            PULUMI_CONFIG_PASSPHRASE: "test",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            KATA_CLUSTER_NODE: process.execPath,
            KUBECONFIG: "",
            ...env,
        };
    }

    /** A new folder, with a text in each of its files. */
    project(name: string, files: Record<string, string> = {}): string {
        const folder = path.join(this.folder, name);
        fs.mkdirSync(folder, { recursive: true });
        Object.entries(files).forEach(([file, text]) => fs.writeFileSync(path.join(folder, file), text));
        return folder;
    }

    /** The folder `kata-cluster`: a checkout of the package, with what it needs installed. */
    async installPackage(): Promise<string> {
        const checkout = this.project("kata-cluster");
        copyCheckout(checkout);
        const ran = await this.run(checkout, "npm", "install", "--omit=dev", "--prefer-offline");
        assert.equal(ran.status, 0, ran.output);
        return checkout;
    }

    /** Runs a program in a folder. It does not block this process, which may serve what it asks for. */
    run(cwd: string, program: string, ...args: string[]): Promise<Ran> {
        return new Promise((resolve, reject) => {
            const child = spawn(program, args, { cwd, env: this.env, stdio: ["ignore", "pipe", "pipe"] });
            const ran: Ran = { status: null, stdout: "", output: "" };
            child.stdout.on("data", (data: Buffer) => {
                ran.stdout += data.toString();
                ran.output += data.toString();
            });
            child.stderr.on("data", (data: Buffer) => (ran.output += data.toString()));
            child.once("error", reject);
            child.once("close", (status) => resolve({ ...ran, status }));
        });
    }

    pulumi(cwd: string, ...args: string[]): Promise<Ran> {
        return this.run(cwd, needProgram("pulumi"), ...args);
    }

    remove(): void {
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

/** Puts the provider plugins where `pulumi plugin install` would, for the CLI installs those that a package needs. */
function installPlugins(folder: string): void {
    const own = path.join(process.env.PULUMI_HOME || path.join(os.homedir(), ".pulumi"), "plugins");
    for (const { name, folder: found } of plugins) {
        const entry = `resource-${name}-v${packages[`node_modules/@pulumi/${name}`].version}`;
        const program = `pulumi-resource-${name}`;
        const from = [found, path.join(own, entry), ...(process.env.PATH ?? "").split(path.delimiter)].find(
            (place) => place && fs.existsSync(path.join(place, program)),
        );
        fs.mkdirSync(path.join(folder, entry), { recursive: true });
        fs.symlinkSync(path.join(from!, program), path.join(folder, entry, program));
    }
}
