#!/usr/bin/env bash
# What every script on a node shares. A script sets STEP, sources this file and ends with `dispatch "$@"`.
# All paths are below $ROOT, which is empty on a node, and all tools come from PATH, so that tests can use stand-ins.
set -Eeuo pipefail

ROOT=${ROOT:-}
BUNDLE=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
STATE=$ROOT/var/lib/kata-cluster
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# shellcheck source=/dev/null
source "$BUNDLE/node.env"
# shellcheck source=/dev/null
source "$BUNDLE/name.env"

# Exit status of what has already said why it failed.
reported=90

log() {
    printf '%s%s: %s\n' "${PROGRESS:+[$PROGRESS] }" "$STEP" "$*" >&2
}

# complain CAUSE FIX: one error, in the form that users search for.
complain() {
    printf 'kata-cluster: node %s, step %s: %s. Fix: %s\n' "$NODE_NAME" "$STEP" "$1" "$2" >&2
}

# fail CAUSE FIX
fail() {
    complain "$1" "$2"
    exit "$reported"
}

# Names a command that failed with no word of ours.
unexpected() {
    local status=$1 where=$2
    ((status == reported)) || complain "a command failed with status $status at $where" "read the lines above, then run up again"
    exit "$reported"
}
trap 'unexpected $? "$(basename "${BASH_SOURCE[0]:-bash}"):$LINENO"' ERR

# dispatch VERB: calls the script's function of that name.
dispatch() {
    case ${1:-} in
        apply | reset | downloads) "$1" ;;
        *) fail "there is no \"${1:-}\"" "say apply or reset" ;;
    esac
}

# json_string TEXT: sets json to the text as a JSON string. jq is not there before the first step has run.
json_string() {
    local text=$1
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    text=${text//$'\t'/\\t}
    json="\"${text//[[:cntrl:]]/}\""
}

# status KEY VALUE...: the step's result, one JSON object on stdout.
status() {
    local json key value result
    json_string "$STEP"
    result="{\"step\":$json,\"changed\":$changed"
    while (($# > 0)); do
        json_string "$1"
        key=$json value=$2
        [[ "$value" =~ ^(true|false|0|[1-9][0-9]*)$ ]] || {
            json_string "$value"
            value=$json
        }
        result+=",$key:$value"
        shift 2
    done
    printf '%s}\n' "$result"
}

# Whether this run changed the node. The install functions set it.
changed=false

architecture() {
    case $(uname -m) in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) uname -m ;;
    esac
}

# Whether the node is a machine that QEMU emulates without KVM: everything takes about 17 times as long there.
emulated() {
    [[ "$(systemd-detect-virt --vm 2>/dev/null)" == qemu ]]
}

# What a node tells kubeadm: the one that begins a cluster, and one that joins it.
init_config=/etc/kata-cluster/kubeadm.yaml
join_config=/etc/kata-cluster/kubeadm-join.yaml

# Whether this node is to join as a further control plane.
joins_control_plane() {
    grep -qs '^controlPlane:' "$BUNDLE/files$join_config"
}

# Whether it is to be a control plane at all.
becomes_control_plane() {
    [[ -f "$BUNDLE/files$init_config" ]] || joins_control_plane
}

# retry SECONDS COMMAND...: until it succeeds or the time is over.
retry() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep "${RETRY_DELAY:-1}"
    done
}

# beside PATH: sets temporary to where it is written before it gets its name. Hidden, and without the suffix that
# directories of drop-ins are read by. Always the same name, so that the run after a kill leaves none behind; the node's
# lock allows that.
beside() {
    temporary=${1%/*}/.${1##*/}.new
}

# write_marker PATH TEXT: durable and never half written, for what later runs decide by.
write_marker() {
    local target=$1 temporary
    beside "$target"
    [[ -d "${target%/*}" ]] || mkdir -p "${target%/*}"
    printf '%s\n' "$2" >"$temporary"
    sync "$temporary"
    mv -f "$temporary" "$target"
    sync "${target%/*}"
}

# install_file MODE SOURCE PATH: sets `changed` if the node's file differed. A file that was there before us is kept
# for remove_file to bring back.
install_file() {
    local mode=$1 source=$2 target=$ROOT$3 temporary
    if [[ -f "$target" && ! -L "$target" ]] && cmp -s "$source" "$target" &&
        [[ "0$(stat -c %a "$target")" == "$mode" ]]; then
        return 0
    fi
    keep_original "$3"
    [[ -d "${target%/*}" ]] || mkdir -p "${target%/*}"
    beside "$target"
    install -m "$mode" "$source" "$temporary"
    sync "$temporary"
    mv -f "$temporary" "$target"
    changed=true
    log "wrote $3"
}

# Our list of files is a tree of the same paths: PATH says that the file is ours, PATH.original what was there before.
keep_original() {
    local ours=$STATE/files$1
    [[ ! -e "$ours" ]] || return 0
    [[ -d "${ours%/*}" ]] || mkdir -p "${ours%/*}"
    if [[ -e "$ROOT$1" || -L "$ROOT$1" ]]; then
        cp -a "$ROOT$1" "$ours.original"
    fi
    : >"$ours"
}

# remove_file PATH: undoes install_file.
remove_file() {
    local ours=$STATE/files$1
    [[ -e "$ours" ]] || return 0
    rm -f "$ROOT$1"
    if [[ -e "$ours.original" || -L "$ours.original" ]]; then
        mv -f "$ours.original" "$ROOT$1"
    fi
    rm -f "$ours"
    changed=true
    log "removed $1"
}

# enable_unit UNIT: systemd goes by its file as it is now, and starts it at boot. `enable` alone would reload once more.
enable_unit() {
    systemctl enable --quiet --no-reload "$1"
    systemctl daemon-reload
}

# Whether SERVICE is active and was last started with what has that digest. What was installed by a run that was killed
# before the restart is not.
runs_with() {
    systemctl is-active --quiet "$1" && [[ "$(cat "$STATE/running/$1" 2>/dev/null)" == "$2" ]]
}

# bundled DIRECTORY: paths of the bundle's files below that directory of the node, each as it is on the node.
bundled() {
    [[ -d "$BUNDLE/files$1" ]] || return 0
    (cd "$BUNDLE/files" && find ".$1" -type f | sort | cut -c2-)
}

# ours DIRECTORY: paths of the files below it that we installed on the node, now or with an earlier bundle.
ours() {
    [[ -d "$STATE/files$1" ]] || return 0
    (cd "$STATE/files" && find ".$1" -type f ! -name '*.original' | sort | cut -c2-)
}

# install_tree DIRECTORY: makes our files below it exactly those of the bundle.
install_tree() {
    local path
    for path in $(ours "$1"); do
        [[ -f "$BUNDLE/files$path" ]] || remove_file "$path"
    done
    for path in $(bundled "$1"); do
        install_file 0644 "$BUNDLE/files$path" "$path"
    done
}

# remove_tree DIRECTORY: undoes install_tree.
remove_tree() {
    local path
    for path in $(ours "$1"); do
        remove_file "$path"
    done
}
