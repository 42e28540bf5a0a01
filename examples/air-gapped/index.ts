import * as pulumi from "@pulumi/pulumi";
import { KataCluster } from "kata-cluster";

// The machines reach the mirror and each other. The mirror serves, for machines of x86-64 (of Arm: arm64 for amd64),
//
// below `downloads`, as files:
//   github.com/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-linux-amd64.tar.gz
//   github.com/opencontainers/runc/releases/download/v1.4.3/runc.amd64
//   github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz
//   github.com/kubernetes-sigs/cri-tools/releases/download/v1.36.0/crictl-v1.36.0-linux-amd64.tar.gz
//   github.com/kata-containers/kata-containers/releases/download/4.1.0/kata-static-4.1.0-amd64.tar.zst
//   dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubeadm
//   dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet
//   dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubectl
//
// from the registry `images`, each as the repository of its whole name:
//   what `kubeadm config images list --kubernetes-version v1.36.4` names, as registry.k8s.io/pause:3.10.2
//   ghcr.io/flannel-io/flannel:v0.28.4 and ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1, by digest
//   docker.io/library/nginx, the untrusted pod's
//
// Files are checked by SHA-256 all the same. The machines must trust the mirror's certificate. And they have these
// packages already, for apt reaches nothing:
//   ca-certificates conntrack curl ethtool iproute2 iptables jq kmod nftables openssl socat zstd

/** A machine, and the public host key by which it is known. */
interface Host {
    address: string;
    hostKey: string;
}

interface Worker extends Host {
    /** The node's name, for ever. */
    name: string;
}

const config = new pulumi.Config();
const login = { user: config.get("user") ?? "root", privateKey: config.requireSecret("privateKey") };

const cluster = new KataCluster("site", {
    machines: {
        existing: {
            controlPlanes: [{ ...config.requireObject<Host>("controlPlane"), ...login }],
            workers: (config.getObject<Worker[]>("workers") ?? []).map((worker) => ({ ...worker, ...login })),
        },
    },
    mirror: { downloads: config.require("downloads"), images: config.require("images") },
});

export const kubeconfig = cluster.kubeconfig; // secret
export const nodes = cluster.nodes;
export const isolation = cluster.isolation;
