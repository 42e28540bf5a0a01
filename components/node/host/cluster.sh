#!/usr/bin/env bash
# What init and join share: how a node becomes a part of a cluster, and how it ceases to be one. To be sourced after
# api.sh.
# shellcheck disable=SC2034 # changed is lib.sh's
set -euo pipefail

patches=/etc/kata-cluster/kubeadm-patches

# Those for a control plane are only for a node that is itself emulated. kubeadm wants the directory in any case.
install_control_plane_patches() {
    mkdir -p "$ROOT$patches"
    if emulated; then
        install_tree "$patches"
    else
        remove_tree "$patches"
    fi
}

# Certificates and etcd data of someone else's cluster would be lost to kubeadm reset.
refuse_foreign_cluster() {
    local path
    for path in /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/kubelet.conf /var/lib/etcd/member; do
        [[ ! -e "$ROOT$path" ]] ||
            fail "$path is there: the node belongs to a cluster that KataCluster did not make" "use another machine, or take this one out of its cluster and run kubeadm reset on it yourself"
    done
}

start_services() {
    systemctl start "$CONTAINER_RUNTIME"
    # Without a configuration it would only fail.
    [[ ! -f "$ROOT/var/lib/kubelet/config.yaml" ]] || systemctl start kubelet
}

# kubeadm looks for it just once, and what was reset may have been starting pods.
wait_for_runtime() {
    local seconds
    systemctl start "$CONTAINER_RUNTIME"
    seconds=$(patience)
    retry "$seconds" crictl --runtime-endpoint "$CRI_SOCKET" info >/dev/null 2>&1 ||
        fail "$CONTAINER_RUNTIME does not answer $seconds s after the reset" "look at: journalctl -u $CONTAINER_RUNTIME; then run up again"
}

leave_cluster() {
    local interface
    kubeadm reset --force --cri-socket "$CRI_SOCKET" >&2
    # What kubeadm leaves to whoever installed the network. containerd ends itself when this directory is gone: "cni conf dir
    # is removed, stop watching".
    [[ ! -d "$ROOT/etc/cni/net.d" ]] || find "$ROOT/etc/cni/net.d" -mindepth 1 -delete
    rm -rf "$ROOT/var/lib/cni" "$ROOT/run/flannel"
    for interface in cni0 flannel.1; do
        [[ ! -e "$ROOT/sys/class/net/$interface" ]] || ip link delete "$interface" >&2 || true
    done
    log "iptables rules of kube-proxy stay until the next boot"
    changed=true
}
