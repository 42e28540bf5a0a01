import { stringify } from "yaml";
import { Files } from "../bundle";
import { ClusterSpec } from "../spec";
import { emulatedPatches } from "./kubeadmConfig";
import * as kubeadm from "./nodeRegistration";

/** Written by host/join.sh: the API's address, the cluster's authority, and the certificate that admits this node. */
const discoveryFile = "/var/lib/kata-cluster/join/discovery.conf";

/** What `kubeadm join` reads on a further control plane. It has the cluster's keys by then, and makes the rest. */
export function controlPlaneJoinFiles(spec: ClusterSpec, node: kubeadm.NodeDescription): Files {
    const controlPlane = kubeadm.localApiEndpoint(node);
    return { ...configFile(spec, node, { controlPlane }), ...emulatedPatches({ elections: true }) };
}

/**
 * What `kubeadm join` reads on a worker. Its kubelet looks for no static pods: they pass by admission, so a file on a
 * worker would be a pod that no policy has judged.
 */
export function workerJoinFiles(spec: ClusterSpec, node: kubeadm.NodeDescription): Files {
    return {
        ...configFile(spec, node, {}),
        [`files${kubeadm.patches}/kubeletconfiguration+merge.yaml`]: stringify({ staticPodPath: null }),
    };
}

function configFile(spec: ClusterSpec, node: kubeadm.NodeDescription, more: object): Files {
    return { [`files${kubeadm.directory}/kubeadm-join.yaml`]: joinConfig(spec, node, more) };
}

/** @internal */
export function joinConfig(spec: ClusterSpec, node: kubeadm.NodeDescription, more: object): string {
    const document = {
        apiVersion: kubeadm.kubeadmVersion,
        kind: "JoinConfiguration",
        discovery: { file: { kubeConfigPath: discoveryFile } },
        nodeRegistration: kubeadm.nodeRegistration(spec, node),
        ...more,
        patches: { directory: kubeadm.patches },
        timeouts: kubeadm.upperBounds,
    };
    return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
