#!/usr/bin/env bash
# What is asked of the API server of this control plane. To be sourced after lib.sh.
# shellcheck disable=SC2034 # initialized is for the scripts
set -euo pipefail

admin=$ROOT/etc/kubernetes/admin.conf
# Written when init is through, with the digest of its configuration.
initialized=$STATE/initialized

# This control plane's own answers first. One that takes no anonymous questions is asked as the administrator.
api_serves() {
    [[ -f "$admin" ]] || return 1
    local_api_serves || kubectl --kubeconfig "$admin" --request-timeout 15s get --raw /readyz >/dev/null 2>&1
}

# Asked without credentials, by what starts quickly.
local_api_serves() {
    curl --silent --fail --insecure --max-time 15 https://127.0.0.1:6443/readyz >/dev/null
}

wait_for_api() {
    local seconds
    seconds=$(patience)
    log "waiting up to $seconds s for the API"
    retry "$seconds" api_serves
}

patience() {
    if emulated; then
        echo "${API_SECONDS:-1200}"
    else
        echo "${API_SECONDS:-300}"
    fi
}

# On stderr: which of the control plane's containers run, and what kubelet said last.
diagnose() {
    {
        crictl --runtime-endpoint "$CRI_SOCKET" ps --all --name '^(etcd|kube-apiserver|kube-controller-manager|kube-scheduler)$' || true
        journalctl --unit kubelet --lines 20 --no-pager --output cat || true
    } >&2
}
