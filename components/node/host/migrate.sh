#!/usr/bin/env bash
# Moves a node to the chosen container runtime from another of ours. Everything on it stops for that, so it has a step
# of its own, which is there only if the user has allowed it. Killed at any point, the next run goes on from there.
# https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/change-runtime-containerd/
STEP=migrate
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/cri.sh
source "$BUNDLE/cri.sh"
# shellcheck source=components/node/host/api.sh
source "$BUNDLE/api.sh"
# shellcheck source=components/node/host/drain.sh
source "$BUNDLE/drain.sh"

# Written before anything stops, with whether pods may be scheduled to the node; removed when it is Ready again.
begun=$STATE/migration-begun

downloads() { :; }

apply() {
    local old
    old=$(other_runtime)
    if [[ -z "$old" && ! -f "$begun" ]]; then
        status
        return
    fi
    log "moving the node${old:+ from $old} to $CONTAINER_RUNTIME"
    make_way
    systemctl stop kubelet
    remove_others
    bash "$BUNDLE/$CONTAINER_RUNTIME.sh" apply >&2
    point_kubelet instance-config.yaml
    point_kubelet config.yaml
    rejoin
    rm -f "$begun"
    changed=true
    status runtime "$CONTAINER_RUNTIME"
}

reset() {
    rm -f "$begun"
    status removed true
}

# Pods that a controller makes again are evicted. The others, as the guide's pod, stay bound to the node and start again
# on the new runtime.
make_way() {
    if ! api_serves; then
        log "not drained, for no API serves here"
        [[ -f "$begun" ]] || write_marker "$begun" true
        return
    fi
    [[ -f "$begun" ]] || write_marker "$begun" "$(control_plane get node "$NODE_NAME" --output json | jq '.spec.unschedulable != true')"
    drain "$NODE_NAME"
}

# Only when no pod is left does the old runtime go: what it started outlives it, and would hold the API's port.
remove_others() {
    local old name running
    for old in $(other_runtime); do
        name=${old^^}_SOCKET
        socket=${!name}
        systemctl is-active --quiet "$old" || systemctl start "$old" || log "warning: $old does not start, so its pods cannot be removed"
        if systemctl is-active --quiet "$old"; then
            log "removing the pods of $old"
            running=$(cri ps --quiet)
            # shellcheck disable=SC2086 # a list of words
            [[ -z "$running" ]] || cri_within 120 stop --timeout 20 $running >&2 || true
            remove_pods ||
                fail "pods of $old are left: $(cri pods --quiet | paste -sd ' ')" "look at: crictl --runtime-endpoint $socket pods; then run up again"
        fi
    done
    # Also what a run that was killed has left of it.
    for old in containerd crio; do
        [[ "$old" == "$CONTAINER_RUNTIME" ]] || bash "$BUNDLE/$old.sh" reset >&2
    done
}

# point_kubelet FILE: to the socket of the chosen runtime. kubeadm makes config.yaml out of instance-config.yaml, at an
# upgrade too; so both say it.
point_kubelet() {
    local file=$ROOT/var/lib/kubelet/$1 temporary
    [[ -f "$file" ]] || return 0
    beside "$file"
    awk -v socket="$CRI_SOCKET" '
        !/^containerRuntimeEndpoint:/ { print }
        END { printf "containerRuntimeEndpoint: \"%s\"\n", socket }' "$file" >"$temporary"
    chmod --reference="$file" "$temporary"
    sync "$temporary"
    mv -f "$temporary" "$file"
}

rejoin() {
    # A node that is in no cluster yet.
    [[ -f "$ROOT/var/lib/kubelet/config.yaml" ]] || return 0
    # Before kubelet asks for them one by one, and with a better word if they are not to be had.
    if [[ -f "$initialized" ]]; then
        kubeadm config images pull --config "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml" >&2 ||
            fail "the control plane's images could not be pulled by $CONTAINER_RUNTIME" "check that the node reaches the registry named above, or name a mirror in mirror.images; then run up again"
    fi
    systemctl restart kubelet
    # An init that was interrupted is the kubeadm step's.
    [[ -f "$initialized" ]] || return 0
    wait_for_api || {
        diagnose
        fail "the API does not serve on $CONTAINER_RUNTIME" "look at the containers and lines of kubelet above, then run up again"
    }
    # kubeadm before 1.34 kept the socket there, and still believes it.
    control_plane annotate node "$NODE_NAME" --overwrite "kubeadm.alpha.kubernetes.io/cri-socket=$CRI_SOCKET" >&2
    wait_for_node
    [[ "$(<"$begun")" == false ]] || control_plane uncordon "$NODE_NAME" >&2
    log "the node is Ready on $CONTAINER_RUNTIME"
}

wait_for_node() {
    local seconds
    seconds=$(patience)
    retry "$seconds" node_is_ready || {
        diagnose
        fail "the node is not Ready on $CONTAINER_RUNTIME after $seconds s: $(tail -n 1 <<<"$seen")" "look at: kubectl describe node $NODE_NAME; then run up again"
    }
}

# Ready may be what the API last heard on the old runtime, so the runtime counts too. Sets seen.
node_is_ready() {
    local runtime
    runtime=$(crictl --runtime-endpoint "$CRI_SOCKET" version | awk '/^RuntimeName/ { print $2 }') || return 1
    seen=$(control_plane get node "$NODE_NAME" --output json 2>&1 |
        jq -r '.status.nodeInfo.containerRuntimeVersion + " " + (.status.conditions[] | select(.type == "Ready") | .status + " " + (.message // ""))' 2>&1) || return 1
    [[ "$seen" == "$runtime://"*" True "* ]]
}

dispatch "$@"
