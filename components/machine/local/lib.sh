#!/usr/bin/env bash
# What the other files share. It runs on the operator's computer, Linux or macOS, so it keeps to bash 3.2.
set -euo pipefail

say() { printf 'kata-cluster: machine %s: %s\n' "${VM_NAME:-?}" "$1" >&2; }

# fail CAUSE FIX
fail() {
    printf 'kata-cluster: machine %s: %s. Fix: %s\n' "${VM_NAME:-?}" "$1" "$2" >&2
    exit 1
}

# setting NAME PATTERN MEANING: stops unless the environment variable holds what it must.
setting() {
    local value
    eval "value=\${$1:-}"
    [[ "$value" =~ ^($2)$ ]] || fail "$1='$value' is not $3" "give $3"
}

# secret_field NAME TEXT: one string member of a flat JSON object. What these objects hold (keys, in OpenSSH form) has
# no escapes but \n, so a JSON parser is not asked of the operator's computer.
secret_field() {
    local pattern="\"$1\"[[:space:]]*:[[:space:]]*\"([A-Za-z0-9 +/=@._-]|\\\\n)+\"" value
    [[ "$2" =~ $pattern ]] || fail "no usable $1 on standard input" 'hand in {"userPublicKey","hostPrivateKey","hostPublicKey"}'
    value=${BASH_REMATCH[0]#*:}
    value=${value#*\"}
    value=${value%\"}
    printf '%b\n' "$value"
}

# digest 256|512 FILE
digest() {
    if command -v "sha${1}sum" >/dev/null; then
        "sha${1}sum" <"$2" | cut -d ' ' -f 1
    else
        shasum -a "$1" <"$2" | cut -d ' ' -f 1
    fi
}

# Holds until the shell ends, on file descriptor 9: lock FILE SECONDS
lock() {
    local deadline=$((SECONDS + $2)) left
    while :; do
        mkdir -p "$(dirname "$1")"
        exec 9>>"$1"
        left=$((deadline - SECONDS))
        if ((left <= 0)) || ! flock_descriptor "$left"; then
            fail "another run has held $1 for $2 s" 'wait until it has ended, then run this again'
        fi
        # The holder before us may have deleted the file together with the machine: then this lock guards nothing.
        echo "$$" >&9
        if [[ "$(tail -n 1 "$1" 2>/dev/null)" == "$$" ]]; then
            : >"$1"
            return
        fi
    done
}

flock_descriptor() {
    if command -v flock >/dev/null; then
        flock -w "$1" 9
    else
        # macOS has no flock(1). A lock belongs to the open file, so it outlives perl.
        perl -MFcntl=:flock -e 'alarm shift; open(my $file, ">&=", 9) or exit 1; flock($file, LOCK_EX) or exit 1' "$1"
    fi
}

# within SECONDS COMMAND...: waits until the command succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# require_free_port PORT ARGUMENT
require_free_port() {
    local holder=''
    port_answers "$1" || return 0
    if command -v lsof >/dev/null; then
        holder=$(lsof -nP -iTCP:"$1" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print $1 ", process " $2 }') || true
    elif command -v ss >/dev/null; then
        holder=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:((\(.*\))).*/\1/p') || true
    fi
    fail "port $1 on 127.0.0.1 is taken${holder:+ by $holder}" "free it, or set machines.local.$2 to another port"
}

# The architecture of the operator's computer is that of the machine.
host_architecture() {
    case $(uname -m) in
        x86_64 | amd64) echo x86_64 ;;
        arm64 | aarch64) echo aarch64 ;;
        *) fail "no machine can be run on $(uname -m)" 'use an x86_64 or arm64 computer, or machines.existing' ;;
    esac
}

# Names everything that is missing at once.
require_tools() {
    local missing='' system=x86 firmware=''
    [[ "$ARCHITECTURE" == x86_64 ]] || system=arm firmware=' qemu-efi-aarch64'
    command -v "qemu-system-$ARCHITECTURE" >/dev/null || missing="$missing qemu-system-$system$firmware"
    command -v qemu-img >/dev/null || missing="$missing qemu-utils"
    iso_maker >/dev/null || missing="$missing genisoimage"
    command -v ssh-keyscan >/dev/null || missing="$missing openssh-client"
    [[ -n "${VM_IMAGE:-}" ]] || command -v curl >/dev/null || missing="$missing curl"
    [[ -z "$missing" ]] || fail "not installed:$missing (Debian's package names)" \
        "Debian, Ubuntu: apt-get install$missing; Fedora: dnf install qemu-system-${ARCHITECTURE/_64/} qemu-img xorriso openssh-clients curl$([[ -z "$firmware" ]] || echo ' edk2-aarch64'); macOS: brew install qemu"
}
