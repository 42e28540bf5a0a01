#!/usr/bin/env bash
# What the scripts of the container runtimes share: crictl, the service, and what is asked over CRI. To be sourced after
# downloads.sh, by a script whose STEP is the name of the runtime's service and whose `socket` is its CRI socket.
# shellcheck disable=SC2154,SC2034 # socket is the script's, changed is lib.sh's
set -euo pipefail

# The runtime that is to be replaced, if there is one: installed by us, but not the one that was chosen.
other_runtime() {
    local service
    for service in containerd crio; do
        if [[ "$service" != "$CONTAINER_RUNTIME" && -e "$STATE/files/etc/systemd/system/$service.service" ]]; then
            echo "$service"
        fi
    done
}

# Whether another runtime still runs the node's pods. Then this one is installed and checked but not started: CRI-O
# takes down the networks of pods that it does not know (CNI GC). The step migrate starts it.
replaces_another() {
    local other
    other=$(other_runtime)
    [[ -n "$other" ]] && log "$STEP is ready to take over from $other"
}

install_crictl() {
    install_programs crictl /usr/local/bin
    install_file 0644 "$BUNDLE/files/etc/crictl.yaml" /etc/crictl.yaml
}

# A runtime that is replaced leaves crictl to the one that was chosen.
remove_crictl() {
    [[ "$STEP" == "$CONTAINER_RUNTIME" ]] || return 0
    remove_file /etc/crictl.yaml
    remove_programs crictl
}

# cri_within SECONDS WORD...: crictl, asking the runtime at hand. Both endpoints: while a node changes its runtime,
# crictl's own configuration names one that does not run yet, and `crictl ps` asks for images too.
cri_within() {
    local seconds=$1
    shift
    timeout "$seconds" crictl --runtime-endpoint "$socket" --image-endpoint "$socket" "$@"
}

cri() {
    cri_within 600 "$@"
}

# run_service DIGEST: it runs, and was last started with what has that digest. Always by a restart: a handler that CRI-O
# reloads is in its configuration and yet not there (cri-o#10202).
run_service() {
    ! runs_with "$STEP" "$1" || return 0
    enable_unit "$STEP"
    systemctl restart "$STEP" ||
        fail "$STEP does not start: $(last_words 3)" "look at: journalctl -u $STEP"
    changed=true
    log "restarted $STEP"
}

# last_words LINES: what the service itself said last, without what systemd says of it.
last_words() {
    journalctl "_SYSTEMD_UNIT=$STEP.service" --lines "$1" --output cat 2>&1 | cut -c 1-400 | tr '\n' ' '
}

# What the running service says, through the socket that kubelet uses.
check_handlers() {
    local live handler
    retry "${CRI_SECONDS:-180}" cri_answers ||
        fail "$STEP does not answer on $socket: $(tail -n 1 <<<"$answer")" "look at: journalctl -u $STEP"
    live=$(jq -r '.runtimeHandlers[].name' <<<"$answer")
    for handler in $RUNTIME_HANDLERS; do
        grep -qx "$handler" <<<"$live" ||
            fail "the running $STEP has no handler \"$handler\", only: $(xargs <<<"$live")$(why_lost "$handler")" "run up again; if it stays, look at: crictl info"
    done
}

# Sets answer.
cri_answers() {
    answer=$(cri info 2>&1)
}

# why_lost HANDLER: what the service said of a handler that it dropped. For a script to define.
why_lost() { :; }

# Whether no pod is left after this.
remove_pods() {
    cri_within "${POD_SECONDS:-600}" rmp --all --force >&2 &&
        [[ -z "$(cri pods --quiet)" ]]
}

# remove_service UNIT DIRECTORY...: what reset has in common. The directories hold nothing that was there before us:
# preflight refuses a runtime that is not ours.
remove_service() {
    local unit=$1
    shift
    # kubelet would start the pods again.
    systemctl stop kubelet 2>/dev/null || true
    if [[ -e "$STATE/files$unit" ]]; then
        if systemctl is-active --quiet "$STEP"; then
            remove_pods || log "warning: not every pod could be removed"
        fi
        systemctl disable --now "$STEP" >&2 || true
        unmount_below "$@"
        rm -rf --one-file-system "${@/#/$ROOT}"
        # Last, for it says that the others are ours.
        remove_file "$unit"
        systemctl daemon-reload
    fi
    rm -f "$STATE/running/$STEP"
}

# unmount_below DIRECTORY...: storage drivers mount their own directory, and a pod that could not be removed leaves more.
unmount_below() {
    local directory mount
    for directory in "$@"; do
        awk -v directory="$directory" '$2 == directory || index($2, directory "/") == 1 { print $2 }' "$ROOT/proc/mounts" |
            sort -r | while read -r mount; do
            umount "$mount" >&2 || log "warning: $mount stays mounted"
        done
    done
}
