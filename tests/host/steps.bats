#!/usr/bin/env bats
# node.sh: order, lock, time, output
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    make_node
    for step in preflight kernel metadata kata containerd kubernetes kubeadm; do
        program "$BUNDLE/$step.sh" 'step=$(basename "$0" .sh)
echo "$step $*" >>"$CALLS"
[[ "$1" != downloads ]] || { echo "${step}-release"; exit; }
echo "$step progress $PROGRESS" >&2
[[ "${FAIL:-}" != "$step" ]] || { echo "kata-cluster: node lab-0, step $step: it is broken. Fix: mend it" >&2; exit 90; }
[[ "${SLOW:-}" != "$step" ]] || sleep 60
[[ "${SLOW_SHORT:-}" != "$step" ]] || { sleep 1; echo "$step ended" >>"$CALLS"; }
if [[ "$step $1" == "kubeadm apply" ]]; then printf "secret\nkubeconfig\n"; else echo noise; echo "{\"step\":\"$step\"}"; fi'
    done
    sed -i 's/^fetch() {$/fetch() { echo "fetch $*" >>"$CALLS"; fetched; return;/' "$BUNDLE/downloads.sh"
    echo 'fetched() { [[ -z "${SLOW_FETCH:-}" ]] || { sleep 2; echo "fetched" >>"$CALLS"; exit "$SLOW_FETCH"; }; }' >>"$BUNDLE/downloads.sh"
}

teardown() {
    [[ -z "${HOLDER:-}" ]] || kill "$HOLDER" 2>/dev/null || true
}

@test "all downloads start at once, beside the kernel step, and no step waits for those of the others" {
    program "$ROOT/usr/bin/curl" ''
    SLOW_SHORT=kernel SLOW_FETCH=0 run_script node apply preflight kernel metadata kata
    succeed
    called "fetch kernel-release metadata-release kata-release" "kernel ended" "metadata apply" "kata apply" "fetched"
    : >"$CALLS"
    # Whoever wanted it has failed with it, and then nobody comes here; if nobody did, it fails in the end.
    SLOW_FETCH=90 run_script node apply preflight kernel metadata kata
    [ "$status" -ne 0 ]
    called "kata apply" "fetched"
    says_not "apply done"
}

