#!/usr/bin/env bats
# kubeadm.sh: every state that an earlier run can have left
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    CONFIG=$ROOT/etc/kata-cluster/kubeadm.yaml
    SKIPPED=preflight,certs,kubeconfig,etcd,control-plane,kubelet-start,wait-control-plane,show-join-command
    export ADMIN=$ROOT/etc/kubernetes/admin.conf API=$TEST/api ACCOUNTS=https://kubernetes:6443/api/v1/namespaces/default/serviceaccounts
    # kubeadm in the order of its real phases: the kubeconfig first, then the API, then the rest. BREAK says where it stops.
    stub kubeadm <<'BODY'
case "$1 $2" in
    "init --config")
        echo "[init] words for people"
        if [[ "$*" != *wait-control-plane* ]]; then
            [[ "${BREAK:-}" != preflight ]] || exit 1
            mkdir -p "$(dirname "$ADMIN")/manifests" "$ROOT/var/lib/kubelet" "$ROOT/var/lib/etcd/member"
            printf '    client-%s-data: %s\n' certificate "$(base64 <<<certificate)" key "$(base64 <<<key)" >"$ADMIN"
            echo "secret-of-the-admin" >>"$ADMIN"
            touch "$(dirname "$ADMIN")"/{manifests/kube-apiserver.yaml,kubelet.conf} "$ROOT/var/lib/kubelet/config.yaml"
            [[ "${BREAK:-}" != wait ]] || exit 1
            touch "$API"
            [[ "${BREAK:-}" != upload ]] || exit 1
        fi
        echo "[mark-control-plane] Marking the node"
        echo "[mark-control-plane] with taints"
        [[ "${BREAK:-}" != finish ]] || exit 1
        touch "$ROOT/../finished"
        ;;
    "reset --force")
        [[ ! -e "$API" ]] || touch "$ROOT/../reset-of-a-healthy-one"
        rm -rf "$(dirname "$ADMIN")" "$ROOT/var/lib/kubelet" "$ROOT/var/lib/etcd" "$API"
        ;;
esac
BODY
    stub kubectl <<<'[[ "$*" != *readyz* || -e "$API" ]]'
    stub curl <<<'[[ "$*" != *readyz* ]]'
    stub crictl <<<'[[ "$*" != *"ps --quiet"* || -z "${RUNS:-}" ]] || echo 0123abc'
}

# initialized_node: what a finished run left.
initialized_node() {
    run_script kubeadm apply
    succeed
    : >"$CALLS"
}

# gives_kubeconfig: stdout is the kubeconfig and nothing else.
gives_kubeconfig() {
    bash "$BUNDLE/kubeadm.sh" apply >"$TEST/out" 2>"$TEST/err" || {
        cat "$TEST/err"
        return 1
    }
    [ "$(tail -n 1 "$TEST/out")" = secret-of-the-admin ]
    cmp "$TEST/out" "$ADMIN"
    ! grep secret-of-the-admin "$TEST/err" "$CALLS"
}

@test "a fresh node: init without tokens in its words" {
    gives_kubeconfig
    called "kubeadm init --config $CONFIG --skip-token-print --skip-phases show-join-command"
    called_not "kubeadm reset"
    [ "$(stat -c %a "$CONFIG")" = 600 ]
    [ -s "$STATE/initialized" ]
    grep -q "words for people" "$TEST/err"
}

@test "the API is asked for its schema while init goes on, as the administrator, and not waited for" {
    stub curl <<<'[[ "$*" != *openapi* ]] || exit 28'
    gives_kubeconfig
    grep -qE '^curl .*--cert [^ ]*/administrator.pem .*--max-time 2 .*proto-openapi.* https://kubernetes:6443/openapi/v2$' "$CALLS"
    [ "$(grep -c openapi "$CALLS")" -eq 1 ]
}

@test "only an emulated node gets the patches of the control plane's probes; the directory is always there" {
    gives_kubeconfig
    [ -z "$(ls -A "$ROOT/etc/kata-cluster/kubeadm-patches")" ]
    rm "$STATE/initialized"
    VIRT=qemu gives_kubeconfig
    cmp {"$BUNDLE/files","$ROOT"}/etc/kata-cluster/kubeadm-patches/etcd+strategic.yaml
}

@test "an initialized one that serves: nothing but the kubeconfig" {
    initialized_node
    gives_kubeconfig
    called_not kubeadm
    called_not systemctl
}

