#!/usr/bin/env bats
# The KVM probe, and machines of the real QEMU that have nothing to boot.
bats_require_minimum_version 1.5.0

setup() {
    load machine
    command -v "qemu-system-$(uname -m)" >/dev/null || skip 'QEMU is not installed'
    machine_settings "$BATS_TEST_TMPDIR"
    export VM_IMAGE=$BATS_TEST_TMPDIR/image.raw
    qemu-img create -q -f raw "$VM_IMAGE" 1G
}

teardown() {
    [[ -z "${INPUT:-}" ]] || vm delete
}

# of FUNCTION ARGUMENTS...: calls a function of the parts in a shell of its own.
of() { (source_parts && "$@"); }

@test "the probe guest reaches 64-bit mode and sees nested virtualization" {
    [[ "$(uname -m)" == x86_64 ]] || skip 'this guest is for x86_64'
    [ "$(of probe tcg max)" = yes ]
}

@test "the probe says no to a CPU without nested virtualization" {
    [[ "$(uname -m)" == x86_64 ]] || skip 'this guest is for x86_64'
    [[ "$(of probe tcg max,-svm)" == *'without nested virtualization'* ]]
}

@test "the probe says no to a CPU that cannot run a kernel" {
    [[ "$(uname -m)" == x86_64 ]] || skip 'this guest is for x86_64'
    VM_PROBE_SECONDS=15 run of probe tcg qemu32
    [[ "$output" != yes ]]
}

# A guest whose first instruction jumps to itself.
# shellcheck disable=SC2317 # probe calls them
probe_a_hanging_guest() {
    x86_probe() { { probe_bytes eb fe && head -c 508 /dev/zero && probe_bytes 55 aa && head -c 1048064 /dev/zero; } >"$1"; }
    arm64_probe() { probe_bytes 00 00 00 14 >"$1"; }
    probe tcg max
}

@test "the probe says no to a guest that hangs, and to QEMU's own errors" {
    [ "$(VM_PROBE_SECONDS=3 of probe_a_hanging_guest)" = 'the guest hung' ]
    [[ "$(of probe tcg no-such-cpu)" == 'QEMU ended with status 1 ('*no-such-cpu*')' ]]
}

@test "a machine that dies on this computer's KVM is never promised by the probe" {
    [[ -w /dev/kvm ]] || skip 'there is no /dev/kvm to open'
    verdict=$(of kvm_verdict)
    echo "# the probe says of KVM here: $verdict" >&3
    timeout 5 "qemu-system-$(uname -m)" -M q35 -accel kvm -cpu host -smp 2 -m 512 -display none \
        -serial null -monitor none 3>&- || status=$?
    [[ "$status" -eq 124 || "$verdict" != yes ]]
}

@test "without KVM: auto warns and emulates, kvm is an error" {
    stub_qemu
    export KVM_DEVICE=$BATS_TEST_TMPDIR/no-kvm
    VM_ACCELERATOR=kvm run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"KVM does not work here: this computer has no $KVM_DEVICE. Fix:"*'machines.local.accelerator'* ]]
    VM_ACCELERATOR=auto run vm apply
    [ "$status" -eq 0 ]
    [[ "$output" == *"warning: KVM does not work here: this computer has no $KVM_DEVICE"* ]]
    [[ "$output" == *'warning: the machine is emulated (TCG), many times slower'* ]]
    [[ "${lines[-1]}" == *'"accelerator":"tcg","emulated":true'* ]]
}

@test "with KVM: auto takes it, after the probe, and keeps it while the machine runs" {
    stub_qemu
    KVM_DEVICE=$BATS_TEST_TMPDIR/kvm
    export KVM_DEVICE
    touch "$KVM_DEVICE"
    touch "$STUBS/nested"
    VM_ACCELERATOR=auto run vm apply
    [[ "${lines[-1]}" == *'"accelerator":"kvm","emulated":false'* ]]
    [[ "$output" != *warning* ]]
    [[ "$(cat "$STUBS/started")" == *'-accel kvm '*'-cpu host'* ]]
    rm "$KVM_DEVICE"
    VM_ACCELERATOR=auto run vm apply
    [[ "${lines[-1]}" == *'"accelerator":"kvm"'* ]]
    [ "$(starts)" -eq 1 ]
    [ "$(wc -l <"$STUBS/probes")" -eq 1 ]
}

@test "a real QEMU in a path with blanks and commas: ports on 127.0.0.1 only, restart, delete without a trace" {
    export VM_DIRECTORY="$BATS_TEST_TMPDIR/a path, with commas/machine" VM_TIMEOUT_SECONDS=20 VM_STOP_SECONDS=1
    export VM_SEGMENT=$VM_NAME VM_SEGMENT_ADDRESS=192.168.241.10/24
    run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *'has not shown the host key'*'(it showed nothing)'* ]]
    first=$(cat "$VM_DIRECTORY/pid")
    sockets=$(ss -Hltn | awk '{ print $4 }')
    for port in "$VM_SSH_PORT" "$VM_API_PORT"; do
        [ "$(grep ":$port$" <<<"$sockets")" = "127.0.0.1:$port" ]
    done
    VM_MEMORY_MIB=512 run vm apply
    [[ "$output" == *'starting with 2 CPUs, 512 MiB'* ]]
    has_ended "$first"
    second=$(cat "$VM_DIRECTORY/pid")
    kill -0 "$second"
    vm delete
    has_ended "$second"
    [ ! -e "$VM_DIRECTORY" ]
    run ! grep -E ":($VM_SSH_PORT|$VM_API_PORT)$" <<<"$(ss -Hltn | awk '{ print $4 }')"
}
