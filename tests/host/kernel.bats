#!/usr/bin/env bats
# kernel.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
}

@test "nothing is asked of apt when all packages are there" {
    run_script kernel apply
    succeed
    called_not apt-get
    says '"step":"kernel","changed":true'
}

@test "only missing packages are installed, without questions" {
    stub apt-get <<<'echo "frontend=$DEBIAN_FRONTEND" >>"$CALLS"'
    ABSENT="jq socat" run_script kernel apply
    succeed
    called "DPkg::Lock::Timeout=120 --option Acquire::Retries=3 update" "frontend=noninteractive" "install --yes --no-install-recommends jq socat"
}

@test "a lock of apt is waited for, with its holder named" {
    stub apt-get <<<'if [[ ! -e "$ROOT/../tried" ]]; then
    touch "$ROOT/../tried"
    echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (unattended-upgr)" >&2
    exit 100
fi'
    ABSENT=jq run_script kernel apply
    succeed
    says "waiting: E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (unattended-upgr)"
}

@test "a lock that stays fails with its holder named" {
    stub apt-get <<<'echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (dpkg)" >&2; exit 100'
    ABSENT=jq APT_SECONDS=1 RETRY_DELAY=1 run_script kernel apply
    failing "apt is locked for too long: E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (dpkg). Fix: wait for that process"
}

@test "what apt says is shown when it fails" {
    stub apt-get <<<'echo "E: Unable to locate package jq" >&2; exit 100'
    ABSENT=jq run_script kernel apply
    failing "E: Unable to locate package jq" "apt-get update failed with status 100. Fix: "
    [ "$(grep -c apt-get "$CALLS")" -eq 1 ]
}

@test "modules are loaded now and at each boot, with the one for this CPU" {
    run_script kernel apply
    succeed
    called "modprobe --all kvm_amd vhost_vsock vhost_net tun overlay br_netfilter"
    called_not kvm_intel
    [ "$(cat "$ROOT/etc/modules-load.d/kata-cluster-kvm.conf")" = kvm_amd ]
    grep -qx vhost_vsock "$ROOT/etc/modules-load.d/kata-cluster.conf"
}

@test "a module that cannot be loaded is named" {
    stub modprobe <<<'[[ "$*" != *br_netfilter* ]]'
    run_script kernel apply
    failing "the kernel module br_netfilter cannot be loaded. Fix: "
}

@test "sysctl values are set and checked" {
    run_script kernel apply
    succeed
    called "systemctl restart systemd-sysctl"
    echo 0 >"$ROOT/proc/sys/net/ipv4/ip_forward"
    run_script kernel apply
    failing "sysctl net.ipv4.ip_forward is 0 and must be 1. Fix: look for a later file in /etc/sysctl.d"
}

@test "swap is switched off and its units masked; fstab stays as it is" {
    printf '/dev/vda2 none swap sw 0 0\n' >"$ROOT/etc/fstab"
    printf 'dev-vda2.swap loaded active active Swap\ndev-zram0.swap loaded active active zram\n' >"$TEST/swap-units"
    printf '/dev/vda2 partition 4194300 0 -2\n' >>"$ROOT/proc/swaps"
    run_script kernel apply
    succeed
    called "systemctl mask dev-vda2.swap" "systemctl mask dev-zram0.swap" "swapoff -a"
    [ "$(cat "$ROOT/etc/fstab")" = "/dev/vda2 none swap sw 0 0" ]
    run_script kernel reset
    succeed
    called "systemctl unmask dev-vda2.swap" "systemctl unmask dev-zram0.swap"
}

@test "swap that cannot be switched off fails" {
    printf '/dev/vda2 partition 4194300 0 -2\n' >>"$ROOT/proc/swaps"
    stub swapoff <<<'exit 255'
    run_script kernel apply
    failing "swap cannot be switched off. Fix: "
}

@test "apply twice changes nothing the second time; reset leaves nothing of ours" {
    before=$(tree)
    run_script kernel apply
    succeed
    after=$(tree)
    run_script kernel apply
    succeed
    says '"changed":false'
    [ "$(tree)" = "$after" ]
    mkdir -p "$STATE/bundle.running" "$ROOT/var/cache/kata-cluster/downloads" "$ROOT/etc/kata-cluster"
    run_script kernel reset
    succeed
    rmdir "$STATE/bundle.running"
    [ "$(tree)" = "$before" ]
    run_script kernel reset
    succeed
}

@test "killed at any point, the next run converges" {
    printf 'dev-vda2.swap loaded active active Swap\n' >"$TEST/swap-units"
    anew() {
        rm -rf "$ROOT"
        make_root
    }
    kill_each anew kernel apply
}