@test "steps run in order with progress; without curl all downloads start after the kernel step, at once" {
    run_script node apply preflight kernel metadata kata containerd kubernetes
    succeed
    [ "$(grep apply "$CALLS")" = "preflight apply
kernel apply
metadata apply
kata apply
containerd apply
kubernetes apply" ]
    called "kernel apply" "metadata downloads" "kata downloads" "containerd downloads" "kubernetes downloads" \
        "fetch metadata-release kata-release containerd-release kubernetes-release"
    says "[1/6] preflight: apply" "[4/6] kata: apply" "kata progress 4/6"
}

@test "steps that are joined run at once, all end before one's failure counts, and each has its number" {
    SLOW_SHORT='kata' run_script node apply preflight kernel kata+kubernetes+containerd
    succeed
    says "[3/5] kata: apply" "[4/5] kubernetes: apply" "[5/5] containerd: apply" "containerd progress 5/5"
    [ "$(tail -n 1 <<<"$output")" = '{"node":"lab-0","verb":"apply","steps":[{"step":"preflight"},{"step":"kernel"},{"step":"kata"},{"step":"kubernetes"},{"step":"containerd"}]}' ]
    # The first one takes a second, and the others have not waited for it.
    [ "$(tail -n 1 "$CALLS")" = "kata ended" ]
    SLOW_SHORT='containerd' FAIL='kata' run_script node apply kata+kubernetes+containerd
    failing "step kata: it is broken"
    [ "$(tail -n 1 "$CALLS")" = "containerd ended" ]
    says_not "a command failed"
}

@test "a chain runs its steps one after the other, beside the other chains, and ends at the first that fails" {
    SLOW_SHORT='kata' run_script node apply preflight kernel kata+kubernetes,containerd
    succeed
    says "[3/5] kata: apply" "[4/5] kubernetes: apply" "[5/5] containerd: apply" "containerd progress 5/5"
    called "kubernetes apply" "containerd apply" "kata ended"
    [ "$(tail -n 1 <<<"$output")" = '{"node":"lab-0","verb":"apply","steps":[{"step":"preflight"},{"step":"kernel"},{"step":"kata"},{"step":"kubernetes"},{"step":"containerd"}]}' ]
    : >"$CALLS"
    SLOW_SHORT='kata' FAIL='kubernetes' run_script node apply kata+kubernetes,containerd
    failing "step kubernetes: it is broken"
    called "kubernetes apply" "kata ended"
    called_not "containerd apply"
    says_not "a command failed"
}

@test "a step gets what was sent to the command" {
    program "$BUNDLE/join.sh" '[[ "$1" == downloads ]] || echo "join $* got: $(cat)" >>"$CALLS"; echo "{}"'
    bash "$BUNDLE/node.sh" apply join <<<"what was sent"
    called "join apply got: what was sent"
}

@test "the last line on stdout is JSON with each step's result, and nothing else is on stdout" {
    out=$(bash "$BUNDLE/node.sh" apply preflight kernel 2>/dev/null)
    [ "$out" = '{"node":"lab-0","verb":"apply","steps":[{"step":"preflight"},{"step":"kernel"}]}' ]
}

@test "apply kubeadm gives the kubeconfig alone on stdout, and not on stderr" {
    out=$(bash "$BUNDLE/node.sh" apply kubeadm 2>"$TEST/err")
    [ "$out" = $'secret\nkubeconfig' ]
    run ! grep secret "$TEST/err"
}

@test "reset takes the steps as they are given and downloads nothing" {
    run_script node reset kubeadm kubernetes containerd kata metadata kernel
    succeed
    [ "$(cat "$CALLS")" = "kubeadm reset
kubernetes reset
containerd reset
kata reset
metadata reset
kernel reset" ]
}

@test "a step that fails ends the run with its own message only" {
    FAIL=containerd run_script node apply preflight kernel containerd kubernetes
    failing "kata-cluster: node lab-0, step containerd: it is broken. Fix: mend it"
    [ "$(grep -c '^kata-cluster:' <<<"$output")" -eq 1 ]
    called_not "kubernetes apply"
}

@test "unknown verbs and steps are refused before anything runs" {
    run_script node upgrade kernel
    failing 'there is no "upgrade"'
    run_script node apply kernel typo
    failing 'there is no step "typo". Fix: name steps: preflight kernel metadata kata containerd'
    run_script node apply
    failing "no step is named"
    [ ! -s "$CALLS" ]
}

@test "a step that takes too long is stopped, with its children, and named" {
    echo STEP_TIMEOUT_SECONDS=3 >>"$BUNDLE/node.env"
    SLOW=kata run_script node apply kernel kata
    failing "step kata: kata was stopped, the node's time of 3 s was over. Fix: "
    run ! pgrep -f "$BUNDLE/kata.sh"
}

# hold TEXT: another run has the lock.
hold() {
    mkdir -p "$STATE"
    bash -c 'exec 9<>"$1"; flock 9; echo "$2" >"$1"; touch "$3"; exec sleep 60' - "$STATE/lock" "$1" "$TEST/held" 3>&- &
    HOLDER=$!
    until [ -e "$TEST/held" ]; do sleep 0.1; done
}

@test "a run of the same cluster is waited for: then this one goes on" {
    hold "cluster lab, apply kata, process 1 since 10:00:00Z"
    (
        sleep 3
        kill "$HOLDER"
    ) 3>&- &
    run_script node apply kernel
    succeed
    called "kernel apply"
}

@test "a lock that stays is an error that names its holder" {
    hold "cluster lab, apply kata, process 4711 since 10:00:00Z"
    LOCK_SECONDS=5 run_script node apply kernel
    failing "another run holds the node for more than 5 s: cluster lab, apply kata, process 4711 since 10:00:00Z. Fix: wait until it ends"
    [ ! -s "$CALLS" ]
}

@test "another cluster's run is not waited for long" {
    hold "cluster prod, apply kata, process 4711 since 10:00:00Z"
    SECONDS=0
    run_script node apply kernel
    failing "cluster prod, apply kata"
    ((SECONDS < 30))
}

@test "a step that goes on after its run was killed keeps the lock, and the next run waits for it" {
    SLOW=kata bash "$BUNDLE/node.sh" apply kata >/dev/null 2>&1 3>&- &
    runner=$!
    until grep -q "kata apply" "$CALLS"; do sleep 0.1; done
    step=$(pgrep -f "$BUNDLE/kata.sh" | head -n 1)
    kill -KILL "$runner"
    LOCK_SECONDS=5 run_script node apply kernel
    failing "another run holds the node" "cluster lab, apply kata"
    kill "$step" $(pgrep -P "$step")
    run_script node apply kernel
    succeed
}

@test "bundles that killed runs left are removed after a day" {
    mkdir -p "$STATE/bundle.old" "$STATE/bundle.new"
    touch -d '2 days ago' "$STATE/bundle.old"
    run_script node apply kernel
    succeed
    [ ! -e "$STATE/bundle.old" ]
    [ -e "$STATE/bundle.new" ]
}
