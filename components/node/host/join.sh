#!/usr/bin/env bash
# Makes this node a member of its cluster, with what admit.sh printed for it on stdin. Converges from any point at which
# an earlier run ended, and never resets a control plane that serves. kubeadm takes the certificate out of a discovery
# file: there is no token that could expire or be stolen, and the cluster's authority is pinned.
# https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/#file-or-https-based-discovery
STEP="join"
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/api.sh
source "$BUNDLE/api.sh"
# shellcheck source=components/node/host/cluster.sh
source "$BUNDLE/cluster.sh"

config=$join_config
new_config=$BUNDLE/files$config
directory=$STATE/join
key=$directory/key.pem
certificate=$directory/certificate.pem
cluster_authority=$directory/ca.pem
discovery=$directory/discovery.conf
kubelet_conf=$ROOT/etc/kubernetes/kubelet.conf
authority=$ROOT/etc/kubernetes/pki
# Written before the first join: from then on what lies in /etc/kubernetes is ours.
begun=$STATE/join-begun
# Written when the Node is Ready, with whom it has joined as whom.
joined=$STATE/joined

downloads() { :; }

apply() {
    local input endpoint identity
    input=$(cat)
    [[ -f "$new_config" ]] || fail "the bundle holds no $config" "run up again; if it stays, this is a mistake in KataCluster"
    [[ -n "$input" ]] || fail "nothing says whom to join" "run up again; if it stays, this is a mistake in KataCluster"
    take_credentials
    if [[ -f "$joined" ]]; then
        [[ "$(<"$joined")" == "$identity" ]] ||
            fail "the node has joined another cluster, or with another key" "take it out of that one first: remove it from its program, or destroy that"
        configure
        start_services
        register_again
        wait_for_node
    elif [[ -f "$begun" ]] && interrupted; then
        log "an earlier join was interrupted after the node had joined"
        complete
    else
        [[ -f "$begun" ]] || refuse_foreign_cluster
        [[ ! -f "$STATE/init-begun" ]] ||
            fail "this node began a cluster, and cannot join one" "name the machine that the cluster began on first again"
        join
        complete
    fi
    status endpoint "$endpoint"
}

reset() {
    if [[ -f "$begun" ]]; then
        leave_cluster
    fi
    remove_file "$config"
    remove_tree "$patches"
    rm -f "$joined" "$begun" "$discovery" "$certificate" "$cluster_authority"
    status removed true
}

# Sets endpoint and identity. The key in the file is named, not copied.
take_credentials() {
    local ca
    endpoint=$(jq -r .endpoint <<<"$input")
    ca=$(jq -r .ca <<<"$input")
    write_marker "$certificate" "$(jq -r .certificate <<<"$input")"
    write_marker "$cluster_authority" "$ca"
    [[ "$(openssl x509 -in "$certificate" -noout -pubkey)" == "$(openssl pkey -in "$key" -pubout)" ]] ||
        fail "the certificate is of another key than this machine's" "run up again: the machine was exchanged meanwhile"
    identity="$(openssl x509 -noout -fingerprint -sha256 <<<"$ca") $(openssl pkey -in "$key" -pubout | sha256sum | cut -d ' ' -f 1)"
    write_marker "$discovery" "$(jq -n --arg cluster "$CLUSTER_NAME" --arg node "$NODE_NAME" --arg server "$endpoint" \
        --arg ca "$(base64 -w 0 <<<"$ca")" --arg certificate "$certificate" --arg key "$key" '{
            apiVersion: "v1", kind: "Config", "current-context": $cluster,
            contexts: [{name: $cluster, context: {$cluster, user: $node}}],
            clusters: [{name: $cluster, cluster: {$server, "certificate-authority-data": $ca}}],
            users: [{name: $node, user: {"client-certificate": $certificate, "client-key": $key}}]}')"
}