@test "an initialized one with another configuration: the cluster's copy changes, and what does not is said" {
    initialized_node
    echo "# changed" >>"$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    gives_kubeconfig
    called "kubeadm init phase upload-config all --config $CONFIG"
    called_not "kubeadm init --config"
    grep -q "what runs here keeps its certificate names" "$TEST/err"
    cmp "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml" "$CONFIG"
    : >"$CALLS"
    gives_kubeconfig
    called_not kubeadm
}

@test "an initialized one that was stopped: its services are started and waited for" {
    initialized_node
    rm "$API"
    stub systemctl <<<'[[ "$*" != "start kubelet" ]] || touch "$API"'
    gives_kubeconfig
    called "systemctl start containerd" "systemctl start kubelet"
    called_not kubeadm
}

@test "an initialized one that does not serve: the cause is shown, and nothing is reset" {
    initialized_node
    rm "$API"
    stub crictl <<<'echo "CONTAINER etcd Exited"'
    stub journalctl <<<'echo "kubelet said this last"'
    API_SECONDS=1 RETRY_DELAY=1 run_script kubeadm apply
    failing "CONTAINER etcd Exited" "kubelet said this last" "the control plane was initialized before and its API does not serve" "nothing was reset"
    called "systemctl start kubelet" "crictl --runtime-endpoint unix:///run/containerd/containerd.sock ps --all --name" "journalctl --unit kubelet"
    called_not "kubeadm reset"
    says_not secret-of-the-admin
}

@test "interrupted after the API served: only the rest is done" {
    BREAK=upload run_script kubeadm apply
    failing "kubeadm init failed"
    : >"$CALLS"
    gives_kubeconfig
    called "kubeadm init --config $CONFIG --skip-token-print --skip-phases $SKIPPED"
    called_not "kubeadm reset"
    [ -e "$TEST/finished" ]
    [ -s "$STATE/initialized" ]
}

@test "interrupted while the API server started: it is waited for, then the rest is done" {
    BREAK="wait" run_script kubeadm apply
    failing
    : >"$CALLS"
    # The API serves at the third question.
    stub kubectl <<<'[[ "$*" != *readyz* || -e "$API" ]] || { echo x >>"$ROOT/../asked"; (($(wc -l <"$ROOT/../asked") < 3)) || touch "$API"; exit 1; }'
    RUNS=1 gives_kubeconfig
    called "--skip-phases $SKIPPED"
    called_not "kubeadm reset"
}

@test "interrupted before the API served: reset, then init" {
    BREAK="wait" run_script kubeadm apply
    failing "kubeadm init failed" "Fix: "
    : >"$CALLS"
    gives_kubeconfig
    called "kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock" "kubeadm init --config $CONFIG --skip-token-print --skip-phases show-join-command"
    [ ! -e "$TEST/reset-of-a-healthy-one" ]
}

@test "an API server that runs but never serves is reset after its time" {
    BREAK="wait" run_script kubeadm apply
    : >"$CALLS"
    RUNS=1 API_SECONDS=1 RETRY_DELAY=1 gives_kubeconfig
    called "kubeadm reset --force" "kubeadm init --config"
}

@test "kubeadm's own preflight that fails shows its words; the next run begins anew" {
    BREAK=preflight run_script kubeadm apply
    failing "words for people" "kubeadm init failed. Fix: read kubeadm's own words above"
    gives_kubeconfig
}

# late_service_account: the ServiceAccount can be made at the third question, for until then there is no namespace.
late_service_account() {
    stub curl <<'BODY'
case "$*" in
    *readyz*) exit 7 ;;
    *"$ACCOUNTS")
        echo x >>"$ROOT/../asked"
        (($(wc -l <"$ROOT/../asked") >= 3)) || {
            printf '{\n  "message": "namespaces \"default\" not found",\n  "reason": "NotFound"\n}\n'
            exit 22
        }
        ;;
esac
BODY
}

