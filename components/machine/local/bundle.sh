#!/usr/bin/env bash
# The first part of the text that carries these scripts. What follows it: unpack.sh, a call of its `files` with all of them,
# and a last line `run "$@"`. Being one text, it needs no path of the computer in the stack's state, and `delete`
# works when the checkout is gone.
set -euo pipefail
umask 077

staging=$(mktemp -d "${TMPDIR:-/tmp}/kata-cluster.XXXXXXXX")
trap 'rm -rf "$staging"' EXIT

# run SCRIPT ARGUMENTS...: runs a script of the bundle, with the standard input that the bundle was given.
run() {
    local script=$staging/$1.sh
    shift
    bash "$script" "$@"
}
