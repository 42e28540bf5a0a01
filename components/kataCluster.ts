import * as pulumi from "@pulumi/pulumi";
import { KataClusterArgs, NodeRole } from "./args";
import { AdmissionPolicies } from "./cluster/admission/admissionPolicies";
import { Flannel } from "./cluster/cni";
import { ControlPlane } from "./cluster/controlPlane";
import { IsolationFindings, proveIsolation } from "./cluster/isolationProof";
import { kubernetesProvider } from "./cluster/kubernetesProvider";
import { memberships } from "./cluster/membership";
import { joinNode } from "./cluster/nodeJoin";
import { runtimeClass } from "./cluster/runtimeClass";
import { allLivingWith } from "./lifetime";
import { createMachines } from "./machine/machines";
import { NodeBootstrap } from "./node/nodeBootstrap";
import { NodeFindings, nodeFindings } from "./node/nodeFindings";
import { secretArgs } from "./secretArgs";
import { resolve } from "./spec";
import { UntrustedPod } from "./workload/untrustedPod";

/**
 * A Kubernetes cluster that runs untrusted pods in Kata Containers virtual machines, and proves that it does.
 *
 * @throws pulumi.InputPropertiesError before anything is made, with all that is wrong with the arguments.
 */
export class KataCluster extends pulumi.ComponentResource {
    /** The administrator's kubeconfig, with the address under which you reach the API. Secret. */
    public readonly kubeconfig!: pulumi.Output<string>;
    /** The nodes, and what is installed on each. */
    public readonly nodes!: pulumi.Output<NodeFindings[]>;
    /** RuntimeClass for pods that are to run in a virtual machine. */
    public readonly runtimeClassName!: pulumi.Output<string>;
    /** What the isolation proof found for the untrusted pod. A proof that fails, fails the `up`. */
    public readonly isolation!: pulumi.Output<IsolationFindings>;

    constructor(name: string, args: KataClusterArgs, opts?: pulumi.ComponentResourceOptions) {
        const spec = resolve(name, args);
        super("kata-cluster:index:KataCluster", name, secretArgs(args), opts);
        const child = { parent: this };
        spec.warnings.forEach((warning) => void pulumi.log.warn(warning, this));

        const made = createMachines(spec, child);
        const members = memberships(spec, made);
        const nodes = made.machines.map((machine, i) => new NodeBootstrap(machine, spec, members[i]!, child));
        const controlPlane = new ControlPlane(name, withRole("control-plane", nodes), spec, child);
        const workers = withRole("worker", nodes).map((node) => joinNode(node, controlPlane, spec));

        const provider = kubernetesProvider(name, controlPlane, child);
        const inCluster = { ...child, provider, ...allLivingWith(controlPlane.init) };
        const policies = new AdmissionPolicies(`${name}-policies`, spec, inCluster);
        // Without it the pod's first attempts would fail, and each would be told as a warning.
        const network =
            spec.kubernetes.cni === "flannel"
                ? [new Flannel(`${name}-flannel`, spec, controlPlane.endpoint, inCluster)]
                : [];
        const kata = runtimeClass(name, spec, inCluster);

        const untrusted = new UntrustedPod(`${name}-untrusted`, spec.untrustedPod, {
            ...inCluster,
            dependsOn: [kata, ...network, policies.inEffect, ...controlPlane.joined, ...workers],
        });

        // Nobody gets into the cluster before its policies are in effect.
        this.kubeconfig = pulumi.all([controlPlane.kubeconfig, policies.inEffect]).apply(([kubeconfig]) => kubeconfig);
        this.nodes = pulumi.all(nodes.map(nodeFindings));
        this.runtimeClassName = kata.metadata.name;
        this.isolation = proveIsolation(name, nodes, controlPlane, untrusted, spec.timeouts.podSeconds, child);
        this.registerOutputs({
            kubeconfig: this.kubeconfig,
            nodes: this.nodes,
            runtimeClassName: this.runtimeClassName,
            isolation: this.isolation,
        });
    }
}

function withRole(role: NodeRole, nodes: NodeBootstrap[]): NodeBootstrap[] {
    return nodes.filter(({ machine }) => machine.role === role);
}
