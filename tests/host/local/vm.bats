#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# vm.sh and keys.sh with a stand-in for QEMU. With the real one: qemu.bats, guest.vm.bats.

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

@test "keys.sh prints two key pairs that belong together, and leaves no file" {
    export TMPDIR=$BATS_TEST_TMPDIR/empty
    mkdir "$TMPDIR"
    bash "$LOCAL/keys.sh" user host >"$BATS_TEST_TMPDIR/keys"
    [ -z "$(ls -A "$TMPDIR")" ]
    for pair in user host; do
        (umask 077 && jq -r ".$pair.privateKey" "$BATS_TEST_TMPDIR/keys" >"$TMPDIR/$pair")
        [ "$(ssh-keygen -y -f "$TMPDIR/$pair")" = "$(jq -r ".$pair.publicKey" "$BATS_TEST_TMPDIR/keys")" ]
    done
    run ! cmp -s "$TMPDIR/user" "$TMPDIR/host"
}

@test "apply makes the machine; a second apply does nothing; both print the same" {
    first=$(vm apply)
    [ "$first" = "{\"name\":\"$VM_NAME\",\"accelerator\":\"tcg\",\"emulated\":true,\"sshPort\":$VM_SSH_PORT,\"apiPort\":$VM_API_PORT,\"qemuVersion\":\"7.2.22\"}" ]
    [ "$(vm status)" = '{"running":true,"boot":1}' ]
    [ "$(vm apply)" = "$first" ]
    [ "$(starts)" -eq 1 ]
    [ "$(qemu-img info -U --output=json "$VM_DIRECTORY/disk.qcow2" | jq '."virtual-size"')" -eq $((4 << 30)) ]
    [ "$(stat -c %a "$VM_DIRECTORY" "$VM_DIRECTORY/seed.iso" | xargs)" = '700 600' ]
}

@test "a machine whose kernel panics while it boots is started again, three times at most, by a seed that sets it up anew" {
    echo 1 >"$STUBS/panics"
    vm apply
    first=$(isoinfo -R -i "$VM_DIRECTORY/seed.iso" -x /meta-data)
    touch "$STUBS/told"
    echo 2 >"$STUBS/panics"
    VM_BOOT=2 run vm apply
    [ "$status" -eq 0 ]
    [ "$(starts)" -eq 2 ]
    kill_machine
    VM_BOOT=2 run vm apply
    [ "$status" -eq 0 ]
    [[ "$output" == *"its kernel panicked while it was booting; starting it again (2 of 3)"* ]]
    [ "$(starts)" -eq 5 ]
    grep -q 'Kernel panic' "$VM_DIRECTORY/panic.log"
    [[ "$first" == *instance-id:* && "$(isoinfo -R -i "$VM_DIRECTORY/seed.iso" -x /meta-data)" != "$first" ]]
    rm "$STUBS/told"
    echo 9 >"$STUBS/panics"
    kill_machine
    VM_BOOT=3 VM_TIMEOUT_SECONDS=15 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"Kernel panic - not syncing: x"*"has not shown the host key"* ]]
    [ "$(starts)" -eq 9 ]
}

@test "a machine of the same name that another stack made is left alone" {
    vm apply
    bash "$LOCAL/keys.sh" user host | input_of >"$INPUT.other"
    INPUT=$INPUT.other VM_BOOT=2 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"holds the machine of another stack"*"Fix: destroy that stack first"* ]]
    [ "$(starts)" -eq 1 ]
    [ "$(vm status)" = '{"running":true,"boot":1}' ]
}

@test "ports are forwarded on 127.0.0.1 only, and no key is in the command line or the log" {
    vm apply 2>"$BATS_TEST_TMPDIR/log"
    command=$(cat "$STUBS/started")
    [[ "$command" == *"hostfwd=tcp:127.0.0.1:$VM_SSH_PORT-:22,hostfwd=tcp:127.0.0.1:$VM_API_PORT-:6443 "* ]]
    [ "$(grep -o hostfwd <<<"$command" | wc -l)" -eq 2 ]
    secret=$(jq -r .hostPrivateKey "$INPUT" | sed -n 2p)
    [ "${#secret}" -gt 50 ]
    run ! grep -rF "$secret" "$STUBS/started" "$BATS_TEST_TMPDIR/log" "$VM_DIRECTORY/command"
    [ ! -e "$VM_DIRECTORY/seed" ]
}