@test "the ServiceAccount of the namespace default is made, where the controller manager has not yet" {
    gives_kubeconfig
    grep -qE "^curl .*--cacert $ROOT/etc/kubernetes/pki/ca.crt .* --data \{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":\{\"name\":\"default\"\}\} $ACCOUNTS\$" "$CALLS"
}

@test "the kubeconfig is given when the namespace default can have its ServiceAccount, not before" {
    late_service_account
    gives_kubeconfig
    called "kubeadm init --config" "$ACCOUNTS" "$ACCOUNTS" "$ACCOUNTS"
    [ "$(wc -l <"$TEST/asked")" -eq 3 ]
}

@test "what is asked as the administrator is asked with what the kubeconfig has, which nobody else can read" {
    stub curl <<<'[[ "$*" != *"$ACCOUNTS" ]] || cp -p "$(sed "s/.*--cert \([^ ]*\) .*/\1/" <<<"$*")" "$ROOT/../pem"'
    API_SECONDS=5 gives_kubeconfig
    [ "$(cat "$TEST/pem")" = $'certificate\nkey' ]
    [ "$(stat -c %a "$TEST/pem")" = 600 ]
}

@test "a ServiceAccount that is there already is as good" {
    stub curl <<<'[[ "$*" != *readyz* ]] || exit 7; [[ "$*" != *"$ACCOUNTS" ]] || { echo "  \"reason\": \"AlreadyExists\","; exit 22; }'
    gives_kubeconfig
    [ "$(grep -cF "$ACCOUNTS" "$CALLS")" -eq 1 ]
}

@test "a ServiceAccount that never comes fails within its time, without a kubeconfig; the next run waits again and inits nothing" {
    stub curl <<<'[[ "$*" != *readyz* && "$*" != *"$ACCOUNTS" ]] || { echo "curl: (7) Failed to connect" >&2; exit 7; }'
    stub crictl <<<'[[ "$*" != *"ps --all"* ]] || echo "CONTAINER kube-apiserver Exited"'
    SECONDS=0
    API_SECONDS=1 RETRY_DELAY=1 run_script kubeadm apply
    failing "CONTAINER kube-apiserver Exited" "the namespace default has no ServiceAccount after 1 s: curl: (7) Failed to connect" "Fix: look at kube-apiserver"
    says_not secret-of-the-admin
    ((SECONDS < 30))
    : >"$CALLS"
    late_service_account
    gives_kubeconfig
    [ "$(wc -l <"$TEST/asked")" -eq 3 ]
    called_not kubeadm
}

@test "the ServiceAccount is waited for too when an init that was interrupted is finished, or begun again" {
    BREAK=upload run_script kubeadm apply
    failing
    late_service_account
    gives_kubeconfig
    called "--skip-phases $SKIPPED" "$ACCOUNTS"
    [ "$(wc -l <"$TEST/asked")" -eq 3 ]
    rm -r "$ROOT" "$API" "$TEST/asked"
    make_root
    BREAK="wait" run_script kubeadm apply
    failing
    : >"$CALLS"
    gives_kubeconfig
    called "kubeadm reset --force" "kubeadm init --config" "$ACCOUNTS"
    [ "$(wc -l <"$TEST/asked")" -eq 3 ]
}

@test "images that cannot be pulled" {
    stub kubeadm <<<'[[ "$1 $2" != "init --config" ]] || { echo "failed to pull image \"registry.k8s.io/etcd\"" >&2; exit 1; }'
    run_script kubeadm apply
    failing 'failed to pull image "registry.k8s.io/etcd"' "kubeadm init failed" "For images" "mirror.images"
}

@test "a cluster that is not ours is refused and not reset" {
    for path in etc/kubernetes/manifests/kube-apiserver.yaml etc/kubernetes/kubelet.conf var/lib/etcd/member; do
        mkdir -p "$(dirname "$ROOT/$path")"
        touch "$ROOT/$path"
        run_script kubeadm apply
        failing "/$path is there: the node belongs to a cluster that KataCluster did not make" "kubeadm reset on it yourself"
        run_script kubeadm reset
        succeed
        rm "$ROOT/$path"
    done
    called_not kubeadm
}

@test "a bundle without kubeadm.yaml is refused" {
    rm "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    run_script kubeadm apply
    failing "the bundle holds no /etc/kata-cluster/kubeadm.yaml"
}

@test "reset takes the cluster, its network and our marks away; again it does nothing" {
    before=$(tree)
    initialized_node
    mkdir -p "$ROOT/etc/cni/net.d" "$ROOT/var/lib/cni" "$ROOT/sys/class/net/cni0"
    touch "$ROOT/etc/cni/net.d/10-flannel.conflist"
    run_script kubeadm reset
    succeed
    called "kubeadm reset --force" "ip link delete cni0"
    [ "$(tree)" = "$before" ]
    # The container runtime watches it, and containerd ends itself when it is gone.
    [ -d "$ROOT/etc/cni/net.d" ]
    : >"$CALLS"
    run_script kubeadm reset
    succeed
    called_not kubeadm
}

@test "killed at any point, the next run converges and never resets a control plane that serves" {
    anew() {
        rm -rf "$ROOT" "$API" "$TEST/reset-of-a-healthy-one"
        make_root
    }
    kill_each anew kubeadm apply
    [ ! -e "$TEST/reset-of-a-healthy-one" ]
}
