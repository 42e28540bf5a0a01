#!/usr/bin/env bats
# key.sh and join.sh: every state that an earlier run can have left
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    make_node
    export KUBELET=$ROOT/etc/kubernetes/kubelet.conf CLUSTER=$TEST/cluster
    mkdir -p "$CLUSTER" "$TEST/pki"
    cp "$GOLDEN/kubeadm-join.yaml" "$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    mkdir -p "$BUNDLE/files/etc/kata-cluster/kubeadm-patches"
    echo 'staticPodPath: null' >"$BUNDLE/files/etc/kata-cluster/kubeadm-patches/kubeletconfiguration+merge.yaml"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=ca -keyout "$TEST/pki/ca.key" -out "$TEST/pki/ca.crt" 2>/dev/null
    run_script key apply
    admitted
    # kubeadm in the order of its real phases: kubelet's configuration, its own certificate, the Node. BREAK says where it stops.
    stub kubeadm <<'BODY'
case "$1 $2" in
    "join --config")
        [[ ! -e "$KUBELET" && ! -e "$ROOT/var/lib/kubelet/config.yaml" ]] || { echo "[ERROR FileAvailable] already exists" >&2; exit 1; }
        [[ "${BREAK:-}" != preflight ]] || exit 1
        mkdir -p "$ROOT/var/lib/kubelet" "${KUBELET%/*}"
        touch "$ROOT/var/lib/kubelet/config.yaml"
        [[ "${BREAK:-}" != bootstrap ]] || exit 1
        [[ "${BREAK:-}" != once || -e "$CLUSTER/once" ]] || { touch "$CLUSTER/once"; echo "etcd-join: context deadline exceeded" >&2; exit 1; }
        touch "$KUBELET" "$CLUSTER/node"
        [[ "${BREAK:-}" != after ]] || exit 1
        ;;
    "reset --force")
        [[ ! -e "$CLUSTER/api-is-here" ]] || touch "$CLUSTER/reset-of-a-serving-one"
        rm -rf "${KUBELET%/*}" "$ROOT/var/lib/kubelet"
        ;;
esac
BODY
    stub curl <<'BODY'
case "$*" in
    *https://127.0.0.1:6443/readyz) [[ -e "$CLUSTER/api-is-here" ]] ;;
    *https://10.0.0.1:6443/readyz) [[ ! -e "$CLUSTER/unreachable" ]] || { echo "curl: (28) Connection timed out" >&2; exit 28; } ;;
    *https://10.0.0.1:6443/api/v1/nodes/lab-0)
        [[ -e "$CLUSTER/node" ]] || { echo '{"kind": "Status", "reason": "NotFound"}'; echo "curl: (22) error: 404" >&2; exit 22; }
        printf '{"status":{"conditions":[{"type":"Ready","status":"%s","message":"%s"}]}}' "$([[ -e "$CLUSTER/not-ready" ]] && echo False || echo True)" "cni plugin not initialized"
        ;;
    *) exit 2 ;;
esac
BODY
}

# admitted: what the first control plane has answered.
admitted() {
    openssl x509 -req -in "$STATE/join/request.pem" -CA "$TEST/pki/ca.crt" -CAkey "$TEST/pki/ca.key" -CAcreateserial -days 90 >"$TEST/node.crt" 2>/dev/null
    jq -cn --rawfile certificate "$TEST/node.crt" --rawfile ca "$TEST/pki/ca.crt" \
        '{$certificate, $ca, endpoint: "https://10.0.0.1:6443"}' >"$TEST/input"
}

join() {
    run bash -c 'bash "$1/join.sh" apply <"$2"' - "$BUNDLE" "$TEST/input"
}

@test "the key is root's alone, and stays; the request is this node's" {
    [ "$(stat -c %a "$STATE/join" "$STATE/join/key.pem" | xargs)" = "700 600" ]
    [ "$(openssl req -in "$STATE/join/request.pem" -noout -subject -nameopt RFC2253)" = "subject=CN=system:node:lab-0,O=system:nodes" ]
    says_not PRIVATE
    first=$output
    run_script key apply
    succeed
    [ "${output/false/true}" = "$first" ]
    echo NODE_NAME=lab-1 >"$BUNDLE/name.env"
    run_script key apply
    [[ "$(jq -r .request <<<"${lines[-1]}" | openssl req -noout -subject)" == *lab-1* ]]
}

