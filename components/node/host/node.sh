#!/usr/bin/env bash
# Runs steps on this node, never beside another run: node.sh apply|reset CHAIN[+CHAIN...]..., with CHAIN as STEP[,STEP...]
# What a + joins runs at the same time, all else one after the other.
# stdout ends with one JSON object; `apply kubeadm` gives the administrator's kubeconfig instead, a secret.
STEP=node
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/downloads.sh
source "$BUNDLE/downloads.sh"

lock=$STATE/lock

# The lock is an open file that every child inherits. A step that outlives its SSH session therefore keeps it, and the
# next run waits for it, then converges from what it left.
take_lock() {
    local patience waited=0
    mkdir -p "$STATE"
    exec 9<>"$lock"
    # Another cluster on this node is a mistake that waiting does not mend.
    patience=${LOCK_SECONDS:-$((STEP_TIMEOUT_SECONDS / 2))}
    until flock -w 5 9; do
        waited=$((waited + 5))
        grep -qF "cluster $CLUSTER_NAME," "$lock" || patience=10
        ((waited < patience)) ||
            fail "another run holds the node for more than $waited s: $(cat "$lock")" "wait until it ends, or end that process, then run up again"
        log "waiting for another run: $(cat "$lock")"
    done
    printf 'cluster %s, %s, process %s since %s\n' "$CLUSTER_NAME" "$*" "$$" "$(date -u +%H:%M:%SZ)" >"$lock"
    # What runs that were killed left behind.
    find "$STATE" -maxdepth 1 -name 'bundle.*' ! -path "$BUNDLE" -mmin +1440 -exec rm -rf {} +
}

run_step() {
    local verb=$1 step=$2 left result=0
    left=$((STEP_TIMEOUT_SECONDS - SECONDS))
    ((left > 0)) || left=1
    timeout --kill-after=30 "$left" bash "$BUNDLE/$step.sh" "$verb" || result=$?
    case $result in
        0) ;;
        124 | 137) fail "$step was stopped, the node's time of $STEP_TIMEOUT_SECONDS s was over" "read what it waited for above; raise timeouts.nodeSeconds if the machine is only slow" ;;
        # It has said why.
        *) exit "$reported" ;;
    esac
}

# together VERB CHAIN...: all of them at once. All end before the first failure counts.
together() {
    local verb=$1 chain steps result=0 jobs=()
    shift
    for chain in "$@"; do
        read -ra steps <<<"${chain//,/ }"
        # In the background it would not get what was sent to this command.
        run_chain "$verb" "${steps[@]}" <&8 &
        jobs+=($!)
        number=$((number + ${#steps[@]}))
    done
    for chain in "${jobs[@]}"; do
        wait "$chain" || result=$?
    done
    ((result == 0)) || exit "$reported"
}

# run_chain VERB STEP...: one after the other, each with its result in a file.
run_chain() {
    local verb=$1 step
    shift
    for step in "$@"; do
        announce "$step" "$verb"
        run_step "$verb" "$step" >"$BUNDLE/result.$step"
    done
}

# announce STEP VERB
announce() {
    number=$((number + 1))
    export PROGRESS=$number/$total
    STEP=$1
    log "$2"
}

# What later commands on this node go by. Not before the node is known to be this cluster's.
keep_settings() {
    local kept=$STATE/settings
    if [[ -f "$BUNDLE/settings" ]] && ! cmp -s "$BUNDLE/settings" "$kept"; then
        write_marker "$kept" "$(<"$BUNDLE/settings")"
    fi
}

# Everything that the steps still need, all at once: the longest download takes as long as all of them.
fetch_for() {
    local step list names=''
    for step in "$@"; do
        list=$(bash "$BUNDLE/$step.sh" downloads)
        names+=" $list"
    done
    # shellcheck disable=SC2086 # a list of words
    [[ -z "${names// /}" ]] || fetch $names
}

main() {
    local verb=${1:-} step word chains number=0 total results=() all names
    shift
    names="preflight kernel metadata kata $CONTAINER_RUNTIME kubernetes images key kubeadm join"
    [[ "$verb" == apply || "$verb" == reset ]] || fail "there is no \"$verb\"" "say apply or reset"
    (($# > 0)) || fail "no step is named" "name steps: $names"
    read -ra all <<<"${*//[+,]/ }"
    total=${#all[@]}
    for step in "${all[@]}"; do
        [[ -f "$BUNDLE/$step.sh" ]] || fail "there is no step \"$step\"" "name steps: $names"
    done
    take_lock "$verb" "$@"
    if [[ "$verb" == apply ]]; then
        # Asked once, for all that is started from here.
        NODE_ARCHITECTURE=$(architecture)
        export NODE_ARCHITECTURE
    fi
    exec 8<&0
    FETCHING=''
    for word in "$@"; do
        # Beside the step kernel, or after it where that has to bring curl.
        if [[ "$verb" == apply && -z "$FETCHING" && "$word" != preflight && ("$word" != kernel || -x "$ROOT/usr/bin/curl") ]]; then
            STEP=node
            fetch_for "${all[@]:number}" &
            # Each step waits for its own, so that images are pulled while Kata, the largest by far, is on its way.
            export FETCHING=$!
        fi
        if [[ "$verb $word" == "apply kubeadm" ]]; then
            announce "$word" "$verb"
            # Its output is a secret, and goes to no file.
            run_step "$verb" "$word"
        else
            read -ra chains <<<"${word//+/ }"
            together "$verb" "${chains[@]}"
        fi
        [[ "$verb $word" != "apply preflight" ]] || keep_settings
    done
    STEP=node
    [[ -z "$FETCHING" ]] || wait "$FETCHING" || exit "$reported"
    log "$verb done after $SECONDS s"
    for step in "${all[@]}"; do
        [[ ! -f "$BUNDLE/result.$step" ]] || results+=("$(tail -n 1 "$BUNDLE/result.$step")")
    done
    if ((${#results[@]} > 0)); then
        local IFS=, json
        json_string "$NODE_NAME"
        printf '{"node":%s,"verb":"%s","steps":[%s]}\n' "$json" "$verb" "${results[*]}"
    fi
}

main "$@"