@test "a cluster's machines share a segment on the loopback interface, each with its own address; no other cluster is on it" {
    export VM_SEGMENT=project-stack-lab
    VM_SEGMENT_ADDRESS=192.168.241.10/24 vm apply
    isoinfo -R -i "$VM_DIRECTORY/seed.iso" -x /network-config >"$BATS_TEST_TMPDIR/network-config"
    (cd "$LOCAL" && node -p 'JSON.stringify(require("yaml").parse(require("fs").readFileSync(process.argv[1], "utf8")))' "$BATS_TEST_TMPDIR/network-config") |
        jq -e '.version == 2 and .ethernets.outside.dhcp4 and .ethernets.outside.match.macaddress == "52:54:00:12:34:56" and
            .ethernets.segment.match.macaddress == "52:54:c0:a8:f1:0a" and .ethernets.segment.addresses == ["192.168.241.10/24"]'
    # A worker: another address on the same segment, and no way to an API.
    VM_API_PORT='' VM_SEGMENT_ADDRESS=192.168.241.11/24 run vm apply
    [[ "${lines[-1]}" == *'"apiPort":null'* ]]
    VM_SEGMENT=project-stack-other VM_SEGMENT_ADDRESS=192.168.241.10/24 vm apply
    mapfile -t commands <"$STUBS/started"
    for i in 0 1 2; do
        [[ "${commands[i]}" =~ mcast=(239\.19[2-5]\.[0-9]+\.[0-9]+:2[0-9]{4}),localaddr=127\.0\.0\.1 ]]
        group[i]=${BASH_REMATCH[1]}
    done
    [[ "${commands[0]}" == *'mac=52:54:00:12:34:56'*'mac=52:54:c0:a8:f1:0a'* ]]
    [[ "${commands[1]}" == *'mac=52:54:00:12:34:56'*'mac=52:54:c0:a8:f1:0b'* ]]
    [ "${group[0]}" = "${group[1]}" ]
    [ "${group[0]}" != "${group[2]}" ]
    [ "$(grep -o hostfwd <<<"${commands[1]}" | wc -l)" -eq 1 ]
}

@test "the seed pins user, key and host key, and keeps passwords and upgrades off" {
    VM_NAME=My_stack.lab vm apply
    seed=$BATS_TEST_TMPDIR/seed
    mkdir "$seed"
    for file in user-data meta-data; do
        isoinfo -R -i "$VM_DIRECTORY/seed.iso" -x "/$file" >"$seed/$file"
    done
    [[ "$(isoinfo -d -i "$VM_DIRECTORY/seed.iso")" == *"Volume id: cidata"* ]]
    for file in user-data meta-data; do
        (cd "$LOCAL" && node -p 'JSON.stringify(require("yaml").parse(require("fs").readFileSync(process.argv[1], "utf8")))' "$seed/$file") >"$seed/$file.json"
    done
    jq -e --slurpfile keys "$INPUT" --slurpfile meta "$seed/meta-data.json" '$keys[0] as $keys |
        .users[0].name == "kata" and .users[0].ssh_authorized_keys == [$keys.userPublicKey] and
        (.users[0].sudo | test("NOPASSWD")) and .users[0].lock_passwd and
        .ssh_keys.ed25519_private == $keys.hostPrivateKey and .ssh_keys.ed25519_public == $keys.hostPublicKey and
        .ssh_deletekeys and (.ssh_pwauth | not) and .disable_root and
        (.package_upgrade or .package_update | not) and
        .hostname == "my-stack-lab" and $meta[0]["local-hostname"] == .hostname and
        (.bootcmd[0] | startswith("accelerator=tcg\n") and test("npt=0"))' "$seed/user-data.json"
    VM_NAME=My_stack.lab vm delete
}

@test "more memory: the guest is asked to power off, and starts again on the same disk" {
    vm apply
    inode=$(stat -c %i "$VM_DIRECTORY/disk.qcow2")
    VM_MEMORY_MIB=2048 VM_BOOT=2 vm apply
    grep -q system_powerdown "$STUBS/qmp"
    [ "$(starts)" -eq 2 ]
    grep -q -- '-m 2048M' "$STUBS/started"
    [ "$(stat -c %i "$VM_DIRECTORY/disk.qcow2")" = "$inode" ]
    [ "$(vm status)" = '{"running":true,"boot":2}' ]
}