@test "a fresh node joins with its certificate, without static pods, and is Ready" {
    join
    succeed
    [ "${lines[-1]}" = '{"step":"join","changed":true,"endpoint":"https://10.0.0.1:6443"}' ]
    called "--cacert $STATE/join/ca.pem --cert $STATE/join/certificate.pem --key $STATE/join/key.pem https://10.0.0.1:6443/readyz" \
        "kubeadm join --config $ROOT/etc/kata-cluster/kubeadm-join.yaml" "https://10.0.0.1:6443/api/v1/nodes/lab-0"
    [ "$(cat "$STATE/join/ca.pem")" = "$(cat "$TEST/pki/ca.crt")" ]
    [ -f "$ROOT/etc/kata-cluster/kubeadm-patches/kubeletconfiguration+merge.yaml" ]
    jq -e --arg key "$STATE/join/key.pem" '.users[0].user["client-key"] == $key and (.clusters[0].cluster["certificate-authority-data"] | @base64d | startswith("-----BEGIN CERTIFICATE"))' "$STATE/join/discovery.conf"
    run ! grep -r "PRIVATE KEY" "$STATE/join/discovery.conf" "$CALLS"
}

@test "one that has joined only has its services started; with another key or cluster it is refused" {
    join
    succeed
    : >"$CALLS"
    join
    succeed
    called "systemctl start containerd" "systemctl start kubelet"
    called_not "kubeadm "
    rm "$STATE/join/key.pem"
    run_script key apply
    admitted
    join
    failing "the node has joined another cluster, or with another key. Fix: take it out of that one first"
    called_not "kubeadm "
}

@test "a Node that somebody deleted is registered again" {
    join
    rm "$CLUSTER/node"
    stub systemctl <<<'[[ "$*" != "restart kubelet" ]] || touch "$CLUSTER/node"'
    join
    succeed
    [ "$(grep -c "restart kubelet" "$CALLS")" -eq 1 ]
}

@test "a certificate of another key is refused before anything is done" {
    rm "$STATE/join/key.pem"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >"$STATE/join/key.pem"
    join
    failing "the certificate is of another key than this machine's"
    called_not "kubeadm "
}

@test "an API that is not reached is named, with why" {
    touch "$CLUSTER/unreachable"
    API_SECONDS=1 RETRY_DELAY=1 join
    failing "the API at https://10.0.0.1:6443 is not reached from this node after 1 s: curl: (28) Connection timed out. Fix: open that port"
    called_not "kubeadm "
}

@test "a Node that does not become Ready: the cause is shown; the next run waits again and joins nothing" {
    touch "$CLUSTER/not-ready"
    stub journalctl <<<'echo "kubelet said this last"'
    API_SECONDS=1 RETRY_DELAY=1 join
    failing "kubelet said this last" "the Node is not Ready after 1 s: False cni plugin not initialized. Fix: look at: kubectl describe node lab-0"
    rm "$CLUSTER/not-ready"
    : >"$CALLS"
    join
    succeed
    says "an earlier join was interrupted after the node had joined"
    called_not "kubeadm "
}

@test "interrupted before kubelet had its certificate: reset, then joined anew" {
    BREAK=bootstrap join
    failing "kubeadm join failed. Fix: read kubeadm's own words above"
    : >"$CALLS"
    join
    succeed
    called "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock" "kubeadm join --config"
}

@test "a join that fails before the Node is there begins again by itself, three times at most" {
    BREAK=once join
    succeed
    says "etcd-join: context deadline exceeded" "kubeadm join failed (attempt 1 of 3); beginning again" "joined as lab-0"
    called "kubeadm join --config" "kubeadm reset --force" "systemctl start containerd" \
        "crictl --runtime-endpoint unix:///run/containerd/containerd.sock info" "kubeadm join --config"
    rm -r "$ROOT/etc/kubernetes" "$ROOT/var/lib/kubelet" "$CLUSTER/node" "$STATE/joined" "$STATE/join-begun"
    : >"$CALLS"
    BREAK=bootstrap join
    failing "kubeadm join failed. Fix: "
    [ "$(grep -c "^kubeadm join --config" "$CALLS")" -eq 3 ]
}

@test "a node of somebody else's cluster, or one that began a cluster, is refused and not reset" {
    mkdir -p "${KUBELET%/*}"
    touch "$KUBELET"
    join
    failing "/etc/kubernetes/kubelet.conf is there: the node belongs to a cluster that KataCluster did not make"
    rm "$KUBELET"
    touch "$STATE/init-begun"
    join
    failing "this node began a cluster, and cannot join one"
    run_script join reset
    succeed
    called_not "kubeadm "
}

@test "nothing on stdin, or no configuration" {
    : >"$TEST/input"
    join
    failing "nothing says whom to join"
    rm "$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    join
    failing "the bundle holds no /etc/kata-cluster/kubeadm-join.yaml"
}

