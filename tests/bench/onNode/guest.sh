#!/usr/bin/env bash
# Starts a pod's guest without a pod. guest.sh record: keeps how the untrusted pod's QEMU was started, and says
# `recorded`, or `unknown` where it is not the stand-in's of tests/lab/kata. guest.sh boot: starts the same QEMU but for
# its network, beside the same virtiofsd, and prints the seconds until the agent takes a connection.
set -euo pipefail

kept=/root/guest-arguments
agent_port=1024

record() {
    local pid words word skip=false
    if ! grep -q standin /opt/kata/VERSION; then
        echo unknown
        return
    fi
    pid=$(pgrep --oldest --full '/opt/kata/bin/qemu-system.*-name sandbox-')
    mapfile -d '' -t words <"/proc/$pid/cmdline"
    for word in "${words[@]}"; do
        # Two words each: the network, and what it is known by.
        if [[ $skip == true ]]; then
            skip=false
        elif [[ $word == -netdev || $word == -name ]]; then
            skip=true
        else
            printf '%s\0' "$word"
        fi
    done | grep --null-data --invert-match '^virtio-net-pci' | drop_lone_device >"$kept"
    echo recorded
}

# An option whose value is gone.
drop_lone_device() {
    local word held=''
    while read -r -d '' word; do
        if [[ "$held" == -device && "$word" == -* ]]; then
            held=''
        fi
        [[ -z "$held" ]] || printf '%s\0' "$held"
        held=$word
    done
    [[ -z "$held" || "$held" == -device ]] || printf '%s\0' "$held"
}

boot() {
    local folder cid=77 words=() word begun
    folder=$(mktemp -d /run/guest.XXXXXX)
    mkdir "$folder/share"
    while read -r -d '' word; do
        case $word in
            file:*) word=file:$folder/console.log ;;
            vhost-vsock-pci,*) word=vhost-vsock-pci,guest-cid=$cid ;;
            socket,id=share,*) word=socket,id=share,path=$folder/fs.sock ;;
        esac
        words+=("$word")
    done <"$kept"
    begun=$EPOCHREALTIME
    /opt/kata/libexec/virtiofsd --socket-path="$folder/fs.sock" -o "source=$folder/share" -o sandbox=chroot \
        -o announce_submounts -o cache=auto --thread-pool-size=1 -f >"$folder/virtiofsd.log" 2>&1 &
    until [[ -S "$folder/fs.sock" ]]; do sleep 0.05; done
    "${words[@]}" >"$folder/qemu.log" 2>&1 &
    until socat -u OPEN:/dev/null "VSOCK-CONNECT:$cid:$agent_port" 2>/dev/null; do
        if ! kill -0 $!; then
            cat "$folder"/*.log >&2
            exit 1
        fi
        # As the shim does.
        sleep 0.2
    done
    awk -v begun="$begun" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", ended - begun }'
    kill $!
    wait || true
    rm -rf "$folder"
}

"$1"
