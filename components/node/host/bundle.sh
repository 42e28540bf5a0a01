#!/usr/bin/env bash
# The first part of the scripts' bundle. What follows it: unpack.sh, a call of its `files` with all of them, and a last line
# `run "$@"`. A copy that broke off has no last line: it runs nothing, and says so.
set -euo pipefail
umask 022
staging=''

broken_off() {
    [[ -z "$staging" ]] || rm -rf "$staging"
    echo "kata-cluster: the scripts on this node are not whole. Fix: run up again, so that they are copied anew" >&2
    exit 1
}
trap broken_off EXIT

if ((EUID != 0)); then
    trap - EXIT
    echo "kata-cluster: the bundle needs root, it runs as $(id -un). Fix: log in as root or as a user with password-free sudo" >&2
    exit 1
fi

state=${ROOT:-}/var/lib/kata-cluster
# A directory of its own for each run: a run that outlived its SSH session keeps the files that it started with.
mkdir -p "$state"
staging=$(mktemp -d "$state/bundle.XXXXXXXX")

# run [--settings | --input] SCRIPT ARGUMENTS...: runs a script of the bundle. It never returns, so bash reads nothing
# beyond this call, even if another copy is being written over this file. What is sent to this command is all read first,
# for a session that ends with some of it unread fails now and then. With --settings it is the node's own files, which
# node.sh keeps for the commands to come; with --input the script gets it.
run() {
    local script input=/dev/null
    trap 'rm -rf "$staging"' EXIT
    case ${1:-} in
        --settings) cat >"$staging/settings" ;;
        --input)
            input=$staging/input
            cat >"$input"
            ;;
    esac
    [[ "${1:-}" != --* ]] || shift
    take_settings
    script=$staging/${1:-}.sh
    if [[ ! -f "$script" ]]; then
        echo "kata-cluster: the bundle has no script \"${1:-}\". Fix: run up again, so that it is copied anew" >&2
        exit 1
    fi
    shift
    bash "$script" "$@" <"$input" || exit 1
    exit 0
}

# Those that came with this command, or else those that the last installation kept.
take_settings() {
    local settings='' from=$staging/settings
    [[ -f "$from" ]] || from=$state/settings
    if [[ -f "$from" ]]; then
        # shellcheck source=/dev/null
        source "$from"
    fi
    [[ "$settings" == whole ]] || {
        echo "kata-cluster: this node has no settings, or not all of them. Fix: run up again, so that it gets them anew" >&2
        exit 1
    }
}
