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

# The administrator's certificate and key, as curl takes them: in the bundle, which goes with this run.
administrator=$BUNDLE/administrator.pem

# Before ask_api is called. Once in a run.
take_administrator() {
    local data
    [[ ! -e "$administrator" ]] || return 0
    (
        umask 077
        sed -n 's/^ *client-\(certificate\|key\)-data: //p' "$admin" |
            while read -r data; do base64 -d <<<"$data"; done >"$administrator"
    )
}

# ask_api PATH [OPTION...]: as the administrator, but by what starts quickly, and by a name that every API server's
# certificate has.
ask_api() {
    local path=$1
    shift
    curl --silent --show-error --fail-with-body --noproxy '*' --max-time 15 --cert "$administrator" \
        --cacert "$ROOT/etc/kubernetes/pki/ca.crt" --resolve kubernetes:6443:127.0.0.1 "$@" "https://kubernetes:6443$path"
}

# The API makes its schema, a quarter of a minute's work for an emulated CPU, when it is first asked for it, and goes on
# with that when nobody waits any more. In the format that the Kubernetes provider will ask for.
have_schema_made() {
    ask_api /openapi/v2 --max-time 2 --output /dev/null \
        --header 'Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf' 2>/dev/null || true
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
