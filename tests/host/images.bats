#!/usr/bin/env bats
# images.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    make_node
}

@test "pulls every image of the list by the node's runtime, at once" {
    printf 'one\ntwo\n' >"$BUNDLE/images"
    stub crictl <<<'sleep 1; echo "done ${*: -1}" >>"$CALLS"'
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
    called_not crictl
}
