#!/usr/bin/env bash
# Decides between KVM and emulation (TCG). That /dev/kvm opens proves nothing, so a small guest is started on KVM, on
# the same machine type and CPU as the real one. It goes as far as 64-bit mode with paging and looks there for what
# Kata needs: virtualization extensions that it could use itself (nested virtualization).
set -euo pipefail

# A boot sector: `probe_bytes` is its machine code, one line for each group of the instructions that are named.
x86_probe() {
    {
        probe_bytes fa 31 c0 8e d8 8e c0 8e d0 bc 00 7c                   # cli; clear ds, es, ss; mov sp, 0x7c00
        probe_bytes 66 b8 01 00 00 80 0f a2 66 89 cb 80 e3 04 88 df 53    # bh = cpuid(0x80000001).ecx & SVM; push
        probe_bytes 66 b8 01 00 00 00 0f a2 5b 80 e1 20 08 cf 88 fa       # dl = bh | cpuid(1).ecx & VMX
        probe_bytes bf 00 10 89 fc 0f 22 df                               # page tables at cr3 = 0x1000
        probe_bytes 66 31 c0 b9 00 0c fc 66 f3 ab                         # cleared
        probe_bytes c7 06 00 10 03 20 c7 06 00 20 03 30 c7 06 00 30 83 00 # the first 2 MiB, mapped to themselves
        probe_bytes 66 b8 20 00 00 00 0f 22 e0                            # cr4.PAE
        probe_bytes 52 66 b9 80 00 00 c0 0f 32 80 cc 01 0f 30 5a          # efer.LME
        probe_bytes 0f 01 16 a0 7c 0f 20 c0 66 0d 01 00 00 80 0f 22 c0    # lgdt; cr0.PE and cr0.PG
        probe_bytes ea 7f 7c 08 00                                        # jump into 64-bit code
        probe_bytes b0 11 84 d2 74 02 b0 10 e6 f4                         # exit port = dl ? 0x10 : 0x11
        probe_bytes f4 eb fd 90 90 90 90                                  # halt
        probe_bytes 00 00 00 00 00 00 00 00 00 00 00 00 00 9a 20 00       # gdt: null, 64-bit code
        probe_bytes 0f 00 90 7c 00 00                                     # its limit and address
        head -c 344 /dev/zero
        probe_bytes 55 aa
        head -c 1048064 /dev/zero # SeaBIOS does not boot a disk of less than a cylinder
    } >"$1"
}

# A bare kernel image for QEMU's virt board, entered with virtualization extensions at hand (EL2).
arm64_probe() {
    {
        probe_bytes 00 01 80 52 00 80 b0 72 # w0 = 0x84000008, PSCI SYSTEM_OFF
        probe_bytes 03 00 00 d4             # smc 0
        probe_bytes 00 00 00 14             # stay
    } >"$1"
}

probe_bytes() {
    local byte
    for byte in "$@"; do
        # shellcheck disable=SC2059
        printf "\\x$byte"
    done
}

# probe ACCELERATOR CPU: prints yes, or why not.
probe() {
    local directory output status=0
    directory=$(mktemp -d "${TMPDIR:-/tmp}/kata-cluster-probe.XXXXXX")
    set -- -accel "$1" -cpu "$2" -smp 2 -nodefaults -display none -no-reboot
    if [[ $ARCHITECTURE == x86_64 ]]; then
        x86_probe "$directory/probe"
        set -- "$@" -M q35 -m 64 -drive "format=raw,file=$directory/probe" \
            -device isa-debug-exit,iobase=0xf4,iosize=0x04
    else
        arm64_probe "$directory/probe"
        set -- "$@" -M virt,virtualization=on,gic-version=max -m 128 -kernel "$directory/probe"
    fi
    timeout -k 5 "${VM_PROBE_SECONDS:-30}" "qemu-system-$ARCHITECTURE" "$@" \
        >"$directory/output" 2>&1 </dev/null 9>&- || status=$?
    output=$(grep -v '^$' "$directory/output" | head -n 1) || true
    rm -rf "$directory"
    # isa-debug-exit makes QEMU exit with 2 * value + 1.
    case $ARCHITECTURE-$status in
        x86_64-33 | aarch64-0) echo yes ;;
        x86_64-35) echo 'a guest starts on it, but without nested virtualization (module parameter nested=1 of kvm_intel or kvm_amd)' ;;
        *-124 | *-137) echo 'the guest hung' ;;
        *) echo "QEMU ended with status $status${output:+ ($output)}" ;;
    esac
}

# kvm_verdict: prints yes, or why KVM cannot be used here.
kvm_verdict() {
    local device=${KVM_DEVICE:-/dev/kvm}
    if [[ ! -e "$device" ]]; then
        echo "this computer has no $device"
    elif [[ ! -r "$device" || ! -w "$device" ]]; then
        echo "you may not open $device (join the group kvm)"
    else
        probe kvm host
    fi
}

# Sets ACCELERATOR to kvm or tcg: choose_accelerator RUNNING_ON (empty if the machine is stopped)
choose_accelerator() {
    local verdict
    ACCELERATOR=$VM_ACCELERATOR
    if [[ "$ACCELERATOR" == auto && -n "$1" ]]; then
        # What it runs on works.
        ACCELERATOR=$1
        return
    fi
    [[ "$ACCELERATOR" != tcg && "$1" != kvm ]] || return 0
    verdict=$(kvm_verdict)
    if [[ "$verdict" == yes ]]; then
        ACCELERATOR=kvm
    elif [[ "$ACCELERATOR" == kvm ]]; then
        fail "KVM does not work here: $verdict" 'correct that, or set machines.local.accelerator to "auto" or "tcg"'
    else
        ACCELERATOR=tcg
        say "warning: KVM does not work here: $verdict"
    fi
}
