#!/usr/bin/env bash
# The QEMU process: its command line, whether it runs, start, stop, and the wait for SSH.
set -euo pipefail

# option_path PATH: a comma ends a value in QEMU's options, two are one.
option_path() { printf '%s' "${1//,/,,}"; }

# Firmware for the virt board, as QEMU itself, Debian, Ubuntu and Fedora install it.
arm64_firmware() {
    local prefix file
    prefix=$(dirname "$(dirname "$(command -v qemu-system-aarch64)")")
    for file in "$prefix/share/qemu/edk2-aarch64-code.fd" /usr/share/qemu-efi-aarch64/QEMU_EFI.fd \
        /usr/share/edk2/aarch64/QEMU_EFI.fd /usr/share/AAVMF/AAVMF_CODE.fd; do
        if [[ -r "$file" ]]; then
            echo "$file"
            return
        fi
    done
    fail 'no UEFI firmware for arm64 guests found' 'Debian, Ubuntu: apt-get install qemu-efi-aarch64; Fedora: dnf install edk2-aarch64'
}

# Of the interface that leads out, the one that QEMU gives to a first one.
OUTSIDE_MAC=52:54:00:12:34:56

# The segment is a multicast group on the loopback interface, where QEMU processes exchange their guests' frames. Each
# cluster of each user has one of its own. https://www.qemu.org/docs/master/system/invocation.html: -netdev socket,mcast
segment_group() {
    local hash
    hash=$(digest 256 <(printf '%s of user %s' "$VM_SEGMENT" "$(id -u)"))
    # 239.192.0.0/14 is for use within an organization (RFC 2365).
    printf '239.%s.%s.%s:%s' $((192 + 0x${hash:0:1} % 4)) $((0x${hash:1:2})) $((0x${hash:3:2})) $((20000 + 0x${hash:5:4} % 10000))
}

# One for each address of the segment.
segment_mac() {
    local address=${VM_SEGMENT_ADDRESS%/*}
    # shellcheck disable=SC2046,SC2183 # one word for each byte
    printf '52:54:%02x:%02x:%02x:%02x' $(tr . ' ' <<<"$address")
}

# Sets QEMU_ARGUMENTS.
qemu_arguments() {
    local cpu=host how=kvm forward firmware
    # Under TCG `max` emulates the virtualization extensions that Kata needs.
    if [[ $ACCELERATOR == tcg ]]; then
        cpu=max how=tcg,thread=multi,tb-size=1024
    fi
    forward=hostfwd=tcp:127.0.0.1:$VM_SSH_PORT-:22
    [[ -z "${VM_API_PORT:-}" ]] || forward+=,hostfwd=tcp:127.0.0.1:$VM_API_PORT-:6443
    # shellcheck disable=SC2054 # the commas are QEMU's
    QEMU_ARGUMENTS=(
        -name "kata-cluster-$VM_NAME" -pidfile "$VM_DIRECTORY/pid" -daemonize
        -display none -monitor none -parallel none -accel "$how"
        -smp "$VM_CPUS" -m "${VM_MEMORY_MIB}M" -rtc base=utc -device virtio-rng-pci
        # Not cache=unsafe: it drops flushes, and a power cut would leave etcd's disk torn.
        -drive "if=none,id=disk,file=$(option_path "$DISK"),format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap"
        -device virtio-blk-pci,drive=disk,bootindex=0
        -drive "if=none,id=seed,file=$(option_path "$SEED"),format=raw,readonly=on"
        -device virtio-blk-pci,drive=seed
        -netdev "user,id=net,ipv6=off,$forward"
        -device "virtio-net-pci,netdev=net,mac=$OUTSIDE_MAC,romfile="
        -serial "file:$VM_DIRECTORY/console.log"
        # A kernel that panics tells QEMU, which ends: so do connections to the machine, instead of waiting for it.
        -device pvpanic-pci
        # A pair of FIFOs, not a socket: bash can write to it, so no socat or nc is asked for.
        -chardev "pipe,id=qmp,path=$(option_path "$VM_DIRECTORY/qmp")" -mon chardev=qmp,mode=control
    )
    if [[ -n "${VM_SEGMENT:-}" ]]; then
        # shellcheck disable=SC2054
        QEMU_ARGUMENTS+=(
            -netdev "socket,id=segment,mcast=$(segment_group),localaddr=127.0.0.1"
            -device "virtio-net-pci,netdev=segment,mac=$(segment_mac),romfile="
        )
    fi
    if [[ $ARCHITECTURE == x86_64 ]]; then
        QEMU_ARGUMENTS+=(-M q35 -cpu "$cpu")
    else
        [[ $cpu == host ]] || cpu=max,pauth-impdef=on
        firmware=$(arm64_firmware)
        # shellcheck disable=SC2054
        QEMU_ARGUMENTS+=(-M virt,virtualization=on,gic-version=max -cpu "$cpu" -bios "$firmware")
    fi
}

# Prints the machine's process id if it runs. A pid file can outlive its process, and the number be another's by then.
running() {
    local pid='' command
    { read -r pid <"$VM_DIRECTORY/pid"; } 2>/dev/null || [[ -n "$pid" ]] || return 1
    [[ "$pid" =~ ^[0-9]+$ ]] || return 1
    if [[ -d /proc/self ]]; then
        { command=$(tr '\0' ' ' <"/proc/$pid/cmdline"); } 2>/dev/null || return 1
    else
        command=$(ps -ww -o command= -p "$pid") || return 1
    fi
    [[ "$command" == *qemu-system-*"-name kata-cluster-$VM_NAME "*"-pidfile $VM_DIRECTORY/pid "* ]] || return 1
    echo "$pid"
}

stopped() { ! running >/dev/null; }

# gone PID: no thread of it is left that holds a port. A dying process has no command line any more, one that nobody
# has waited for stays as a zombie.
gone() {
    if [[ -d /proc/self ]]; then
        { cat "/proc/$1"/task/*/stat 2>/dev/null || true; } |
            awk '{ sub(/.*\) /, "") } /^[^ZX]/ { alive = 1 } END { exit alive }'
    else
        [[ "$(ps -o stat= -p "$1")" == Z* ]] || ! kill -0 "$1" 2>/dev/null
    fi
}