@test "a guest that does not power off is stopped all the same" {
    vm apply
    touch "$STUBS/deaf"
    VM_STOP_SECONDS=1 VM_CPUS=3 run vm apply
    [ "$status" -eq 0 ]
    [[ "$output" == *"has not powered off in 1 s"* ]]
    [ "$(starts)" -eq 2 ]
}

@test "a bigger disk grows, a smaller one is refused before anything stops" {
    vm apply
    VM_DISK_GIB=6 vm apply
    [ "$(qemu-img info -U --output=json "$VM_DIRECTORY/disk.qcow2" | jq '."virtual-size"')" -eq $((6 << 30)) ]
    VM_DISK_GIB=5 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"has 6 GiB and cannot shrink to 5. Fix: set machines.local.diskGib to at least that"* ]]
    [ "$(starts)" -eq 2 ]
    [[ "$(vm status)" == *true* ]]
}

@test "a disk below the image's size is refused" {
    VM_DISK_GIB=1 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"needs 2 GiB, the disk has 1. Fix: set machines.local.diskGib"* ]]
}

@test "the disk of another image is kept, not mixed with the new image" {
    vm apply
    qemu-img create -q -f qcow2 "$BATS_TEST_TMPDIR/other.qcow2" 2G
    VM_IMAGE=$BATS_TEST_TMPDIR/other.qcow2 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"made from another image"*"image.qcow2"*"other.qcow2"* ]]
}

@test "after a restart of the computer the machine is started again, even if another process has its number" {
    vm apply
    kill -9 "$(cat "$VM_DIRECTORY/pid")"
    sleep 300 3>&- &
    other=$!
    echo "$other" >"$VM_DIRECTORY/pid"
    [ "$(vm status 2>&1)" = '{"running":false,"boot":1}' ]
    VM_BOOT=2 vm apply
    [ "$(starts)" -eq 2 ]
    [ "$(vm status)" = '{"running":true,"boot":2}' ]
    echo "$other" >"$BATS_TEST_TMPDIR/pid"
    cp "$VM_DIRECTORY/pid" "$BATS_TEST_TMPDIR/ours"
    cp "$BATS_TEST_TMPDIR/pid" "$VM_DIRECTORY/pid"
    vm delete
    kill -0 "$other"
    kill "$other" "$(cat "$BATS_TEST_TMPDIR/ours")"
}

@test "status of a machine that is not there" {
    [ "$(vm status 2>&1)" = '{"running":false,"boot":0}' ]
    [ ! -e "$VM_DIRECTORY" ]
}

@test "delete removes process and files, twice, and neither the image nor a file of the user's" {
    vm apply
    pid=$(cat "$VM_DIRECTORY/pid")
    vm delete
    has_ended "$pid"
    [ ! -e "$VM_DIRECTORY" ]
    vm delete
    [ -f "$VM_IMAGE" ]
    vm apply
    echo mine >"$VM_DIRECTORY/notes"
    run vm delete
    [ "$status" -eq 0 ]
    [[ "$output" == *"is kept"* ]]
    [ "$(ls "$VM_DIRECTORY")" = notes ]
    rm -r "$VM_DIRECTORY"
}

@test "two applies at once start one machine" {
    vm apply 3>&- &
    first=$!
    vm apply
    wait "$first"
    [ "$(starts)" -eq 1 ]
}

@test "an apply that waited for a delete makes the machine anew" {
    vm apply
    (
        exec 9>>"$VM_DIRECTORY/lock"
        flock 9
        sleep 2
        rm -r "$VM_DIRECTORY/lock"
    ) 3>&- &
    sleep 0.5
    vm apply
    [ -s "$VM_DIRECTORY/pid" ]
    flock -n "$VM_DIRECTORY/lock" true
}

@test "without flock, perl locks" {
    for tool in $(compgen -c | sort -u); do
        [[ "$tool" == flock || -e "$STUBS/$tool" || ! "$(type -P "$tool")" ]] || ln -s "$(type -P "$tool")" "$STUBS/$tool"
    done
    PATH=$STUBS vm apply
    [ "$(starts)" -eq 1 ]
    flock "$VM_DIRECTORY/lock" sleep 4 3>&- &
    sleep 0.5
    PATH=$STUBS VM_TIMEOUT_SECONDS=2 run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"another run has held $VM_DIRECTORY/lock"* ]]
    wait
}
