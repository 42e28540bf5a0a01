import * as assert from "node:assert/strict";
import * as os from "node:os";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { ExistingMachineArgs, KataClusterArgs } from "../../components/args";
import { KataCluster } from "../../components/kataCluster";
import { ApiServer } from "../support/apiServer";
import { SshServer } from "../support/sshServer";
import { announce, changes, exporting, said, TestStack } from "./plugins/stack";
import { NodeStandIn } from "./support/nodeStandIn";
import { ProjectCopy } from "./support/projectCopy";
import { changed, linesOf, Shown, shownPlan } from "./support/shownPlan";

const controlPlane = "lab-control-plane-0";
const worker = "lab-worker-0";
const onBoth = (part: string) => [`~ ${controlPlane}-${part}`, `~ ${worker}-${part}`];

/** What a reviewer sees in `pulumi preview --diff`, of a cluster of one control plane and one worker. */
describe(`Previews: ${announce("command")}, ${announce("kubernetes")}`, function () {
    this.timeout(180_000);
    let servers: SshServer[];
    let api: ApiServer;
    let stack: TestStack;
    const copies: ProjectCopy[] = [];

    const machine = ({ host: address, port, privateKey, hostKey }: SshServer): ExistingMachineArgs => ({
        address,
        port,
        privateKey,
        hostKey,
        apiAddress: new URL(api.url).host,
        labels: { "example.com/disk": "ssd", "example.com/rack": "a" },
        taints: [{ key: "example.com/kind", value: "a", effect: "PreferNoSchedule" }],
    });

    interface Edit {
        args?: Partial<KataClusterArgs>;
        controlPlane?: Partial<ExistingMachineArgs>;
        worker?: Partial<ExistingMachineArgs>;
        more?: ExistingMachineArgs[];
    }
    const argsOf = (edit: Edit): KataClusterArgs => ({
        machines: {
            existing: {
                controlPlanes: [{ ...machine(servers[0]!), ...edit.controlPlane }],
                workers: [{ ...machine(servers[1]!), ...edit.worker }, ...(edit.more ?? [])],
            },
        },
        kubernetes: { podCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/12" },
        ...edit.args,
    });
    const exported = (cluster: KataCluster) => {
        const { isolation, nodes, kubeconfig } = cluster;
        return { isolation, nodes, kubeconfig };
    };
    const program = (edit: () => Edit = () => ({}), Component = KataCluster) =>
        exporting(() => exported(new Component("lab", argsOf(edit()))));

    /** What the text of a preview shows, with a look for secrets in it. */
    async function plan(of: pulumi.automation.PulumiFn, options: { replace?: string[] } = {}): Promise<Shown[]> {
        const run = await stack.preview(of, { diff: true, ...options });
        assert.equal(run.error, undefined, said(run, "error"));
        const keys = servers.flatMap(({ privateKey }) => privateKey.split("\n").filter((line) => line.length > 40));
        const { users } = parse(api.kubeconfig) as { users: { user: { token: string } }[] };
        for (const secret of [...keys, users[0]!.user.token]) {
            assert.ok(!run.stdout.includes(secret), "a secret is shown");
        }
        return shownPlan(run.stdout);
    }

    /** The plan after edits of the project's own files, each with one text in the place of another. */
    async function planEdited(...edits: [file: string, from: string, to: string][]): Promise<Shown[]> {
        const copy = new ProjectCopy();
        copies.push(copy);
        edits.forEach((edit) => copy.edit(...edit));
        return plan(program(undefined, copy.load()));
    }

    before(async () => {
        servers = await Promise.all([SshServer.start(), SshServer.start()]);
        api = await ApiServer.start();
        const nodes = [controlPlane, worker].map((name, i) => new NodeStandIn(servers[i]!, api.kubeconfig, name));
        nodes[0]!.podIsOn(worker);
        stack = await TestStack.create("kata-cluster");
        const running = api.podReady("nginx-untrusted").then(() => api.bindPod("nginx-untrusted", worker));
        const [run] = await Promise.all([stack.up(program()), running]);
        assert.equal(run.error, undefined, said(run, "error"));
        // Now that the API says where the pod is.
        const second = await stack.up(program());
        assert.deepEqual([second.error, changes(second)], [undefined, []]);
    });

    after(async () => {
        await api?.close();
        await Promise.all((servers ?? []).map((server) => server.close()));
        stack?.remove();
        copies.forEach((copy) => copy.remove());
    });

    it("show nothing from another folder, for another user, in another time zone, with arguments in another order", async () => {
        const copy = new ProjectCopy();
        copies.push(copy);
        const { HOME, TZ } = process.env;
        const folder = process.cwd();
        try {
            process.env.HOME = os.tmpdir();
            process.env.TZ = "Pacific/Kiritimati";
            process.chdir(copy.folder);
            const Component = copy.load();
            const reversed = exporting(() => exported(new Component("lab", inReverse(argsOf({})))));
            assert.deepEqual(changed(await plan(reversed)), []);
        } finally {
            process.chdir(folder);
            Object.assign(process.env, { HOME, TZ: TZ ?? "" });
        }
    });

    describe("of an edit of a host file", () => {
        const header = "#!/usr/bin/env bash\n";
        const edited = (file: string) => planEdited([`components/node/host/${file}`, header, `${header}# an edit\n`]);

        it("show that the scripts are others, and on each node the one step that runs the file", async () => {
            const [was, is] = ["# Packages that Kubernetes and Kata call, ", "# What Kubernetes and Kata call: "];
            const shown = await planEdited(["components/node/host/kernel.sh", was, is]);
            assert.deepEqual(changed(shown), [
                `~ ${controlPlane}-install`,
                `~ ${controlPlane}-scripts`,
                `~ ${worker}-install`,
                `~ ${worker}-scripts`,
            ]);
            for (const node of [controlPlane, worker]) {
                const lines = linesOf(shown, `${node}-scripts`).map((line) => line.replace(/\(file:.*/, ""));
                assert.deepEqual(lines, ["- source: asset", "+ source: asset"]);
                const [create, ...others] = linesOf(shown, `${node}-install`);
                assert.match(create!, /^~ create: ".* # [0-9a-f]{12}" => ".* # [0-9a-f]{12}"$/);
                assert.deepEqual(others, []);
            }
        });

        it("show no step of another file", async () => {
            assert.deepEqual(
                changed(await edited("isolation.sh")),
                [...onBoth("scripts"), "~ lab-isolation"].sort(byName),
            );
            assert.deepEqual(
                changed(await edited("kubeadm.sh")),
                [...onBoth("scripts"), `~ ${controlPlane}-init`].sort(byName),
            );
            assert.deepEqual(changed(await edited("join.sh")), [...onBoth("scripts"), `~ ${worker}-join`].sort(byName));
        });
    });

    describe("of an argument", () => {
        it("show the argument, and once where it arrives in the nodes' files", async () => {
            const shown = await plan(program(() => ({ args: { kata: { guestMemoryMib: 1024 } } })));
            assert.deepEqual(changed(shown), ["~ lab", ...[...onBoth("install"), ...onBoth("scripts")].sort(byName)]);
            const [digest, ...text] = linesOf(shown, `${controlPlane}-install`);
            assert.match(digest!, /^~ create:/);
            assert.deepEqual(text, [
                "~ stdin :",
                "- default_memory = 2048",
                "+ default_memory = 1024",
                "- default_memory = 512",
                "+ default_memory = 1024",
                "- KATA_MEMORY_MIB=2048",
                "- KATA_EMULATED_MEMORY_MIB=512",
                "+ KATA_MEMORY_MIB=1024",
                "+ KATA_EMULATED_MEMORY_MIB=1024",
            ]);
            assert.deepEqual(linesOf(shown, `${worker}-install`).length, 1);
        });

        it("show a version and its download", async () => {
            const shown = await plan(program(() => ({ args: { kata: { version: "3.32.0" } } })));
            assert.deepEqual(changed(shown), ["~ lab", ...[...onBoth("install"), ...onBoth("scripts")].sort(byName)]);
            const lines = linesOf(shown, `${controlPlane}-install`);
            assert.ok(
                lines.includes("- KATA_VERSION=4.1.0") && lines.includes("+ KATA_VERSION=3.32.0"),
                lines.join("\n"),
            );
            assert.ok(lines.some((line) => /^\+ kata\t3\.32\.0\tamd64\t[0-9a-f]{64}\thttps:/.test(line)));
        });

        it("show a label as its worker's own", async () => {
            const shown = await plan(program(() => ({ worker: { labels: { "example.com/disk": "hdd" } } })));
            assert.deepEqual(changed(shown), [
                "~ lab",
                ...["admit", "install", "join"].map((part) => `~ ${worker}-${part}`),
            ]);
            assert.deepEqual(linesOf(shown, `${worker}-admit`), [
                "~ stdin: (json) {",
                "~ labels : {",
                '~ example.com/disk: "ssd" => "hdd"',
                '- example.com/rack: "a"',
            ]);
        });

        it("show a policy as what it becomes, and nothing of the nodes", async () => {
            const shown = await plan(program(() => ({ args: { trust: { trustedNamespaces: ["storage"] } } })));
            assert.deepEqual(
                changed(shown).filter((change) => !change.startsWith("~ lab-policies-")),
                ["~ lab"],
            );
            assert.ok(shown.length > 1);
        });

        it("show nothing of what is in the cluster for one of the control plane's", async () => {
            const kubernetes = { certificateNames: ["api.example.com"] };
            const shown = await plan(program(() => ({ args: { kubernetes } })));
            assert.deepEqual(changed(shown), ["~ lab", `~ ${controlPlane}-init`, `~ ${controlPlane}-install`]);
            assert.deepEqual(linesOf(shown, `${controlPlane}-install`), ["~ stdin:", "+     - api.example.com"]);
        });
    });

    describe("of a machine", () => {
        /** An address that is known when another resource is made. */
        const later = () => new command.local.Command("host", { create: "echo 127.0.0.1" }).stdout;

        it("show one more worker as that worker's own, also where its address is not known yet", async () => {
            const shown = await plan(
                program(() => {
                    const address = later();
                    return { more: [{ ...machine(servers[1]!), address, internalAddress: address }] };
                }),
            );
            const own = ["", "-admit", "-install", "-join", "-scripts"].map((part) => `+ lab-worker-1${part}`);
            assert.deepEqual(changed(shown), ["+ host", "~ lab", ...own]);
        });

        it("replace nothing in the cluster because its kubeconfig is not known", async () => {
            const shown = await plan(program(() => ({ controlPlane: { apiAddress: later() } })));
            assert.deepEqual(
                changed(shown).filter((change) => !change.startsWith("~ ")),
                ["+ host"],
            );
            assert.ok(
                shown.some(({ type }) => type.startsWith("kubernetes:")),
                "the kubeconfig is known",
            );
        });

        it("make everything in the cluster anew with its first control plane, and nothing else", async () => {
            const shown = await plan(program(), { replace: [`${controlPlane}-init`] });
            const replaced = shown.filter(({ change }) => !change.startsWith("~ "));
            const steps = replaced.filter(({ type }) => type === "command:remote:Command").map(({ change }) => change);
            const inCluster = ["lab-isolation", "lab-pod", `${worker}-admit`];
            assert.deepEqual(
                new Set(steps.map((one) => one.split(" ")[1])),
                new Set([...inCluster, `${controlPlane}-init`]),
            );
            const objects = replaced.filter(({ type }) => type.startsWith("kubernetes:"));
            assert.equal(new Set(objects.map(({ change, type }) => type + change.split(" ")[1])).size, 16);
        });
    });
});

function byName(a: string, b: string): number {
    return a.split(" ")[1]! < b.split(" ")[1]! ? -1 : 1;
}

/** The same value with the keys of every object the other way round. */
function inReverse<T>(value: T): T {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map(inReverse) as T;
    }
    const entries = Object.entries(value).reverse();
    return Object.fromEntries(entries.map(([key, one]) => [key, inReverse<unknown>(one)])) as T;
}
