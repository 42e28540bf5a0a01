#!/usr/bin/env bash
# Makes this node the first control plane. Converges from any point at which an earlier run ended, and never resets a
# control plane that serves. stdout is the administrator's kubeconfig alone: a secret, logged nowhere.
STEP=kubeadm
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/api.sh
source "$BUNDLE/api.sh"
# shellcheck source=components/node/host/cluster.sh
source "$BUNDLE/cluster.sh"

config=$init_config
new_config=$BUNDLE/files$config
# Written before the first init: from then on what lies in /etc/kubernetes is ours.
begun=$STATE/init-begun
# What the nodes find the API by. kubeadm writes it into every one of them.
endpoint=controlPlaneEndpoint

# What an interrupted init still has to do once the API serves.
before_the_api=preflight,certs,kubeconfig,etcd,control-plane,kubelet-start,wait-control-plane

downloads() { :; }

apply() {
    [[ -f "$new_config" ]] || fail "the bundle holds no $config" "run up again; if it stays, this is a mistake in KataCluster"
    [[ ! -f "$STATE/join-begun" ]] ||
        fail "this node has joined a cluster as a further node, and cannot begin one" "name the machine that the cluster began on first again; to make a new cluster here, destroy the old one before"
    if [[ -f "$initialized" ]]; then
        serve_again
        update
    elif [[ -f "$begun" ]]; then
        start_services
        if api_serves || { api_server_runs && wait_for_api; }; then
            log "an earlier init was interrupted after the API served; doing the rest"
            finish
        else
            log "an earlier init was interrupted before the API served; beginning again"
            kubeadm reset --force --cri-socket "$CRI_SOCKET" >&2
            wait_for_runtime
            init
        fi
    else
        refuse_foreign_cluster
        init
    fi
    take_administrator
    wait_for_service_account
    # The kubeconfig is all that goes to stdout.
    cat "$admin"
}

reset() {
    if [[ -f "$begun" ]]; then
        leave_cluster
    fi
    remove_file "$config"
    remove_tree "$patches"
    rm -f "$initialized" "$begun"
    status removed true
}

init() {
    write_marker "$begun" "$CLUSTER_NAME"
    configure
    # No token is printed: whatever goes to stderr ends up in logs.
    kubeadm init --config "$ROOT$config" --skip-token-print --skip-phases show-join-command | pass_on || {
        diagnose
        fail "kubeadm init failed" "read kubeadm's own words above. For images, check that the node reaches their registry, or name a mirror in mirror.images; run up again, it begins anew"
    }
    complete
}

# kubeadm's words go on as they come. Its last phases wait for answers more than they compute, so that the schema is made
# beside them.
pass_on() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line" >&2
        if [[ "$line" == "[mark-control-plane]"* && ! -e "$administrator" ]]; then
            take_administrator
            have_schema_made &
        fi
    done
}

configure() {
    install_file 0600 "$new_config" "$config"
    install_control_plane_patches
}

finish() {
    configure
    kubeadm init --config "$ROOT$config" --skip-token-print --skip-phases "$before_the_api,show-join-command" >&2 || {
        diagnose
        fail "kubeadm could not finish an init that was interrupted" "read kubeadm's own words above, then run up again"
    }
    complete
}

complete() {
    write_marker "$initialized" "$(config_digest)"
    log "the control plane is initialized"
}

config_digest() {
    sha256sum "$new_config" | cut -d ' ' -f 1
}

# A control plane that was initialized is only ever started, never reset.
serve_again() {
    api_serves || {
        log "the API does not serve; starting its services"
        start_services
        wait_for_api
    } || {
        diagnose
        fail "the control plane was initialized before and its API does not serve" \
            "look at the containers and lines of kubelet above; nothing was reset. If it is beyond repair, destroy the cluster and make it anew"
    }
}

# A changed configuration reaches the cluster's own copy, which later joins and upgrades read.
update() {
    [[ "$(cat "$initialized")" != "$(config_digest)" ]] || return 0
    [[ "$(grep "^$endpoint:" "$new_config")" == "$(grep "^$endpoint:" "$ROOT$config")" ]] ||
        fail "the control plane endpoint of a live cluster cannot be changed: every node and certificate has it" "set kubernetes.$endpoint back to what it was, or make a new cluster"
    configure
    kubeadm init phase upload-config all --config "$ROOT$config" >&2
    write_marker "$initialized" "$(config_digest)"
    log "warning: the cluster's stored configuration is the new one, but what runs here keeps its certificate names, CIDRs, labels, API server arguments and kubelet settings"
}

# The API refuses a pod whose namespace has no ServiceAccount yet. The controller manager makes the same one, but some time
# after init has returned, and half a minute after it on a slow machine.
wait_for_service_account() {
    local seconds
    seconds=$(patience)
    retry "$seconds" service_account_is_there || {
        diagnose
        fail "the namespace default has no ServiceAccount after $seconds s: $(tr -s '[:space:]' ' ' <<<"$answer" | sed 's/ $//')" \
            "look at kube-apiserver among the containers above; then run up again"
    }
}

# Sets answer.
service_account_is_there() {
    local account='{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}'
    answer=$(ask_api /api/v1/namespaces/default/serviceaccounts \
        --header 'Content-Type: application/json' --data "$account" 2>&1) || grep -q AlreadyExists <<<"$answer"
}

# Whether waiting for the API makes sense: kubelet has started it.
api_server_runs() {
    [[ -f "$admin" && -n "$(crictl --runtime-endpoint "$CRI_SOCKET" ps --quiet --state running --name '^kube-apiserver$' 2>/dev/null)" ]]
}

dispatch "$@"
