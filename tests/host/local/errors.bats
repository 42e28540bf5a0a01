#!/usr/bin/env bats
# What vm.sh refuses, and what it says.

setup() {
    load machine
    machine_settings "$BATS_TEST_TMPDIR"
    stub_qemu
    export VM_IMAGE=$BATS_TEST_TMPDIR/image.qcow2
    qemu-img create -q -f qcow2 "$VM_IMAGE" 2G
}

teardown() {
    vm delete
}

# refuses TEXT: apply fails and says so, and no machine was started.
refuses() {
    run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"$1"* ]]
    [ ! -e "$STUBS/started" ]
}

@test "settings that are missing or of the wrong form" {
    VM_CPUS=many refuses "VM_CPUS='many' is not a positive number. Fix: give"
    VM_USER='root;' refuses "VM_USER='root;' is not a user name"
    VM_ACCELERATOR=xen refuses 'is not auto, kvm or tcg'
    VM_API_PORT=$VM_SSH_PORT refuses "sshPort and apiPort are both $VM_SSH_PORT"
    VM_IMAGE='' VM_IMAGE_URL='' refuses 'VM_IMAGE is not set'
    VM_IMAGE='' VM_IMAGE_URL=http://127.0.0.1/x VM_IMAGE_SHA256=beef refuses "'beef' is not 64 lower-case hexadecimal digits"
    VM_IMAGE=$BATS_TEST_TMPDIR/none refuses "is not a readable file. Fix: correct machines.local.image.path"
    VM_NAME=../x run vm status
    [[ "$output" == *"VM_NAME='../x' is not a name"* ]]
    run vm start
    [ "$status" -eq 2 ]
}

@test "a key that could break out of the seed is refused" {
    jq -c '.userPublicKey = "ssh-ed25519 A\"\nruncmd: [id]"' "$INPUT" >"$INPUT.bad"
    INPUT=$INPUT.bad refuses 'no usable userPublicKey on standard input'
    INPUT=/dev/null refuses 'no usable userPublicKey on standard input'
}

@test "a port that is taken is named with its holder and its argument" {
    perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:$ENV{VM_API_PORT}"); sleep 300' 3>&- &
    holder=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$VM_API_PORT") 2>/dev/null; do sleep 0.1; done
    refuses "port $VM_API_PORT on 127.0.0.1 is taken by perl, process $holder. Fix: free it, or set machines.local.apiPort"
    kill "$holder"
}

@test "every tool that is missing is named, with the packages of each system" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in bash dirname cat uname sed tr; do
        ln -s "$(type -P "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    PATH=$BATS_TEST_TMPDIR/bin refuses 'not installed: qemu-system-x86 qemu-utils genisoimage openssh-client'
    [[ "$output" == *'apt-get install'*'dnf install'*'brew install qemu'* ]]
}

@test "what QEMU says when it does not start is passed on, and the next apply recovers" {
    echo 'qemu: no such thing' >"$STUBS/broken"
    run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *'QEMU does not start: qemu: no such thing. Fix:'* ]]
    rm "$STUBS/broken"
    vm apply
}

@test "another host key is never taken; the console is shown; the next apply waits again" {
    mv "$STUBS/host-key" "$STUBS/right"
    echo 'ssh-ed25519 AAAAsomebodyelse' >"$STUBS/host-key"
    VM_TIMEOUT_SECONDS=4 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *'the guest speaks'*'has not shown the host key'*'within 4 s (it showed ssh-ed25519 AAAAsomebodyelse)'* ]]
    [ "$(vm status)" = '{"running":true,"boot":1}' ]
    mv "$STUBS/right" "$STUBS/host-key"
    vm apply
    [ "$(starts)" -eq 1 ]
}

@test "a machine that dies while it boots is noticed at once" {
    rm "$STUBS/host-key"
    (
        until [[ -s "$VM_DIRECTORY/pid" ]]; do sleep 0.1; done
        kill -9 "$(cat "$VM_DIRECTORY/pid")"
    ) 3>&- &
    run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *'QEMU ended while the machine was booting'* ]]
    ((SECONDS < 30))
}