join() {
    local attempt
    wait_for_endpoint
    # Of an interrupted join: kubeadm refuses what is left of it.
    if [[ -f "$begun" ]]; then
        log "an earlier join was interrupted; beginning again"
        clear_join
    fi
    write_marker "$begun" "$CLUSTER_NAME"
    for attempt in 1 2 3; do
        configure
        ! joins_control_plane || unseal
        ! kubeadm join --config "$ROOT$config" >&2 || return 0
        diagnose
        if ((attempt == 3)) || ! may_begin_again; then
            break
        fi
        log "kubeadm join failed (attempt $attempt of 3); beginning again"
        clear_join
    done
    fail "kubeadm join failed" "read kubeadm's own words above; run up again, it begins anew"
}

# What is left of a join that did not get through.
clear_join() {
    leave_cluster
    wait_for_runtime
}

# kubeadm asks etcd some things only once, and gives it two seconds for an answer. But what is a member is never reset.
may_begin_again() {
    local seen
    ! ask_for_node && ! { joins_control_plane && local_api_serves; }
}

configure() {
    install_file 0600 "$new_config" "$config"
    if joins_control_plane; then
        install_control_plane_patches
    else
        # Without static pods: whoever could write a file on a worker would pass by admission.
        install_tree "$patches"
    fi
}

# The keys of the cluster, which nobody between the first control plane and this node could read.
unseal() {
    local staged=$directory/pki
    rm -rf "$staged"
    install -d -m 0700 "$staged" "$authority" "$authority/etcd"
    jq -r '.sealed // empty' <<<"$input" | base64 -d |
        openssl cms -decrypt -binary -inform DER -recip "$certificate" -inkey "$key" |
        tar -C "$staged" --no-same-owner -xf - ||
        fail "the cluster's keys could not be opened with this machine's" "run up again; if it stays, this is a mistake in KataCluster"
    find "$staged" -type f -exec chmod 0600 {} +
    cp -a "$staged/." "$authority/"
    rm -rf "$staged"
}

# Whether an earlier join got so far that the node only has to become Ready.
interrupted() {
    [[ -f "$kubelet_conf" ]] || return 1
    configure
    start_services
    if joins_control_plane; then
        retry "$(patience)" local_api_serves || return 1
        kubeadm join phase control-plane-join mark-control-plane --config "$ROOT$config" >&2
    fi
    retry "$(patience)" node_is_ready && return 0
    joins_control_plane || return 1
    diagnose
    fail "this control plane's API serves and its Node is not Ready: $seen" "look at the lines above; nothing was reset, run up again"
}

complete() {
    wait_for_node
    write_marker "$joined" "$identity"
    changed=true
    log "joined as $NODE_NAME"
}

wait_for_endpoint() {
    local seconds words=''
    seconds=$(patience)
    retry "$seconds" endpoint_answers ||
        fail "the API at $endpoint is not reached from this node after $seconds s: $(tail -n 1 <<<"$words")" "open that port between the nodes, and see that internalAddress or kubernetes.controlPlaneEndpoint names an address which they reach; then run up again"
}

# Sets words.
endpoint_answers() {
    words=$(ask /readyz)
}

# ask PATH: the API, as this node, which sees its own Node and no other. Prints the answer, or why there is none. By what
# starts quickly, for it is asked again and again.
ask() {
    curl --silent --show-error --fail-with-body --max-time 15 --cacert "$cluster_authority" --cert "$certificate" --key "$key" \
        "$endpoint$1" 2>&1
}

wait_for_node() {
    local seconds seen=''
    seconds=$(patience)
    retry "$seconds" node_is_ready || {
        diagnose
        fail "the Node is not Ready after $seconds s: $(tail -n 1 <<<"$seen")" "look at: kubectl describe node $NODE_NAME, and at the lines of kubelet above; then run up again"
    }
}

# Somebody may have deleted the Node. A kubelet registers only when it starts.
register_again() {
    local seen
    ! ask_for_node && [[ "$seen" =~ \"reason\":\ ?\"NotFound\" ]] || return 0
    log "the Node is gone; kubelet registers it again"
    systemctl restart kubelet
}

# Sets seen.
ask_for_node() {
    seen=$(ask "/api/v1/nodes/$NODE_NAME")
}

# Sets seen to what the Node says of itself.
node_is_ready() {
    ask_for_node || return 1
    seen=$(jq -r '.status.conditions[]? | select(.type == "Ready") | .status + " " + (.message // "")' <<<"$seen")
    [[ "$seen" == "True "* ]]
}

dispatch "$@"
