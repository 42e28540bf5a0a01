#!/usr/bin/env bash
# Packages that Kubernetes and Kata call, kernel modules, sysctl, and no swap.
STEP=kernel
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

packages=(ca-certificates conntrack curl ethtool iproute2 iptables jq kmod nftables openssl socat zstd)
module_list=/etc/modules-load.d/kata-cluster.conf
kvm_list=/etc/modules-load.d/kata-cluster-kvm.conf
sysctl_list=/etc/sysctl.d/90-kata-cluster.conf

downloads() { :; }

apply() {
    write_marker "$STATE/cluster" "$CLUSTER_NAME"
    install_packages
    switch_swap_off
    load_modules
    set_sysctl
    status kernel "$(uname -r)"
}

reset() {
    local list
    for list in "$module_list" "$kvm_list" "$sysctl_list"; do
        remove_file "$list"
    done
    allow_swap
    rm -rf "$ROOT/etc/kata-cluster" "$ROOT/var/cache/kata-cluster"
    # All but the lock, which this run holds, and the bundle that it runs from.
    find "$STATE" -mindepth 1 -maxdepth 1 ! -name lock ! -name 'bundle.*' -exec rm -rf {} +
    log "packages stay; modules and sysctl values stay until the next boot"
    status removed true
}

# Nothing is asked of a mirror of packages when all are there, as on an air-gapped node.
install_packages() {
    local package there missing=()
    # It fails for those that dpkg has never heard of.
    there=$(dpkg-query --show --showformat='${Package}=${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
    for package in "${packages[@]}"; do
        [[ $'\n'$there$'\n' == *$'\n'"$package=installed"$'\n'* ]] || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0
    log "installing ${missing[*]}"
    # An earlier run that was killed may have left dpkg half way; this is quick when it did not.
    dpkg --configure -a >&2 || true
    apt_get update
    apt_get install --yes --no-install-recommends "${missing[@]}"
    changed=true
}

# apt waits for dpkg's lock by itself but not for that of its lists, and in both cases names who holds it.
apt_get() {
    local end=$((SECONDS + ${APT_SECONDS:-600})) output result
    while true; do
        result=0
        output=$(DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
            apt-get --quiet --option DPkg::Lock::Timeout=120 --option Acquire::Retries=3 "$@" 2>&1) || result=$?
        ((result != 0)) || return 0
        if ! grep -q 'Could not get lock' <<<"$output"; then
            tail -n 15 <<<"$output" >&2
            fail "apt-get $1 failed with status $result" "read apt's own words above; on a node without the internet install these packages beforehand: ${packages[*]}"
        fi
        output=$(grep -m 1 'Could not get lock' <<<"$output")
        ((SECONDS < end)) || fail "apt is locked for too long: $output" "wait for that process or end it, then run up again"
        log "waiting: $output"
        sleep "${RETRY_DELAY:-5}"
    done
}

# kubelet does not start beside swap. Units that systemd makes of /etc/fstab or of zram are masked, so that the file
# stays as its owner wrote it and swap stays off after a boot.
switch_swap_off() {
    local unit masked=$STATE/masked-swap
    for unit in $(systemctl list-units --all --plain --no-legend --type=swap | awk '{ print $1 }'); do
        [[ "$(systemctl is-enabled "$unit" 2>/dev/null)" != masked ]] || continue
        # Noted before it is done, so that reset also finds it after a kill in between.
        write_marker "$masked" "$( (
            cat "$masked" 2>/dev/null || true
            echo "$unit"
        ) | sort -u)"
        systemctl mask "$unit" >&2
        log "masked $unit"
        changed=true
    done
    if (($(wc -l <"$ROOT/proc/swaps") > 1)); then
        swapoff -a || fail "swap cannot be switched off" "free memory or remove swap from the machine, then run up again"
        log "switched swap off"
        changed=true
    fi
}

allow_swap() {
    local unit
    [[ -f "$STATE/masked-swap" ]] || return 0
    while read -r unit; do
        systemctl unmask "$unit" >&2
        changed=true
    done <"$STATE/masked-swap"
}

load_modules() {
    local module list modules
    list=$(mktemp)
    for module in kvm_intel kvm_amd; do
        # Preflight has loaded the one that fits the CPU.
        [[ ! -d "$ROOT/sys/module/$module" ]] || echo "$module" >>"$list"
    done
    if [[ -s "$list" ]]; then
        install_file 0644 "$list" "$kvm_list"
    fi
    rm -f "$list"
    install_file 0644 "$BUNDLE/files$module_list" "$module_list"
    mapfile -t modules < <(cat "$ROOT$kvm_list" "$ROOT$module_list" 2>/dev/null | grep -v '^#')
    # One by one only to tell which it is.
    modprobe --all "${modules[@]}" 2>/dev/null || for module in "${modules[@]}"; do
        modprobe "$module" ||
            fail "the kernel module $module cannot be loaded" "install the full kernel package (linux-image-amd64, or linux-modules-extra on Ubuntu), then reboot"
    done
}

set_sysctl() {
    local key value
    install_file 0644 "$BUNDLE/files$sysctl_list" "$sysctl_list"
    # It also fails for a line of someone else's, so what counts is what the kernel says then.
    systemctl restart systemd-sysctl.service || log "warning: systemd-sysctl reports an error"
    while IFS=' =' read -r key value; do
        [[ "$(<"$ROOT/proc/sys/${key//.//}")" == "$value" ]] ||
            fail "sysctl $key is $(<"$ROOT/proc/sys/${key//.//}") and must be $value" "look for a later file in /etc/sysctl.d that sets it"
    done < <(grep -v '^#' "$BUNDLE/files$sysctl_list")
}

dispatch "$@"
