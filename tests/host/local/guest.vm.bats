#!/usr/bin/env bats
# One real machine from its first boot to its deletion. It needs a disk image with cloud-init, and minutes:
#   KATA_CLUSTER_TEST_IMAGE=node.qcow2 bats tests/host/local/guest.vm.bats
# Each test takes the machine as the one before left it.
bats_require_minimum_version 1.5.0

setup_file() {
    [[ -n "${KATA_CLUSTER_TEST_IMAGE:-}" ]] || return 0
    load machine
    machine_settings "$BATS_FILE_TMPDIR"
    export VM_NAME=bats-guest-$BATS_ROOT_PID VM_IMAGE=$KATA_CLUSTER_TEST_IMAGE VM_ACCELERATOR=auto
    export VM_MEMORY_MIB=2048 VM_DISK_GIB=6 VM_TIMEOUT_SECONDS=1500 VM_STOP_SECONDS=180 INPUT
    export LOGIN=$BATS_FILE_TMPDIR/login KNOWN_HOSTS=$BATS_FILE_TMPDIR/known_hosts
    (umask 077 && jq -r .user.privateKey "$BATS_FILE_TMPDIR/keys.json" >"$LOGIN")
    echo "[127.0.0.1]:$VM_SSH_PORT $(jq -r .host.publicKey "$BATS_FILE_TMPDIR/keys.json")" >"$KNOWN_HOSTS"
}

teardown_file() {
    load machine
    [[ -z "${KATA_CLUSTER_TEST_IMAGE:-}" ]] || vm delete
}

setup() {
    [[ -n "${KATA_CLUSTER_TEST_IMAGE:-}" ]] || skip 'KATA_CLUSTER_TEST_IMAGE is not set'
    load machine
}

guest() {
    ssh -i "$LOGIN" -p "$VM_SSH_PORT" -o "UserKnownHostsFile=$KNOWN_HOSTS" -o StrictHostKeyChecking=yes \
        -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=60 "$VM_USER@127.0.0.1" "$@"
}

# timed_apply NAME=VALUE...: apply, and how long it took.
timed_apply() {
    local start=$SECONDS
    env "$@" bash "$LOCAL/vm.sh" apply <"$INPUT" >"$BATS_FILE_TMPDIR/result"
    echo "# apply $*: $((SECONDS - start)) s, $(jq -r .accelerator "$BATS_FILE_TMPDIR/result")" >&3
}

@test "first boot: SSH shows the pinned host key and takes the user's key" {
    timed_apply VM_BOOT=1
    [ "$(guest id -un)" = "$VM_USER" ]
    [ "$(guest hostname)" = "$VM_NAME" ]
    [ "$(vm status)" = '{"running":true,"boot":1}' ]
}

@test "the user has password-free sudo, nobody has a password, no other host key is shown" {
    [ "$(guest sudo -n id -u)" = 0 ]
    [[ "$(guest sudo sshd -T)" == *'passwordauthentication no'* ]]
    [ -z "$(guest sudo awk -F: "'\$2 !~ /^[!*]/'" /etc/shadow)" ]
    [ "$(guest ls /etc/ssh | grep -c 'ssh_host_.*_key$')" -eq 1 ]
}

@test "the disk has the size that was asked for" {
    (($(guest df --output=size -BM / | tail -n 1 | tr -dc 0-9) > 5000))
}

@test "nested virtualization is there, with npt=0 if the machine is emulated" {
    guest test -c /dev/kvm
    if [ "$(jq -r .accelerator "$BATS_FILE_TMPDIR/result")" = tcg ] && [ "$(uname -m)" = x86_64 ]; then
        [[ "$(guest cat /sys/module/kvm_amd/parameters/npt)" == [N0] ]]
    fi
}

@test "pods cannot reach this computer's loopback interface, the machine can" {
    port=$(free_port)
    echo hello >"$BATS_TEST_TMPDIR/file"
    python3 -m http.server --bind 127.0.0.1 --directory "$BATS_TEST_TMPDIR" "$port" >/dev/null 2>&1 3>&- &
    server=$!
    # A network namespace behind a veth pair and NAT is what a pod is to the machine.
    run guest sudo bash -s "http://10.0.2.2:$port/file" <<'GUEST'
set -e
ip netns add pod
ip link add pod0 type veth peer name eth0 netns pod
ip addr add 10.244.9.1/24 dev pod0 && ip link set pod0 up
ip -n pod addr add 10.244.9.2/24 dev eth0 && ip -n pod link set eth0 up
ip -n pod route add default via 10.244.9.1
sysctl -qw net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s 10.244.9.0/24 -j MASQUERADE
echo "machine: $(curl -s --max-time 60 "$1")"
# That the pod's own network works is seen when the rule is away.
echo "pod: $(ip netns exec pod curl -s --max-time 60 "$1" || echo refused)"
ip rule del pref 101
echo "pod without the rule: $(ip netns exec pod curl -s --max-time 60 "$1" || echo refused)"
ip netns del pod
GUEST
    kill "$server"
    [ "$output" = $'machine: hello\npod: refused\npod without the rule: hello' ]
}

@test "an apply without a change does nothing" {
    pid=$(cat "$VM_DIRECTORY/pid")
    timed_apply VM_BOOT=1
    [ "$(cat "$VM_DIRECTORY/pid")" = "$pid" ]
}

@test "more memory and disk: the guest shuts down properly and comes back with its data" {
    guest sudo systemd-run --quiet --property=RemainAfterExit=yes --property='ExecStop=/usr/bin/touch\ /var/lib/proper' true
    boot=$(guest cat /proc/sys/kernel/random/boot_id)
    timed_apply VM_BOOT=1 VM_MEMORY_MIB=2560 VM_DISK_GIB=7
    [ "$(guest cat /proc/sys/kernel/random/boot_id)" != "$boot" ]
    guest test -e /var/lib/proper
    (($(guest free -m | awk '/^Mem:/ { print $2 }') > 2200))
    (($(guest df --output=size -BM / | tail -n 1 | tr -dc 0-9) > 6000))
    [ "$(guest ip rule | grep -c 10.0.2.2)" -eq 2 ]
}

@test "QEMU is gone, as after a restart of the computer: apply starts the machine again" {
    guest 'sudo touch /var/lib/kept && sync'
    kill -9 "$(cat "$VM_DIRECTORY/pid")"
    sleep 1
    [ "$(vm status)" = '{"running":false,"boot":1}' ]
    timed_apply VM_BOOT=2 VM_MEMORY_MIB=2560 VM_DISK_GIB=7
    guest test -e /var/lib/kept
    [[ "$(guest cat /sys/module/kvm_amd/parameters/npt 2>/dev/null)" != [Y1] ]]
    [ "$(vm status)" = '{"running":true,"boot":2}' ]
}

@test "delete leaves no process, port or file" {
    pid=$(cat "$VM_DIRECTORY/pid")
    vm delete
    has_ended "$pid"
    [ ! -e "$VM_DIRECTORY" ]
    run ! grep -E ":($VM_SSH_PORT|$VM_API_PORT) " <<<"$(ss -Hltn)"
    [ -f "$VM_IMAGE" ]
}
