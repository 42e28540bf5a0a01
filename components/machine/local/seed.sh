#!/usr/bin/env bash
# The seed: a small ISO labelled cidata, from which cloud-init (its NoCloud data source) sets the machine up.
set -euo pipefail

# Prints the first ISO maker there is. macOS has hdiutil.
iso_maker() {
    local tool
    for tool in genisoimage xorrisofs mkisofs hdiutil; do
        if command -v "$tool"; then
            return
        fi
    done
    return 1
}

indent() { sed "s/^/$1/"; }

# user_data USER_PUBLIC_KEY HOST_PRIVATE_KEY HOST_PUBLIC_KEY: https://cloudinit.readthedocs.io/en/latest/reference/
user_data() {
    cat <<YAML
#cloud-config
hostname: $VM_HOSTNAME
manage_etc_hosts: localhost
users:
  - name: $VM_USER
    shell: /bin/bash
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    lock_passwd: true
    ssh_authorized_keys:
      - "$1"
disable_root: true
ssh_pwauth: false
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
$(indent '    ' <<<"$2")
  ed25519_public: "$3"
growpart:
  mode: auto
  devices: ["/"]
package_update: false
package_upgrade: false
bootcmd:
  - |
    accelerator=$ACCELERATOR
$(indent '    ' <"$HERE/guest/boot.sh")
YAML
}

# Both interfaces by their addresses, for their names depend on the image. Without a segment cloud-init does what it
# always does: DHCP. https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v2.html
network_config() {
    [[ -n "${VM_SEGMENT:-}" ]] || return 0
    cat <<YAML
version: 2
ethernets:
  outside:
    match: {macaddress: "$OUTSIDE_MAC"}
    set-name: outside
    dhcp4: true
  segment:
    match: {macaddress: "$(segment_mac)"}
    set-name: segment
    dhcp4: false
    addresses: ["$VM_SEGMENT_ADDRESS"]
YAML
}

# Prints what the seed will hold, so that a change of it can be seen.
seed_digest() {
    digest 256 <(user_data "$@" && network_config)
}

# make_seed DIGEST USER_PUBLIC_KEY HOST_PRIVATE_KEY HOST_PUBLIC_KEY
#
# cloud-init takes a machine with another instance-id as new: it sets user and host key anew, and leaves the rest of the
# disk alone. It is another one at each start, for a machine that went off soon after its first boot may have lost them:
# cloud-init writes its own marks before all else is on the disk.
make_seed() {
    local source=$VM_DIRECTORY/seed maker
    maker=$(iso_maker)
    rm -rf "$source" "$SEED.part"
    mkdir "$source"
    printf 'instance-id: %s-%s-%s\nlocal-hostname: %s\n' "$VM_NAME" "${1:0:12}" "$(date +%s)$RANDOM" "$VM_HOSTNAME" >"$source/meta-data"
    shift
    user_data "$@" >"$source/user-data"
    [[ -z "${VM_SEGMENT:-}" ]] || network_config >"$source/network-config"
    case $maker in
        */hdiutil) hdiutil makehybrid -quiet -iso -joliet -default-volume-name cidata -o "$SEED.part.iso" "$source" &&
            mv "$SEED.part.iso" "$SEED.part" ;;
        *) "$maker" -quiet -input-charset utf-8 -volid cidata -joliet -rock -output "$SEED.part" "$source" ;;
    esac >&2
    rm -rf "$source"
    mv "$SEED.part" "$SEED"
}
