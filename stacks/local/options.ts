import { parseArgs } from "node:util";
import * as path from "node:path";
import { ContainerRuntime } from "../../components/args";

/** What `npm start` and `npm stop` are told by flags. */
export interface Options {
    /** Folder that holds the stack's state, its passphrase and the kubeconfig. */
    state: string;
    cpus?: number;
    memoryMib?: number;
    /** How many workers join the control plane. */
    workers?: number;
    image?: string;
    accelerator?: string;
    containerRuntime?: ContainerRuntime;
    /** What may stop everything on the node: only `containerRuntime`, a change of it. */
    allowDisruption?: "containerRuntime";
    kata?: string;
    kataShim?: string;
    /** Take the offline lab even where the internet is reached. */
    lab: boolean;
    /** Folder of real releases for the lab. */
    releases?: string;
    help: boolean;
}

const project = path.resolve(__dirname, "../..");

/** The text for `--help`. */
export const usage = `npm start -- [flag…]    makes a virtual machine on this computer, a Kata cluster in it, and proves
                        that the untrusted pod runs in a virtual machine of its own
npm stop -- [--state FOLDER]    removes all of it

  --cpus N              virtual CPUs of the machine (2)
  --memory MIB          its memory in MiB (6144)
  --workers N           further machines that join as workers (0); fewer than before removes the last ones
  --image PATH          its disk image: qcow2 or raw, with cloud-init (the pinned Debian 12 cloud image)
  --accelerator NAME    auto, kvm or tcg (auto: KVM if a probe guest starts on it, else TCG)
  --container-runtime NAME
                        containerd or crio (containerd)
  --allow-disruption containerRuntime
                        lets a change of the runtime stop everything on a node that has the other one
  --kata VERSION        Kata Containers' version (4.1.0)
  --kata-shim NAME      rust or go
  --state FOLDER        where state, passphrase and kubeconfig are kept (.state)
  --lab                 use the offline lab, built from package registries, though the internet is reached
  --releases FOLDER     real releases (Kata, CRI-O, plugins) for the lab to take in place of its stand-ins
  --help                this text`;

/** @throws TypeError on a flag that is not known, or a value that it cannot have. */
export function parseOptions(args: string[]): Options {
    const { values } = parseArgs({
        args,
        options: {
            state: { type: "string", default: path.join(project, ".state") },
            cpus: { type: "string" },
            memory: { type: "string" },
            workers: { type: "string" },
            image: { type: "string" },
            accelerator: { type: "string" },
            "container-runtime": { type: "string" },
            "allow-disruption": { type: "string" },
            kata: { type: "string" },
            "kata-shim": { type: "string" },
            lab: { type: "boolean", default: false },
            releases: { type: "string" },
            help: { type: "boolean", default: false },
        },
    });
    return {
        state: path.resolve(values.state),
        cpus: wholeNumber("--cpus", values.cpus),
        memoryMib: wholeNumber("--memory", values.memory),
        workers: wholeNumber("--workers", values.workers),
        image: values.image && path.resolve(values.image),
        accelerator: values.accelerator,
        containerRuntime: oneOf("--container-runtime", Object.values(ContainerRuntime), values["container-runtime"]),
        allowDisruption: oneOf("--allow-disruption", ["containerRuntime"], values["allow-disruption"]),
        kata: values.kata,
        kataShim: values["kata-shim"],
        lab: values.lab || values.releases !== undefined,
        releases: values.releases && path.resolve(values.releases),
        help: values.help,
    };
}

/** Checked here, for the lab takes long to build, and the component looks at it only then. */
function oneOf<Name extends string>(flag: string, known: Name[], value: string | undefined): Name | undefined {
    if (value !== undefined && !known.includes(value as Name)) {
        throw new TypeError(`${flag} = "${value}": it is one of ${known.join(", ")}`);
    }
    return value as Name | undefined;
}

function wholeNumber(flag: string, value: string | undefined): number | undefined {
    if (value !== undefined && !/^\d+$/.test(value)) {
        throw new TypeError(`${flag} = "${value}": a whole number is needed`);
    }
    return value === undefined ? undefined : Number(value);
}
