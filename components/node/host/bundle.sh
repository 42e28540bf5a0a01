#!/usr/bin/env bash
# The first part of a node's bundle. What follows it: one `file` call with a here-document for each file, and a last
# line `run "$@"`. A copy that broke off has no last line, so it runs nothing.
set -euo pipefail
umask 022

if ((EUID != 0)); then
    echo "kata-cluster: the bundle needs root, it runs as $(id -un). Fix: log in as root or as a user with password-free sudo" >&2
    exit 1
fi

# A directory of its own for each run: a run that outlived its SSH session keeps the files that it started with.
mkdir -p "${ROOT:-}/var/lib/kata-cluster"
staging=$(mktemp -d "${ROOT:-}/var/lib/kata-cluster/bundle.XXXXXXXX")
trap 'rm -rf "$staging"' EXIT

# file MODE PATH: stdin becomes a file of the bundle.
file() {
    local target=$staging/$2
    mkdir -p "${target%/*}"
    cat >"$target"
    chmod "$1" "$target"
}

# run [--input] SCRIPT ARGUMENTS...: runs a script of the bundle. It never returns, so bash reads nothing beyond this
# call, even if another copy is being written over this file. With --input the script gets what was sent to this command,
# all of which is read first: a session that ends with some of it unread fails now and then.
run() {
    local script input=/dev/null
    if [[ "${1:-}" == --input ]]; then
        shift
        input=$staging/input
        cat >"$input"
    fi
    script=$staging/${1:-}.sh
    if [[ ! -f "$script" ]]; then
        echo "kata-cluster: the bundle has no script \"${1:-}\". Fix: run up again, so that it is copied anew" >&2
        exit 1
    fi
    shift
    bash "$script" "$@" <"$input" || exit 1
    exit 0
}
