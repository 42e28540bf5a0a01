import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Stack } from "@pulumi/pulumi/automation";
import { parse } from "yaml";
import { GcpMachinesArgs, IsolationFindings, NodeFindings } from "../../index";
import { parseOptions } from "../../stacks/local/options";
import { pulumiCommand } from "../../stacks/local/pulumiCommand";
import { Progress } from "../../stacks/local/progress";
import { StateFolder } from "../../stacks/local/stateFolder";
import { configure, openStack, stackConfig } from "../../stacks/local/workspace";
import { program } from "../../stacks/program";
import { buildLab, Lab, serveLab } from "../lab/lab";
import { gcpStandIn } from "../lab/plugins";
import { GcpCloud } from "../support/gcpCloud";
import { minutes } from "../support/eventually";
import { kubectlFor, Kubectl } from "./support/kubectl";

const controlPlane = "lab-control-plane-0";
const worker = "lab-worker-0";
const me = ["127.0.0.1/32"];
const stackFile = path.resolve(__dirname, "../../stacks/Pulumi.gcp-containerd.yaml");
/** As in local.test.ts. */
const flags = (process.env.KATA_CLUSTER_E2E_FLAGS ?? "").split(" ").filter((flag) => flag !== "");

/**
 * The stack `gcp-containerd` by the real engine, on the stand-in for Google Cloud's plugin: its instances are real virtual machines
 * on this computer, reached through its bastion. As root only, for the bastion listens on port 22.
 */
describe("The stack gcp-containerd, on virtual machines of this computer", function () {
    this.timeout(90 * minutes);
    this.bail(true);

    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kata-cluster-e2e-gcp-"));
    const state = new StateFolder(folder);
    const cloud = new GcpCloud();
    const progress = new Progress((line) => console.log(line));
    let lab: Lab;
    let mirror: Awaited<ReturnType<typeof serveLab>>;
    let stack: Stack;
    let kubectl: Kubectl;

    /** What the stack's file says, with its project and addresses, which a user puts in. */
    const machines = (workers: number, deletionProtection = true) => {
        const { config } = parse(fs.readFileSync(stackFile, "utf8")) as { config: Record<string, unknown> };
        const { gcp } = config["kata-cluster:machines"] as { gcp: GcpMachinesArgs };
        return {
            gcp: {
                ...gcp,
                project: cloud.project,
                controlPlane: { ...gcp.controlPlane, deletionProtection },
                workerPools: [{ name: "worker", count: workers }],
                ssh: { ...gcp.ssh, sourceRanges: me },
                api: { ...gcp.api, sourceRanges: me },
            },
        };
    };
    const up = async (workers: number, deletionProtection?: boolean) => {
        const config = stackConfig(parseOptions(flags), await state.ports(), { lab, mirror });
        await configure(stack, { ...config, machines: machines(workers, deletionProtection) });
        await stack.up({ onEvent: (event) => progress.show(event), color: "never" });
        const { kubeconfig, isolation, nodes } = await stack.outputs();
        state.write("kubeconfig", kubeconfig!.value as string);
        return { isolation: isolation!.value as IsolationFindings, nodes: nodes!.value as NodeFindings[] };
    };
    const settings = () => ({
        nodes: {
            kind: "vms" as const,
            image: lab.image,
            ...{ cpus: 2, memoryMib: 6144, diskGib: 30, timeoutSeconds: 1800 },
        },
    });
    const nodes = () => (kubectl.json("get", "nodes") as { items: Node[] }).items;
    const nodeOf = (pod: string) => (kubectl.json("get", "pod", pod) as Pod).spec.nodeName;
    const instance = (name: string) => cloud.list("instances").find(({ logicalName }) => logicalName === name);
    const addressOf = (name: string) =>
        (instance(name)!.outputs.networkInterfaces as { networkIp: string }[])[0]!.networkIp;

    before(async () => {
        const { releases, containerRuntime } = parseOptions(flags);
        lab = await buildLab({ log: (line) => progress.line(line), containerRuntime, real: releases });
        mirror = await serveLab(lab, await state.ports());
        cloud.set(settings());
        Object.assign(process.env, cloud.environment);
        const plugins = [...lab.plugins, gcpStandIn.folder!];
        stack = await openStack(state, await pulumiCommand(() => undefined, lab.pulumi), program, plugins);
    });

    after(async function () {
        this.timeout(15 * minutes);
        if (cloud.list().length > 0) {
            const config = stackConfig(parseOptions(flags), await state.ports(), { lab, mirror });
            await configure(stack, { ...config, machines: machines(0, false) });
            await stack.up({ color: "never" }).catch(() => undefined);
            await stack.destroy({ color: "never" });
        }
        await mirror?.close();
        cloud.remove();
        fs.rmSync(folder, { recursive: true, force: true });
    });

    it("makes a cluster of a control plane and a worker, and proves the pod on the worker isolated", async () => {
        const { isolation, nodes } = await up(1);
        assert.deepEqual(
            nodes.map(({ name }) => name),
            [controlPlane, worker],
        );
        assert.equal(isolation.isolated, true);
        assert.equal(isolation.node, worker);
        assert.notEqual(isolation.podKernel.bootId, isolation.nodeKernel.bootId);
        kubectl = kubectlFor(state.file("kubeconfig"));
        assert.equal(nodeOf("nginx-untrusted"), worker);
    });

    it("has two Nodes that are Ready, by the instances' internal addresses", () => {
        for (const { metadata, status } of nodes()) {
            assert.equal(status.conditions.find(({ type }) => type === "Ready")?.status, "True");
            const internal = status.addresses.find(({ type }) => type === "InternalIP")?.address;
            assert.equal(internal, addressOf(metadata.name));
        }
        assert.deepEqual(
            nodes().map(({ metadata }) => metadata.name),
            [controlPlane, worker],
        );
    });

    it("reached the machines through the bastion alone, and the API by its public address", () => {
        const opened = new Set(cloud.forwarded(instance("lab-bastion")!));
        assert.deepEqual(opened, new Set([controlPlane, worker].map((name) => `${addressOf(name)}:22 open`)));
        const server = kubectl.text("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}");
        assert.match(server, /^https:\/\/127\.80\.0\.\d+:6443$/);
    });

    it("reaches the pod through the API server, over the segment that the machines share", () => {
        const page = kubectl.text("get", "--raw", "/api/v1/namespaces/default/pods/nginx-untrusted:80/proxy/");
        assert.match(page, /Welcome to nginx/);
    });

    it("leaves nothing to do for a second up", async () => {
        const { summary } = await stack.up({ expectNoChanges: true, color: "never" });
        assert.deepEqual(Object.keys(summary.resourceChanges ?? {}), ["same"]);
    });

    it("takes the worker out, and proves the pod on the control plane", async () => {
        const { isolation } = await up(0);
        assert.equal(isolation.node, controlPlane);
        assert.equal(isolation.isolated, true);
        assert.deepEqual(
            nodes().map(({ metadata }) => metadata.name),
            [controlPlane],
        );
        assert.equal(instance(worker), undefined);
    });

    it("is destroyed as a whole once the control plane is protected no more", async () => {
        await up(0, false);
        await stack.destroy({ onEvent: (event) => progress.show(event), color: "never" });
        assert.deepEqual(cloud.list(), []);
        assert.deepEqual(cloud.virtualMachines(), [], "a virtual machine is left");
    });
});

interface Node {
    metadata: { name: string };
    status: { addresses: { type: string; address: string }[]; conditions: { type: string; status: string }[] };
}

interface Pod {
    spec: { nodeName: string };
}
