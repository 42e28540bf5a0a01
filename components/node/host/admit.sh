#!/usr/bin/env bash
# Admits a node to the cluster, on the control plane that it began on: admit.sh apply NODE, with
# {request, role, labels, taints} on stdin. Signs the node's request for a certificate and prints
# {certificate, ca, endpoint}, all of it public, and for a control plane the cluster's own keys, sealed so that only the
# node can open them. And takes a node out again: admit.sh reset NODE.
STEP=admit
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/api.sh
source "$BUNDLE/api.sh"
# shellcheck source=components/node/host/drain.sh
source "$BUNDLE/drain.sh"
# shellcheck source=components/node/host/members.sh
source "$BUNDLE/members.sh"

signer=kubernetes.io/kube-apiserver-client-kubelet
requests=/apis/certificates.k8s.io/v1/certificatesigningrequests
authority=$ROOT/etc/kubernetes/pki
# What a further control plane must have of the first: kubeadm makes all else out of it.
shared=(ca.crt ca.key sa.pub sa.key front-proxy-ca.crt front-proxy-ca.key etcd/ca.crt etcd/ca.key)

apply() {
    local node=$1 input request role
    input=$(cat)
    request=$(jq -r .request <<<"$input")
    role=$(jq -r .role <<<"$input")
    [[ "$node" != "$NODE_NAME" ]] || fail "this is $node itself" "give each machine a name of its own"
    check_request
    wait_for_api || {
        diagnose
        fail "the API does not serve, so $node cannot be admitted" "look at the containers and lines of kubelet above, then run up again"
    }
    unfinished
    if is_there "$node"; then
        [[ -f "$(record "$node")" ]] ||
            fail "a Node $node is there that KataCluster did not admit" "give the machine another name, or drain that Node and kubectl delete it"
        if [[ "$(record_key "$node")" != "$(request_key)" ]]; then
            log "the Node $node is that of another machine, which had the name before"
            remove_member "$node"
        else
            converge_settings "$node" "$(jq -c '{labels, taints}' <<<"$input")"
        fi
    fi
    if [[ "$(record_key "$node")" != "$(request_key)" ]] || ! openssl x509 -in "$(record "$node")" -noout -checkend 2592000 >/dev/null; then
        sign
    fi
    write_marker "$(settings "$node")" "$(jq -c '{labels, taints}' <<<"$input")"
    [[ "$role" != worker ]] || taint_control_planes
    answer
}

reset() {
    local node=$1
    cat >/dev/null
    [[ "$node" != "$NODE_NAME" ]] || fail "this is $node itself" "remove the other nodes before the one that the cluster began on"
    if [[ ! -f "$admin" ]]; then
        log "no cluster is here any more"
    elif ! wait_for_api; then
        diagnose
        fail "the API does not serve, so $node cannot leave the cluster in order" "look at the containers and lines of kubelet above, then run up again; to destroy all of the cluster, run destroy"
    elif [[ -f "$(record "$node")" ]]; then
        remove_member "$node"
    else
        log "KataCluster has not admitted $node"
    fi
    status removed true
}

# Pods that a run which was killed has taken off a node.
unfinished() {
    compgen -G "$moving/*" >/dev/null || return 0
    one_at_a_time
    restore
}

# It must ask for this node's identity and no other, for it is approved unseen.
check_request() {
    local subject=none
    # Two calls: from 3.2 on openssl says on stdout too that it has verified.
    if openssl req -verify -noout <<<"$request" >/dev/null 2>&1; then
        subject=$(openssl req -noout -subject -nameopt RFC2253 <<<"$request")
    fi
    subject=${subject#subject=}
    [[ "${subject# }" == "CN=system:node:$node,O=system:nodes" ]] ||
        fail "the request is not one of node $node (subject: $subject)" "run up again; if it stays, somebody else answers in that machine's place"
}

request_key() {
    openssl req -noout -pubkey <<<"$request" | sha256sum | cut -d ' ' -f 1
}

# Kubernetes' own signer does it, so the cluster's key is not touched here. The name holds the key's digest: what is there
# already under it is the same request, of an attempt that ended or only seemed lost.
sign() {
    local name certificate=''
    name=kata-cluster.$node.$(request_key | cut -c 1-12)
    jq -n --arg name "$name" --arg signer "$signer" --arg request "$(base64 -w 0 <<<"$request")" '{
        apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: {$name},
        spec: {$request, signerName: $signer, usages: ["digital signature", "client auth"]}}' |
        control_plane create --raw "$requests" --filename - >&2 ||
        control_plane get csr "$name" >&2
    control_plane certificate approve "$name" >&2
    retry "${SIGN_SECONDS:-$(patience)}" signed "$name" || {
        diagnose
        # So that the next run asks anew.
        control_plane delete csr "$name" --ignore-not-found >&2
        fail "the request of $node was approved and not signed" "look at kube-controller-manager, which signs it, among the containers above; then run up again"
    }
    write_marker "$(record "$node")" "$certificate"
    log "admitted $node"
}

# Sets certificate.
signed() {
    certificate=$(control_plane get csr "$1" --output json | jq -r '.status.certificate // empty' | base64 -d) && [[ -n "$certificate" ]]
}

answer() {
    local endpoint sealed=''
    # kubeadm's file, with one cluster in it.
    endpoint=$(sed -n 's/^ *server: *//p' "$admin")
    [[ "$endpoint" == https://* ]] || fail "$admin names no server" "run kubeadm init phase kubeconfig admin, then run up again"
    if [[ "$role" == control-plane ]]; then
        sealed=$(tar -C "$authority" -cf - "${shared[@]}" |
            openssl cms -encrypt -binary -aes-256-gcm -outform DER "$(record "$node")" | base64 -w 0)
    fi
    jq -cn --arg certificate "$(cat "$(record "$node")")" --arg ca "$(cat "$authority/ca.crt")" --arg endpoint "$endpoint" \
        --arg sealed "$sealed" '{$certificate, $ca, $endpoint} + if $sealed == "" then {} else {$sealed} end'
}

case ${1:-}/$# in
    apply/2 | reset/2) "$1" "$2" ;;
    *) fail "there is no \"${1:-}\"" "say apply NODE or reset NODE" ;;
esac
