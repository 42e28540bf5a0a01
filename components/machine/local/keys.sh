#!/usr/bin/env bash
# Makes pairs of keys: keys.sh OWNER..., where an owner is the login user, or the host that will show its key.
# Standard output is one JSON object with a member {privateKey,publicKey} for each, in OpenSSH form. It is a secret.
set -euo pipefail
umask 077

directory=$(mktemp -d "${TMPDIR:-/tmp}/kata-cluster-keys.XXXXXX")
trap 'rm -rf "$directory"' EXIT

command -v ssh-keygen >/dev/null || {
    echo 'kata-cluster: ssh-keygen is not installed. Fix: Debian, Ubuntu: apt-get install openssh-client; Fedora: dnf install openssh-clients' >&2
    exit 1
}

# pair NAME: the only character of these files that JSON escapes is the newline.
pair() {
    local public
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$directory/$1" </dev/null >&2
    read -r public <"$directory/$1.pub"
    # Without the empty comment's blank.
    printf '"%s":{"privateKey":"%s","publicKey":"%s"}' \
        "$1" "$(awk '{ printf "%s\\n", $0 }' "$directory/$1")" "${public% }"
}

pairs=''
for owner in "$@"; do
    made=$(pair "$owner")
    pairs=${pairs:+$pairs,}$made
done
printf '{%s}\n' "$pairs"
