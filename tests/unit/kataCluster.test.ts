import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "../../components/kataCluster";
import { KataClusterArgs } from "../../components/args";
import { existing, privateKey } from "../support/specs";
import { Recorded, recordingMocks, texts, withoutSecrets } from "../support/recordingMocks";

const keys = {
    user: { privateKey: "CANARY-USER-KEY", publicKey: "ssh-ed25519 AAAAuser" },
    host: { privateKey: "CANARY-HOST-KEY", publicKey: "ssh-ed25519 AAAAhost" },
};
const adminConf = `clusters: [{ cluster: { server: "https://10.0.2.15:6443" } }]
users: [{ user: { client-key-data: CANARY-ADMIN-KEY } }]
`;
const proof = {
    namespace: "default",
    isolated: true,
    runtimeHandler: "untrusted",
    pod: { name: "nginx-untrusted", bootId: "a", kernel: "6.1" },
    node: { name: "lab-control-plane-0", bootId: "b", kernel: "6.1" },
    kata: { version: "4.1.0" },
    vmProcess: { pid: 42, command: "qemu" },
    control: { container: "kube-proxy" },
};
const located = { node: "lab-control-plane-0", uid: "uid-of-lab-untrusted" };
const stdout = {
    "-pod": JSON.stringify(located),
    "-keys": JSON.stringify(keys),
    "-init": adminConf,
    "-isolation": JSON.stringify(proof),
};

const kinds: Record<string, KataClusterArgs> = { local: { machines: { local: {} } }, existing: existing() };

