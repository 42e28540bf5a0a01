#!/usr/bin/env bash
# Takes pods off a node, by the API of this control plane. To be sourced after api.sh.
# shellcheck disable=SC2154 # admin is api.sh's
set -euo pipefail

# Pods that were taken off a node and are not made again yet, a file for each.
moving=$STATE/moving

# What kubectl says when it did not get through, or the API had no time: behind a load balancer that changes over, or while
# etcd holds an election.
unreached='Unable to connect|connection to the server|connection (lost|reset|refused)|etcdserver: |EOF|timeout|ServiceUnavailable|unable to handle the request|deadline exceeded'

# Asks again where it did not get through, for nobody is to take that for an answer.
control_plane() {
    local end=$((SECONDS + $(patience))) input='' words output status
    words=$(mktemp "$BUNDLE/words.XXXXXX")
    # Only then it reads its input.
    [[ " $* " != *" --filename - "* ]] || input=$(cat)
    while :; do
        status=0
        output=$(kubectl --kubeconfig "$admin" --request-timeout 60s "$@" <<<"$input" 2>"$words") || status=$?
        if ((status == 0 || SECONDS >= end)) || ! grep -qE "$unreached" "$words"; then
            break
        fi
        log "asking again: $(tail -n 1 "$words")"
        sleep "${RETRY_DELAY:-2}"
    done
    cat "$words" >&2
    rm -f "$words"
    [[ -z "$output" ]] || printf '%s\n' "$output"
    return "$status"
}

# drain NODE: evicts what a controller makes again elsewhere. For DRAIN_SECONDS an eviction that a PodDisruptionBudget
# forbids is tried again.
drain() {
    control_plane cordon "$1" >&2
    retry "${DRAIN_SECONDS:-180}" evict_all "$1" ||
        log "warning: not evicted: $(evictable "$1" | paste -sd ,); they end with their runtime"
}

# Whether none is left.
evict_all() {
    local pods namespace name
    pods=$(evictable "$1") || return 1
    [[ -n "$pods" ]] || return 0
    while read -r namespace name; do
        evict "$namespace" "$name" || true
    done <<<"$pods"
    return 1
}

evict() {
    jq -n --arg namespace "$1" --arg name "$2" '{apiVersion: "policy/v1", kind: "Eviction", metadata: $ARGS.named}' |
        control_plane create --raw "/api/v1/namespaces/$1/pods/$2/eviction" --filename - >/dev/null 2>&1
}

evictable() {
    pods_on "$1" 'any(.metadata.ownerReferences[]?; .controller and (.kind | IN("DaemonSet", "Node") | not))'
}

# Those that nobody makes again, as the guide's.
bare() {
    pods_on "$1" 'all(.metadata.ownerReferences[]?; .controller | not) and (.metadata.annotations["kubernetes.io/config.mirror"] == null)'
}

# pods_on NODE WHICH: a line with namespace and name for each that has not ended.
pods_on() {
    control_plane get pods --all-namespaces --field-selector "spec.nodeName=$1" --output json | jq -r "
        .items[] |
        select(.status.phase != \"Succeeded\" and .status.phase != \"Failed\") |
        select($2) |
        .metadata.namespace + \" \" + .metadata.name"
}

# empty NODE: for a node that leaves for good. Pods that nobody would make again are made again here: they are the
# user's, and would be lost with the Node. One that has died keeps nobody waiting.
empty() {
    local seconds=${DRAIN_SECONDS:-180} namespace name
    [[ "$(ready "$1")" == True ]] || seconds=${DEAD_SECONDS:-20}
    DRAIN_SECONDS=$seconds drain "$1"
    while read -r namespace name; do
        [[ -n "$name" ]] || continue
        log "pod $namespace/$name leaves $1"
        save "$namespace" "$name"
        retry "$seconds" gone "$namespace" "$name" ||
            control_plane delete pod "$name" --namespace "$namespace" --grace-period 0 --force --ignore-not-found >&2
    done < <(bare "$1")
    restore
}

ready() {
    control_plane get node "$1" --output json | jq -r '.status.conditions[]? | select(.type == "Ready") | .status'
}

# What runs at once with another admission: two runs would make each other's pods.
one_at_a_time() {
    exec 8>>"$STATE/members.lock"
    flock 8
}

# The file is named after the pod's uid, and may hold what only root may read.
save() {
    local pod
    pod=$(control_plane get pod "$2" --namespace "$1" --output json)
    install -d -m 0700 "$moving"
    write_marker "$moving/$(jq -r .metadata.uid <<<"$pod")" "$(jq -c '
        del(.status, .spec.nodeName, .metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp,
            .metadata.generation, .metadata.deletionTimestamp, .metadata.deletionGracePeriodSeconds, .metadata.managedFields)' <<<"$pod")"
}

# Whether the pod is gone, and asks it to go.
gone() {
    [[ -n "$(control_plane get pod "$2" --namespace "$1" --ignore-not-found --output name)" ]] || return 0
    evict "$1" "$2" || true
    return 1
}

# Makes the pods that were saved, also those of a run that was killed.
restore() {
    local file words
    for file in "$moving"/*; do
        [[ -f "$file" ]] || continue
        retry "${ENDING_SECONDS:-60}" made "$file" ||
            fail "pod $(jq -r '.metadata.namespace + "/" + .metadata.name' "$file") could not be made again: $words" "it is kept in $file: make it with kubectl create, or remove that file; then run up again"
        rm -f "$file"
    done
}

# made FILE: whether the pod is there: made now, or by somebody else, or the old one that was never asked to go. Sets words.
# From a field manager named kubectl, Pulumi and others take fields over without a conflict.
made() {
    local old=${1##*/} now
    ! words=$(control_plane create --field-manager kubectl --filename "$1" 2>&1) || return 0
    [[ "$words" == *AlreadyExists* ]] || return 1
    now=$(control_plane get pod "$(jq -r .metadata.name "$1")" --namespace "$(jq -r .metadata.namespace "$1")" --ignore-not-found --output json) || return 1
    [[ -n "$now" ]] && jq -e --arg old "$old" '.metadata.uid != $old or .metadata.deletionTimestamp == null' <<<"$now" >/dev/null
}
