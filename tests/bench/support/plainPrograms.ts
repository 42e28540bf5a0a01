import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { types } from "@pulumi/command";
import { connectionTo, SshEndpoint } from "../../../components/machine/connection";
import { exporting, StateResource } from "../../engine/plugins/stack";
import { StubCluster } from "../stubCluster";

/** A program with as many components and as many other resources, which are commands with nothing to run. */
export function emptyProgram(resources: StateResource[]) {
    return exporting(() => {
        const parents = emptyComponents(resources);
        idleCommands(resources.length - parents.length, parents, () => ({ host: "192.0.2.1" }));
    });
}

/** The same, but each command knows how to log in, and what the cluster has of Kubernetes are objects of that here too. */
export function idleProgram(cluster: StubCluster, resources: StateResource[]) {
    const { controlPlanes, workers = [] } = cluster.stubs.args().machines.existing!;
    const machines = [...controlPlanes, ...workers] as SshEndpoint[];
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:")).length;
    return exporting(() => {
        const parents = emptyComponents(resources);
        const provider = new kubernetes.Provider("cluster", { kubeconfig: cluster.stubs.api.kubeconfig });
        for (let i = 0; i < objects; i++) {
            const metadata = { name: `idle-${i}`, namespace: "default" };
            new kubernetes.core.v1.ConfigMap(`object-${i}`, { metadata }, { parent: parents[0]!, provider });
        }
        const count = resources.length - parents.length - objects;
        idleCommands(count, parents, (i) => connectionTo(machines[i % machines.length]!));
    });
}

/** Commands with nothing to run, below the components in turn. */
function idleCommands(
    count: number,
    parents: pulumi.Resource[],
    connection: (i: number) => types.input.remote.ConnectionArgs,
) {
    for (let i = 0; i < count; i++) {
        const parent = parents[i % parents.length]!;
        new command.remote.Command(`command-${i}`, { connection: connection(i) }, { parent });
    }
}

/** As many components. A component's identifier is empty. */
function emptyComponents(resources: StateResource[]): pulumi.ComponentResource[] {
    return resources
        .filter(({ id }) => !id)
        .map((_, i) => new pulumi.ComponentResource("kata-cluster:bench:Empty", `component-${i}`));
}
