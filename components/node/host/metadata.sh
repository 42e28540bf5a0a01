#!/usr/bin/env bash
# Pods reach neither the cloud's metadata server nor the pod network's overlay; the node itself does. No pod starts
# before the rules are live, after a boot too.
STEP=metadata
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

rules=/etc/kata-cluster/metadata.nft
service=kata-cluster-metadata
unit=/etc/systemd/system/$service.service

downloads() { :; }

apply() {
    local wanted digest
    wanted=$(rules_elsewhere)
    install_file 0644 "$BUNDLE/files$rules" "$rules"
    install_file 0644 "$BUNDLE/files$unit" "$unit"
    digest=$(cat "$ROOT$rules" "$ROOT$unit" | sha256sum | cut -d ' ' -f 1)
    if ! runs_with "$service" "$digest" || [[ "$(live_rules)" != "$wanted" ]]; then
        enable_unit "$service"
        # A restart would take kubelet along, which requires it.
        systemctl reload-or-restart "$service" ||
            fail "$service.service does not start" "read: journalctl --unit $service"
        changed=true
        log "loaded $rules"
    fi
    [[ "$(live_rules)" == "$wanted" ]] ||
        fail "the rules that keep pods from the metadata server are not live: table inet kata_cluster is not what $rules says" "look for what flushes or edits nftables on this node, then run up again"
    write_marker "$STATE/running/$service" "$digest"
    status live true
}

reset() {
    [[ ! -e "$STATE/files/etc/systemd/system/kubelet.service" ]] ||
        fail "kubelet is installed, and pods would reach the metadata server" "reset the step kubernetes first"
    if [[ -e "$STATE/files$unit" ]]; then
        systemctl disable --now "$service" >&2 || true
    fi
    if [[ -n "$(live_rules)" ]]; then
        nft delete table inet kata_cluster
        changed=true
        log "deleted the table inet kata_cluster"
    fi
    remove_file "$unit"
    systemctl daemon-reload
    remove_file "$rules"
    rm -f "$STATE/running/$service"
    status removed true
}

# How nft lists the table that the bundle's file makes: loaded for that into a network namespace which ends at once.
rules_elsewhere() {
    # shellcheck disable=SC2016 # for that shell
    unshare --net bash -c 'nft -f "$1" && nft --stateless list table inet kata_cluster' - "$BUNDLE/files$rules" ||
        fail "nft does not take $rules" "read its words above; where they name a protocol or a file that is not there, install the full kernel package (linux-image-amd64, or linux-modules-extra on Ubuntu), then reboot"
}

# Nothing where there is no table, or no nft yet.
live_rules() {
    nft --stateless list table inet kata_cluster 2>/dev/null || true
}

dispatch "$@"
