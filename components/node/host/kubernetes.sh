#!/usr/bin/env bash
# kubelet, kubeadm, kubectl and the CNI plugins. kubelet is enabled and waits for kubeadm to configure it.
STEP=kubernetes
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/downloads.sh
source "$BUNDLE/downloads.sh"

programs=/usr/local/bin
unit=/etc/systemd/system/kubelet.service
drop_in=/etc/systemd/system/kubelet.service.d/10-kubeadm.conf
at_boot=/etc/tmpfiles.d/kata-cluster-cni.conf

downloads() {
    missing kubelet kubeadm kubectl cni-plugins
}

apply() {
    local program digest
    # kubeadm first, for the step images asks it.
    for program in kubeadm kubelet kubectl; do
        install_programs "$program" "$programs"
    done
    install_programs cni-plugins /opt/cni/bin
    install_tree /etc/cni/net.d
    install_file 0644 "$BUNDLE/files$at_boot" "$at_boot"
    install_file 0644 "$BUNDLE/files$unit" "$unit"
    install_file 0644 "$BUNDLE/files$drop_in" "$drop_in"
    digest=$(cat "$STATE/installed/kubelet" "$ROOT$unit" "$ROOT$drop_in" | sha256sum | cut -d ' ' -f 1)
    if [[ "$(cat "$STATE/running/kubelet" 2>/dev/null)" != "$digest" ]]; then
        enable_unit kubelet
        # Not started here: it has nothing to run from before kubeadm has been.
        systemctl try-restart kubelet
        write_marker "$STATE/running/kubelet" "$digest"
        changed=true
    fi
    status version "$KUBERNETES_VERSION"
}

reset() {
    local program
    [[ ! -e "$STATE/initialized" ]] || fail "this node still is a control plane" "reset the step kubeadm first"
    [[ ! -e "$STATE/join-begun" ]] || fail "this node still is in its cluster" "reset the step join first"
    if [[ -e "$STATE/files$unit" ]]; then
        systemctl disable --now kubelet >&2 || true
    fi
    remove_file "$drop_in"
    remove_file "$at_boot"
    remove_file "$unit"
    systemctl daemon-reload
    remove_tree /etc/cni/net.d
    for program in kubelet kubeadm kubectl cni-plugins; do
        remove_programs "$program"
    done
    rm -f "$STATE/running/kubelet"
    status removed true
}

dispatch "$@"
