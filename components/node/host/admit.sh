#!/usr/bin/env bash
# Admits a node to the cluster, on the control plane that it began on: admit.sh apply NODE, with
# {request, role, labels, taints} on stdin. Signs the node's request for a certificate as kubeadm signs its own, and prints
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

authority=$ROOT/etc/kubernetes/pki
# Those of the signer kubernetes.io/kube-apiserver-client-kubelet. It is not asked itself: kube-controller-manager starts
# it half a minute after the API on a slow machine.
# https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
extensions=("basicConstraints = critical, CA:FALSE" "keyUsage = critical, digitalSignature" "extendedKeyUsage = clientAuth")
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

# It must ask for this node's identity and no other, for it is signed unseen.
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

# Of the request it takes subject and key alone.
sign() {
    local certificate words=$BUNDLE/words
    certificate=$(openssl x509 -req -days 365 -sha256 -CA "$authority/ca.crt" -CAkey "$authority/ca.key" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile <(printf '%s\n' "${extensions[@]}") <<<"$request" 2>"$words") ||
        fail "the cluster's authority did not sign the request of $node: $(tail -n 1 "$words")" "see that ca.crt and ca.key in $authority are whole, then run up again"
    write_marker "$(record "$node")" "$certificate"
    log "admitted $node"
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