# control_plane: this node is to be one. Its cluster's keys come sealed.
control_plane() {
    cp "$GOLDEN/kubeadm-join-control-plane.yaml" "$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    rm "$BUNDLE/files/etc/kata-cluster/kubeadm-patches"/*
    mkdir -p "$TEST/shared/etcd"
    echo key-of-the-cluster >"$TEST/shared/ca.key"
    echo key-of-etcd >"$TEST/shared/etcd/ca.key"
    sealed=$(tar -C "$TEST/shared" -cf - ca.key etcd/ca.key | openssl cms -encrypt -binary -aes-256-gcm -outform DER "$TEST/node.crt" | base64 -w 0)
    jq -c --arg sealed "$sealed" '. + {$sealed}' "$TEST/input" >"$TEST/input.new"
    mv "$TEST/input.new" "$TEST/input"
}

@test "a further control plane opens the cluster's keys for root alone, and never prints them" {
    control_plane
    join
    succeed
    [ "$(cat "$ROOT/etc/kubernetes/pki/ca.key" "$ROOT/etc/kubernetes/pki/etcd/ca.key" | paste -sd ' ')" = "key-of-the-cluster key-of-etcd" ]
    [ "$(stat -c %a "$ROOT/etc/kubernetes/pki/ca.key")" = 600 ]
    says_not key-of-
    [ ! -e "$STATE/join/pki" ]
    [ ! -e "$ROOT/etc/kata-cluster/kubeadm-patches/kubeletconfiguration+merge.yaml" ]
}

@test "keys that are sealed to another machine stop it" {
    control_plane
    jq -c '.sealed = (.sealed | .[0:400])' "$TEST/input" >"$TEST/cut"
    mv "$TEST/cut" "$TEST/input"
    join
    failing "the cluster's keys could not be opened with this machine's"
    called_not "kubeadm join"
}

@test "the container runtime is waited for before a join begins again" {
    stub crictl <<<'[[ "$*" != *" info" ]] || exit 1'
    API_SECONDS=1 RETRY_DELAY=1 BREAK=once join
    failing "containerd does not answer 1 s after the reset. Fix: look at: journalctl -u containerd"
}

@test "a further control plane whose join begins again has the cluster's keys again; one that serves is not reset" {
    control_plane
    BREAK=once join
    succeed
    [ "$(cat "$ROOT/etc/kubernetes/pki/ca.key")" = key-of-the-cluster ]
    rm -r "$ROOT/etc/kubernetes" "$ROOT/var/lib/kubelet" "$CLUSTER/node" "$STATE/joined" "$STATE/join-begun"
    : >"$CALLS"
    touch "$CLUSTER/api-is-here"
    BREAK=bootstrap join
    failing "kubeadm join failed. Fix: "
    called_not "kubeadm reset"
}

@test "an interrupted control plane that serves is finished, and never reset" {
    control_plane
    BREAK=after join
    failing "kubeadm join failed"
    touch "$CLUSTER/api-is-here"
    : >"$CALLS"
    join
    succeed
    called "kubeadm join phase control-plane-join mark-control-plane --config $ROOT/etc/kata-cluster/kubeadm-join.yaml"
    [ ! -e "$CLUSTER/reset-of-a-serving-one" ]
    rm "$STATE/joined"
    touch "$CLUSTER/not-ready"
    API_SECONDS=1 RETRY_DELAY=1 join
    failing "this control plane's API serves and its Node is not Ready" "nothing was reset"
    [ ! -e "$CLUSTER/reset-of-a-serving-one" ]
}

@test "reset leaves the cluster and takes our marks away; again it does nothing" {
    before=$(tree)
    join
    succeed
    mkdir -p "$ROOT/etc/cni/net.d" "$ROOT/sys/class/net/cni0"
    run_script kubernetes reset
    failing "this node still is in its cluster. Fix: reset the step join first"
    run_script join reset
    succeed
    called "kubeadm reset --force" "ip link delete cni0"
    [ "$(tree)" = "$before" ]
    : >"$CALLS"
    run_script join reset
    succeed
    called_not "kubeadm "
}

@test "killed at any point, the next run joins" {
    cp -a "$STATE/join" "$TEST/join-before"
    anew() {
        rm -rf "$ROOT" "${CLUSTER:?}"/*
        make_root
        mkdir -p "$STATE"
        cp -a "$TEST/join-before" "$STATE/join"
    }
    program "$BUNDLE/joins.sh" "bash \"\${0%/*}/join.sh\" apply <'$TEST/input'"
    kill_each anew joins apply
}
