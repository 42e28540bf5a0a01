#!/usr/bin/env bats
# images.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    make_node
    mkdir -p "$STATE/installed"
    touch "$STATE/installed/kubeadm"
}

@test "pulls every image of the list by the node's runtime, at once" {
    printf 'one\ntwo\n' >"$BUNDLE/images"
    stub crictl <<<'[[ "$*" == *" images "* ]] || { sleep 1; echo "done ${*: -1}" >>"$CALLS"; }'
    run_script images apply
    succeed
    says "pulled one" "pulled two" '{"step":"images","changed":false,"images":2}'
    called "pull" "pull" "done"
    grep -q -- "--runtime-endpoint unix:///run/containerd/containerd.sock .* pull one$" "$CALLS"
}

@test "leaves to kubelet what can't be pulled, and says why" {
    printf 'one\ntwo\nthree\n' >"$BUNDLE/images"
    stub crictl <<<'case "${*: -1}" in one) echo "no such host" >&2; exit 1 ;; two) sleep 60 ;; esac'
    PULL_SECONDS=1 run_script images apply
    succeed
    says "not pulled yet: one: no such host" "not pulled yet: two: " "pulled three"
}

@test "has nothing to do without a list" {
    run_script images apply
    succeed
    says '{"step":"images","changed":false,"images":0}'
    called_not pull
}

@test "does not ask for what is there, by tag or by digest" {
    printf 'registry.example/a:1\nregistry.example/a:10\nregistry.example/b@sha256:0123\n' >"$BUNDLE/images"
    stub crictl <<<'[[ "$*" != *" images --output json" ]] || echo "{\"images\": [
        {\"repoTags\": [\"registry.example/a:1\"], \"repoDigests\": []},
        {\"repoTags\": [], \"repoDigests\": [\"registry.example/b@sha256:0123\"]}]}"'
    run_script images apply
    succeed
    says "pulled registry.example/a:10" '"images":1'
    [ "$(grep -c " pull " "$CALLS")" = 1 ]
}

@test "pulls the control plane's images too on a machine that becomes one" {
    mkdir -p "$BUNDLE/files/etc/kata-cluster"
    rm -f "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    echo 'nodeRegistration: {}' >"$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    echo pod >"$BUNDLE/images"
    stub kubeadm <<<'printf "etcd\nkube-apiserver\n"'
    run_script images apply
    says '"images":1'
    called_not kubeadm
    echo 'controlPlane: {}' >>"$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    run_script images apply
    succeed
    called "kubeadm config images list --kubernetes-version v"
    says "pulled pod" "pulled etcd" "pulled kube-apiserver" '"images":3'
    rm "$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    touch "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    run_script images apply
    succeed
    says '"images":3'
}

@test "pulls the pods' images while kubeadm is still being installed, and does not wait for ever" {
    mkdir -p "$BUNDLE/files/etc/kata-cluster"
    touch "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    echo pod >"$BUNDLE/images"
    rm "$STATE/installed/kubeadm"
    stub crictl <<<'[[ "$*" != *" pull pod" ]] || touch "$ROOT/var/lib/kata-cluster/installed/kubeadm"'
    stub kubeadm <<<'echo etcd'
    run_script images apply
    succeed
    says "pulled pod" "pulled etcd" '"images":2'
    rm "$STATE/installed/kubeadm"
    stub crictl <<<''
    PULL_SECONDS=1 run_script images apply
    succeed
    says '"images":1'
}

@test "pulls the pods' images where kubeadm can't tell its own" {
    mkdir -p "$BUNDLE/files/etc/kata-cluster"
    echo 'controlPlane: {}' >"$BUNDLE/files/etc/kata-cluster/kubeadm-join.yaml"
    echo pod >"$BUNDLE/images"
    stub kubeadm <<<'exit 1'
    run_script images apply
    succeed
    says '"images":1'
}
