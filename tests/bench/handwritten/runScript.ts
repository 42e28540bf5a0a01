import * as fs from "node:fs";
import * as path from "node:path";
import { Files, filesBelow } from "../../../components/bundle";
import { admissionPolicies } from "../../../components/cluster/admission/admissionPolicies";
import { manifests } from "../../../components/cluster/admission/policy";
import { workerJoinFiles } from "../../../components/cluster/joinConfig";
import { initFiles } from "../../../components/cluster/kubeadmConfig";
import { patches } from "../../../components/cluster/nodeRegistration";
import { runtimeClassObject } from "../../../components/cluster/runtimeClass";
import { runtimeFiles } from "../../../components/node/containerRuntime";
import { kataFiles, kataPaths } from "../../../components/node/kata";
import { downloads } from "../../../components/node/nodeEnvironment";
import { ClusterSpec } from "../../../components/spec";
import { stringify } from "yaml";
import { Span } from "../../../stacks/local/timeline";
import { program } from "../support/program";
import { Vm } from "../support/vm";
import { apiNames, description, VmLab } from "../support/vmLab";

const hostFiles = path.resolve(__dirname, "../../../components/node/host/files");

/** A run of the hand-written script: seconds until the pod was Ready, and what it did when. */
export interface ScriptRun {
    ready: number;
    spans: Span[];
}

/** Runs the hand-written script on a control plane and, if there is one, a worker. */
export async function runScript(lab: VmLab, machines: Vm[]): Promise<ScriptRun> {
    const spec = lab.spec(machines);
    const [controlPlane, worker] = machines as [Vm, Vm?];
    const folder = fs.mkdtempSync(path.join(lab.scratch, "handwritten-"));
    const images = Object.keys(lab.lab.images);
    await payload(folder, "control-plane", controlPlane, controlPlaneFiles(spec, images, controlPlane, !!worker));
    if (worker) {
        await payload(folder, "worker", worker, workerFiles(spec, images, worker));
    }
    const steps = new Steps();
    await program("bash", [path.join(__dirname, "up.sh"), folder], {
        onLine: (line) => {
            steps.take(line);
            lab.say(`[${steps.now()} s] ${line}`);
        },
    });
    return { ready: steps.now(), spans: steps.spans };
}

/** What the script prints, `STEP MACHINE NAME begin|end`, as spans. */
class Steps {
    readonly spans: Span[] = [];
    private readonly begun = Date.now();

    take(line: string) {
        const [, machine, name, what] = /^STEP (\S+) (\S+) (begin|end)$/.exec(line) ?? [];
        const full = `${machine} ${name}`;
        if (what === "begin") {
            const stage = ["init", "join", "objects"].includes(name!)
                ? "cluster"
                : name === "pod"
                  ? "workload"
                  : "node";
            this.spans.push({ name: full, type: `:${stage}:`, begun: this.now(), failed: false, steps: [] });
        } else if (what === "end") {
            this.spans.find((span) => span.name === full)!.ended = this.now();
        }
    }

    now(): number {
        return Math.round((Date.now() - this.begun) / 100) / 10;
    }
}

/** What a machine's script reads, as a tar archive beside how to reach the machine. */
async function payload(folder: string, name: string, vm: Vm, files: Files) {
    const machine = path.join(folder, name);
    const content = path.join(machine, "payload");
    for (const [file, text] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(content, file)), { recursive: true });
        fs.writeFileSync(path.join(content, file), text);
    }
    fs.writeFileSync(path.join(machine, "ssh"), lines(vm.sshArguments()));
    await program("tar", ["-cf", path.join(machine, "payload.tar"), "-C", content, "."]);
}

/** What of a machine the files depend on. */
type Target = Pick<Vm, "name" | "internalAddress" | "emulated">;

/** What the script reads on the control plane, by its path beside node.sh. With a worker the pod goes there. */
export function controlPlaneFiles(spec: ClusterSpec, images: string[], vm: Target, withWorker: boolean): Files {
    return {
        ...common(spec, vm),
        ...onNode(initFilesOf(spec, vm, withWorker), vm),
        images: lines(images.filter((image) => !withWorker || !image.includes("nginx"))),
        "objects.yaml": objects(spec),
        "pod.yaml": read("pod.yaml"),
        ...(withWorker ? { "with-worker": "" } : {}),
    };
}

/** The same on a worker. */
export function workerFiles(spec: ClusterSpec, images: string[], vm: Target): Files {
    return {
        ...common(spec, vm),
        ...onNode(workerJoinFiles(spec, description(vm)), vm),
        images: lines(images.filter((image) => /pause|kube-proxy|coredns|flannel|nginx/.test(image))),
    };
}

function common(spec: ClusterSpec, vm: Target): Files {
    return {
        "node.sh": read("node.sh"),
        downloads: downloads(spec),
        "kata-configuration": `${kataPaths(spec.kata).configuration}\n`,
        ...onNode({ ...units(), ...runtimeFiles(spec), ...kataFiles(spec) }, vm),
    };
}

/** The component's files that stay the same on every node. */
function units(): Files {
    const entries = Object.entries(filesBelow(hostFiles)).filter(([file]) => !file.includes("crio"));
    return Object.fromEntries(entries.map(([file, text]) => [`files/${file}`, text]));
}

/** Where the component's scripts put them: some are for an emulated node only. */
function onNode(files: Files, { emulated }: Target): Files {
    const entries = Object.entries(files).filter(
        ([file]) => emulated || !(file.includes("emulated.d/") || /patches\/.*\+strategic/.test(file)),
    );
    return {
        ...Object.fromEntries(entries.map(([file, text]) => [file.replace("emulated.d/", "config.d/"), text])),
        // kubeadm wants the directory in any case.
        [`files${patches}/.keep`]: "",
    };
}

function initFilesOf(spec: ClusterSpec, vm: Target, withWorker: boolean): Files {
    // With a worker the pod goes there: the component taints the control plane when it admits one.
    const taints = withWorker
        ? [{ key: "node-role.kubernetes.io/control-plane", value: "", effect: "NoSchedule" as const }]
        : [];
    return initFiles(spec, { ...description(vm), taints }, { names: apiNames(vm) });
}

/** RuntimeClass, admission policies, flannel. */
function objects(spec: ClusterSpec): string {
    const runtimeClass = {
        apiVersion: "node.k8s.io/v1",
        kind: "RuntimeClass",
        ...runtimeClassObject(spec.containerRuntime, spec.kata.hypervisor),
    };
    const flannel = read("objects.yaml")
        .replaceAll("FLANNEL_CNI_IMAGE", spec.images.flannelCniPlugin)
        .replaceAll("FLANNEL_IMAGE", spec.images.flannel)
        .replaceAll("POD_CIDR", spec.kubernetes.podCidr);
    const policies = admissionPolicies(spec).flatMap(manifests);
    return `${[runtimeClass, ...policies].map((object) => stringify(object)).join("---\n")}---\n${flannel}`;
}

function read(file: string): string {
    return fs.readFileSync(path.join(__dirname, file), "utf8");
}

function lines(all: string[]): string {
    return all.map((line) => `${line}\n`).join("");
}
