import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KataClusterArgs } from "../../../components/args";
import { ClusterSpec, resolve } from "../../../components/spec";
import { parseOptions } from "../../../stacks/local/options";
import { stackConfig } from "../../../stacks/local/workspace";
import { buildLab, Lab, serveLab } from "../../lab/lab";
import { Vm, VmSettings } from "./vm";

/** What all parts that measure on virtual machines share: the lab, its mirror, warm from the first run on, and machines. */
export class VmLab {
    private constructor(
        readonly lab: Lab,
        private readonly mirror: Awaited<ReturnType<typeof serveLab>>,
        /** A folder that goes with the lab. */
        readonly scratch: string,
        readonly say: (line: string) => void,
    ) {}

    /**
     * Runs something with a lab, and removes all that it made, machines too.
     * KATA_CLUSTER_REAL_PLUGINS names a folder of real releases and plugins, as for the other tests.
     */
    static async use<Result>(say: (line: string) => void, what: (lab: VmLab) => Promise<Result>): Promise<Result> {
        const lab = await buildLab({ log: say, real: process.env.KATA_CLUSTER_REAL_PLUGINS });
        const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-bench-"));
        const vmLab = new VmLab(lab, await serveLab(lab), scratch, say);
        const stop = () => void vmLab.close().finally(() => process.exit(130));
        process.once("SIGINT", stop).once("SIGTERM", stop);
        try {
            return await what(vmLab);
        } finally {
            process.off("SIGINT", stop).off("SIGTERM", stop);
            await vmLab.close();
        }
    }

    /** Boots a machine from an image. @default the lab's own */
    start(settings: Omit<VmSettings, "scratch" | "image"> & { image?: string }): Promise<Vm> {
        return Vm.start({ image: this.lab.image, ...settings, scratch: this.scratch });
    }

    /** Arguments for a cluster on machines that run: its control plane, and workers. Versions and mirror are the lab's. */
    args([controlPlane, ...workers]: Vm[]): KataClusterArgs {
        const { lab, mirror } = this;
        const ports = { ssh: 1, api: 2, downloads: 0, images: 0 };
        const { kata, mirror: urls, releases } = stackConfig(parseOptions([]), ports, { lab, mirror });
        const described = ({ name, sshPort, keys, internalAddress }: Vm) => ({
            name,
            address: "127.0.0.1",
            port: sshPort,
            user: "kata",
            privateKey: keys.user.privateKey,
            hostKey: keys.host.publicKey,
            internalAddress,
        });
        return {
            machines: {
                existing: {
                    controlPlanes: [{ ...described(controlPlane!), apiAddress: `127.0.0.1:${controlPlane!.apiPort}` }],
                    workers: workers.map(described),
                },
            },
            kata,
            mirror: urls,
            releases,
        };
    }

    /** The same, resolved: what the component's renderers make files from. */
    spec(machines: Vm[]): ClusterSpec {
        return resolve("lab", this.args(machines));
    }

    /** Which parts are not what users have. */
    note(): string {
        return this.lab.parts
            .filter((part) => /^(Kata|pulumi-resource)/.test(part))
            .map((part) => part.replace(/, (with|\/).*/, ""))
            .join("; ");
    }

    private async close() {
        await Vm.deleteAll(this.scratch);
        await this.mirror.close();
        fs.rmSync(this.scratch, { recursive: true, force: true });
    }
}

/** As the component names a control plane of this computer. */
export function apiNames({ internalAddress }: Pick<Vm, "internalAddress">): string[] {
    return ["127.0.0.1", "localhost", ...(internalAddress ? [internalAddress] : [])];
}

/** A machine as the component's renderers are told of it. */
export function description({ name, internalAddress }: Pick<Vm, "name" | "internalAddress">) {
    return { name, labels: {}, taints: [], internalAddress };
}