# qmp COMMAND: https://www.qemu.org/docs/master/interop/qmp-spec.html
qmp() {
    # Opened for reading too, so that it cannot block when QEMU dies at this moment.
    printf '{"execute":"%s"}\n' qmp_capabilities "$1" 1<>"$VM_DIRECTORY/qmp.in"
}

# stop_machine SECONDS: how long the guest may take to power off. 0 does not ask it.
stop_machine() {
    local pid
    pid=$(running) || return 0
    if (($1 > 0)); then
        say 'shutting down'
        qmp system_powerdown
        within "$1" gone "$pid" || say "has not powered off in $1 s, stopping QEMU"
    fi
    stopped || kill -TERM "$pid" 2>/dev/null || true
    if ! within 15 gone "$pid"; then
        kill -KILL "$pid" 2>/dev/null || true
        within 15 gone "$pid" || fail "QEMU, process $pid, cannot be killed" 'see what the kernel says of it, then run this again'
    fi
    rm -f "$VM_DIRECTORY/pid"
}

# boot SEED...: starts a machine that does not run. SEED is what make_seed takes.
boot() {
    make_seed "$@"
    start_machine
}

start_machine() {
    local output
    if panicked; then
        mv "$VM_DIRECTORY/console.log" "$VM_DIRECTORY/panic.log"
        say "its kernel panicked, see $VM_DIRECTORY/panic.log"
    fi
    rm -f "$VM_DIRECTORY/pid" "$VM_DIRECTORY/qmp.in" "$VM_DIRECTORY/qmp.out"
    mkfifo "$VM_DIRECTORY/qmp.in" "$VM_DIRECTORY/qmp.out"
    say "starting with $VM_CPUS CPUs, $VM_MEMORY_MIB MiB, $ACCELERATOR"
    # QEMU outlives this run, so it must not hold the lock.
    output=$("qemu-system-$ARCHITECTURE" "${QEMU_ARGUMENTS[@]}" 2>&1 </dev/null 9>&-) ||
        fail "QEMU does not start: $output" 'correct what QEMU names, then run this again'
    [[ -z "$output" ]] || say "QEMU: $output"
}

# wait_for_ssh SEED...: what make_seed takes, of which the last is the host's public key.
wait_for_ssh() {
    local host_public=${*: -1} seen='nothing' line again=0
    say "waiting for SSH on 127.0.0.1:$VM_SSH_PORT"
    while (($(seconds_left) > 0)); do
        # Seen in one of a few dozen boots under TCG on a busy computer: a processor runs into what another one patches.
        while panicked && ((again < 3)); do
            again=$((again + 1))
            say "its kernel panicked while it was booting; starting it again ($again of 3)"
            stop_machine 0
            boot "$@"
        done
        if stopped; then
            console_tail
            fail 'QEMU ended while the machine was booting' 'see its console above; machines.local.memoryMib may be more than this computer has'
        fi
        # QEMU takes the connection before the guest listens, hence the time limit.
        while read -r line; do
            [[ "$line" != *"$host_public" ]] || return 0
            seen=$line
        done < <(ssh-keyscan -T 10 -t ed25519 -p "$VM_SSH_PORT" 127.0.0.1 2>/dev/null | sed -n 's/^[^# ][^ ]* //p')
        sleep 1
    done
    console_tail
    fail "SSH on 127.0.0.1:$VM_SSH_PORT has not shown the host key '$host_public' within $VM_TIMEOUT_SECONDS s (it showed $seen)" \
        'see its console above; give it more time, or an image with cloud-init'
}

# Whether the guest's kernel has, since QEMU was started.
panicked() {
    grep -q '^[^-]*Kernel panic - not syncing' "$VM_DIRECTORY/console.log" 2>/dev/null
}

console_tail() {
    say "the end of $VM_DIRECTORY/console.log:"
    tail -n 30 "$VM_DIRECTORY/console.log" >&2 || true
}
