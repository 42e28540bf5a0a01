import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { livingWith } from "../lifetime";
import { ControlPlane } from "./controlPlane";

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
        },
        { ...opts, ...livingWith(controlPlane.init) },
    );
}
