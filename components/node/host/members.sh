#!/usr/bin/env bash
# The nodes that this control plane has admitted, and what it has set on them. To be sourced after drain.sh.
set -euo pipefail

members=$STATE/members
control_plane_label=node-role.kubernetes.io/control-plane
control_plane_taint=$control_plane_label:NoSchedule

# record NODE: the file with the certificate that it was admitted with. By its key one machine is told from another.
record() {
    printf '%s/%s.crt' "$members" "$1"
}

# settings NODE: the file with the labels and taints that were last set.
settings() {
    printf '%s/%s.json' "$members" "$1"
}

record_key() {
    [[ ! -f "$(record "$1")" ]] || openssl x509 -in "$(record "$1")" -noout -pubkey | sha256sum | cut -d ' ' -f 1
}

is_there() {
    local found
    found=$(control_plane get node "$1" --ignore-not-found --output name) ||
        fail "the API does not say whether there is a Node $1" "see that it serves, then run up again"
    [[ -n "$found" ]]
}

# converge_settings NODE JSON: labels and taints that we have set before and that are no longer asked for go; all else,
# of other people, stays.
converge_settings() {
    local old wanted=$2 change
    old=$(cat "$(settings "$1")" 2>/dev/null || echo '{}')
    [[ "$old" != "$wanted" ]] || return 0
    while read -r change; do
        control_plane label node "$1" --overwrite "$change" >&2
    done < <(jq -nr --argjson old "$old" --argjson new "$wanted" '
        (($old.labels // {}) | keys[]) as $key | select($new.labels | has($key) | not) | $key + "-"' &&
        jq -nr --argjson new "$wanted" '$new.labels | to_entries[] | "\(.key)=\(.value)"')
    while read -r change; do
        control_plane taint node "$1" --overwrite "$change" >&2 || [[ "$change" == *- ]]
    done < <(jq -nr --argjson old "$old" --argjson new "$wanted" '
        def name: "\(.key):\(.effect)";
        ($old.taints // [])[] | name | select(. as $one | any($new.taints[]; name == $one) | not) | . + "-"' &&
        jq -nr --argjson new "$wanted" '$new.taints[] | "\(.key)=\(.value // ""):\(.effect)"')
}

# With workers the control planes are for the control plane alone; what runs there already stays.
taint_control_planes() {
    control_plane taint nodes --selector "$control_plane_label" --overwrite "$control_plane_label=:NoSchedule" >&2
}

# has_other_workers NODE
has_other_workers() {
    local nodes
    nodes=$(control_plane get nodes --selector "!$control_plane_label" --output name) || return 0
    grep -qvxE "node/$1|" <<<"$nodes"
}

# make_room NODE: where its pods can go. Without workers, the control planes take them.
make_room() {
    if ! has_other_workers "$1"; then
        # An error says that there is no such taint.
        control_plane taint nodes --selector "$control_plane_label" "$control_plane_taint-" >&2 || true
    fi
}

# remove_member NODE: its pods go elsewhere, then its Node and all that is kept of it. One at a time: the pods of one
# may go to the next.
remove_member() {
    local csr
    one_at_a_time
    if is_there "$1"; then
        make_room "$1"
        empty "$1"
        remove_etcd_member "$1"
        control_plane delete node "$1" --ignore-not-found >&2
        log "removed the Node $1"
    fi
    for csr in $(control_plane get csr --output json | jq -r --arg node "$1" '
        .items[] | select(.spec.username == "system:node:" + $node) | .metadata.name'); do
        control_plane delete csr "$csr" --ignore-not-found >&2
    done
    rm -f "$(settings "$1")" "$(record "$1")"
}

# remove_etcd_member NODE: before it is gone: a member that never answers counts in every vote.
remove_etcd_member() {
    local id role
    role=$(control_plane get node "$1" --output json | jq --arg key "$control_plane_label" '.metadata.labels | has($key)')
    [[ "$role" == true ]] || return 0
    id=$(etcdctl member list) || fail "etcd does not say who its members are" "look at: kubectl -n kube-system logs etcd-$NODE_NAME; then run up again"
    id=$(awk -F ', ' -v name="$1" '$3 == name { print $1 }' <<<"$id")
    [[ -z "$id" ]] || etcdctl member remove "$id" >&2 ||
        fail "etcd does not let its member $1 go" "bring the other control planes back first, for a majority must agree; then run up again"
}

# Its own time limits, of two and five seconds, are too short for a busy control plane.
etcdctl() {
    control_plane --namespace kube-system exec "etcd-$NODE_NAME" -- etcdctl --endpoints https://127.0.0.1:2379 \
        --dial-timeout 30s --command-timeout 60s \
        --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key "$@"
}
