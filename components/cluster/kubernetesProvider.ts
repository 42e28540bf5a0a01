import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { livingWith } from "../lifetime";
import { ControlPlane } from "./controlPlane";

/**
 * How long a request may take. The first one is for the API's schema, which the API server makes when it is first asked:
 * the provider's usual 32 s are too few on a slow machine, and it then takes the cluster for unreachable.
 */
const requestSeconds = 300;

/**
 * The only Kubernetes provider. `clusterIdentifier` is known before the cluster is: without it, a kubeconfig that is
 * unknown in a preview would plan a replacement of every object.
 */
export function kubernetesProvider(
    name: string,
    controlPlane: ControlPlane,
    opts: pulumi.CustomResourceOptions,
): k8s.Provider {
    return new k8s.Provider(
        name,
        {
            kubeconfig: controlPlane.kubeconfig,
            clusterIdentifier: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
            enableServerSideApply: true,
            kubeClientSettings: { timeout: requestSeconds },
        },
        { ...opts, ...livingWith(controlPlane.init) },
    );
}
