#!/usr/bin/env bash
# Body of a stand-in for kubeadm: it writes what the scripts of a node read afterwards. A Node is a file of $CLUSTER,
# which all hosts of a cluster share. $INIT_SECONDS and $JOIN_SECONDS are what a real one takes.
set -euo pipefail
kubernetes=$ROOT/etc/kubernetes

# node CONFIG [LABEL]: the Node that the configuration names is there, and Ready.
node() {
    local name
    name=$(awk '/^ *name:/ { print $2; exit }' "$1")
    jq -n --arg name "$name" --arg role "${2:-}" '{
        metadata: {$name, labels: (if $role == "" then {} else {($role): ""} end)},
        status: {conditions: [{type: "Ready", status: "True"}]}}' >"$CLUSTER/nodes/.$name.$$"
    mv "$CLUSTER/nodes/.$name.$$" "$CLUSTER/nodes/$name"
}

kubelet() {
    mkdir -p "$ROOT/var/lib/kubelet" "$kubernetes/manifests"
    touch "$ROOT/var/lib/kubelet/config.yaml" "$kubernetes/kubelet.conf"
}

# The cluster's keys: one authority for all, which signs the nodes' certificates.
authority() {
    local name
    mkdir -p "$kubernetes/pki/etcd"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=kubernetes \
        -keyout "$kubernetes/pki/ca.key" -out "$kubernetes/pki/ca.crt" 2>/dev/null
    for name in front-proxy-ca etcd/ca sa; do
        cp "$kubernetes/pki/ca.key" "$kubernetes/pki/$name.key"
        cp "$kubernetes/pki/ca.crt" "$kubernetes/pki/$name.$([[ "$name" == sa ]] && echo pub || echo crt)"
    done
}

case "$1 ${2:-}" in
    "init --config")
        if [[ "$*" != *wait-control-plane* ]]; then
            sleep "${INIT_SECONDS:-0}"
            authority
            kubelet
            touch "$kubernetes/manifests/kube-apiserver.yaml"
            cp "$ADMIN_CONF" "$kubernetes/admin.conf"
        fi
        node "$3" node-role.kubernetes.io/control-plane
        ;;
    "join --config")
        sleep "${JOIN_SECONDS:-0}"
        kubelet
        if grep -q '^controlPlane:' "$3"; then
            cp "$ADMIN_CONF" "$kubernetes/admin.conf"
            node "$3" node-role.kubernetes.io/control-plane
        else
            node "$3"
        fi
        ;;
    "reset --force") rm -rf "$kubernetes" "$ROOT/var/lib/kubelet" ;;
    "config images" | "init phase" | "join phase") ;;
    *)
        echo "stand-in for kubeadm: $*" >&2
        exit 64
        ;;
esac