for (const [kind, args] of Object.entries(kinds)) {
    for (const preview of [true, false]) {
        describe(`KataCluster on ${kind} machines, ${preview ? "preview" : "up"}`, () => {
            let resources: Recorded[];
            let cluster: KataCluster;

            before(async () => {
                resources = recordingMocks(preview, stdout).resources;
                cluster = new KataCluster("lab", args);
                await pulumi.runtime.disconnect();
            });

            const commands = () => resources.filter(({ type }) => type === "command:remote:Command");

            it("registers the same resources whatever is known", () => {
                const names = resources.map(({ type, name }) => `${type} ${name}`).sort();
                const vm = [
                    "kata-cluster:machine:LocalMachine lab-control-plane-0",
                    "command:local:Command lab-control-plane-0-keys",
                    "command:local:Command lab-control-plane-0-vm",
                ];
                assert.deepEqual(
                    names,
                    [
                        ...(kind === "local" ? vm : []),
                        "command:remote:Command lab-control-plane-0-init",
                        "command:remote:Command lab-control-plane-0-install",
                        "command:remote:Command lab-isolation",
                        "command:remote:CopyToRemote lab-control-plane-0-scripts",
                        "kata-cluster:cluster:AdmissionPolicies lab-policies",
                        "kata-cluster:cluster:ControlPlane lab",
                        "kata-cluster:cluster:Flannel lab-flannel",
                        "kata-cluster:index:KataCluster lab",
                        "kata-cluster:index:UntrustedPod lab-untrusted",
                        "kata-cluster:node:NodeBootstrap lab-control-plane-0",
                        ...["lab-policies-untrusted-runtime-class"].flatMap(bound("Mutating")),
                        ...[
                            "lab-policies-guard",
                            "lab-policies-untrusted-pods",
                            "lab-policies-untrusted-templates",
                        ].flatMap(bound("Validating")),
                        "kubernetes:apps/v1:DaemonSet lab-flannel-daemon",
                        "kubernetes:core/v1:ConfigMap lab-flannel-config",
                        "kubernetes:core/v1:Namespace lab-flannel-namespace",
                        "kubernetes:core/v1:Pod lab-untrusted",
                        "kubernetes:core/v1:ServiceAccount lab-flannel-account",
                        "kubernetes:node.k8s.io/v1:RuntimeClass lab-kata",
                        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole lab-flannel-role",
                        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding lab-flannel-binding",
                        "pulumi:providers:kubernetes lab",
                    ].sort(),
                );
            });

            it("pins the host key on every connection", () => {
                const connections = resources
                    .filter(({ type }) => type.startsWith("command:remote:"))
                    .map(({ inputs }) => inputs.connection as { hostKey?: string; value?: { hostKey?: string } });
                assert.equal(connections.length, 4);
                const known = connections.filter((one) =>
                    preview && kind === "local" ? false : !preview || "hostKey" in (one.value ?? one),
                );
                assert.equal(known.length, preview ? (kind === "local" ? 0 : 4) : 4);
                known.forEach((one) => assert.match((one.value ?? one).hostKey ?? "", /^ssh-ed25519 /));
            });

            it("never replaces a step, and undoes one only on a machine that is not its own", () => {
                for (const { name, inputs } of commands()) {
                    assert.equal(inputs.triggers, undefined, name);
                    assert.equal(inputs.update, undefined, name);
                    const undone = kind === "existing" && !/-isolation$/.test(name);
                    assert.equal(typeof inputs.delete, undone ? "string" : "undefined", name);
                }
            });

            it("makes what is on a machine anew with the machine, and what is in the cluster with the cluster", () => {
                const made = resources.filter(({ type }) =>
                    /^(command:remote|kubernetes|pulumi:providers):/.test(type),
                );
                assert.equal(made.length, 21);
                for (const { type, name, deletedWith, replacedWith } of made) {
                    const onMachine = /-(scripts|install|init)$/.test(name) && type.startsWith("command:");
                    const machine = kind === "local" ? ["lab-control-plane-0-vm"] : [];
                    const wanted = onMachine ? machine : ["lab-control-plane-0-init"];
                    assert.deepEqual(replacedWith, wanted, name);
                    // Objects inherit it from their component in the engine.
                    if (!type.startsWith("kubernetes:")) {
                        assert.equal(deletedWith, wanted[0] ?? "", name);
                    }
                }
            });

            it("puts no secret into a command line or an environment", () => {
                for (const { inputs } of resources.filter(({ type }) => type.startsWith("command:"))) {
                    const open = [inputs.create, inputs.update, inputs.delete, inputs.environment, inputs.source];
                    texts(open).forEach((text) => assert.doesNotMatch(text, /CANARY/));
                }
            });

            it("keeps its credentials as secrets", async () => {
                assert.equal(await pulumi.isSecret(cluster.kubeconfig), true);
                const [own] = resources.filter(({ type }) => type === "kata-cluster:index:KataCluster");
                assert.doesNotMatch(JSON.stringify(withoutSecrets(own!.inputs)), new RegExp("CANARY-PRIVATE-KEY"));
                assert.ok(privateKey.includes("CANARY-PRIVATE-KEY"));
            });

            it("gives the pod the guide's annotation, and no RuntimeClass beside it", () => {
                const { inputs } = resources.find(({ type }) => type === "kubernetes:core/v1:Pod")!;
                const { metadata, spec } = inputs as { metadata: { annotations: object; name: string }; spec: object };
                assert.deepEqual(metadata.annotations, { "io.kubernetes.cri.untrusted-workload": "true" });
                assert.equal(metadata.name, "nginx-untrusted");
                assert.deepEqual(spec, {
                    containers: [{ name: "nginx", image: "nginx", imagePullPolicy: "IfNotPresent" }],
                });
            });

            it("names the cluster to the Kubernetes provider before it is there", () => {
                const { inputs } = resources.find(({ type }) => type === "pulumi:providers:kubernetes")!;
                assert.equal(inputs.clusterIdentifier, "kata-cluster/test/lab");
                assert.equal(inputs.kubeClientSettings, '{"timeout":300}');
            });
        });
    }
}

/** A policy's resource, and its binding's. */
function bound(kind: "Mutating" | "Validating") {
    const type = `kubernetes:admissionregistration.k8s.io/v1:${kind}AdmissionPolicy`;
    return (name: string) => [`${type} ${name}`, `${type}Binding ${name}-binding`];
}
