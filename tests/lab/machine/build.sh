#!/usr/bin/env bash
# Makes the lab's VM image: a bootable Debian disk with cloud-init, as cloud images are, out of Debian packages.
# Usage: build.sh SUITE MIRROR OUTPUT.qcow2   (as root; needs no loop device and mounts no disk)
set -euo pipefail

suite=$1 mirror=$2 output=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Beside what makes a cloud image: what the node bootstrap would otherwise fetch by apt.
packages=(
    systemd-sysv systemd-resolved dbus udev kmod openssh-server sudo cloud-init cloud-guest-utils fdisk
    linux-image-cloud-amd64 initramfs-tools zstd
    iproute2 iptables nftables conntrack ipset socat ethtool curl ca-certificates jq procps
)
label=lab-root
disk_mib=3072
# GRUB's core image lies in the gap before the first partition.
first_sector=2048

work=$(mktemp -d "${TMPDIR:-/tmp}/kata-cluster-machine.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root disk=$work/disk.raw

echo "Debian $suite root file system: ${#packages[@]} packages and what they need" >&2
# shellcheck disable=SC2016  # $1 is the hook's
mmdebstrap --mode=root --variant=minbase --format=directory --quiet \
    --include="$(
        IFS=,
        echo "${packages[*]}"
    )" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --essential-hook="copy-in $here/files/etc /" \
    --customize-hook="copy-in $here/configure.sh /tmp" --customize-hook='chroot "$1" bash /tmp/configure.sh' \
    "$suite" "$root" "$mirror" >&2

echo 'disk: partition table, ext4, GRUB' >&2
kernel=$(cd "$root/boot" && ls vmlinuz-*)
release=${kernel#vmlinuz-}
mkdir -p "$root/boot/grub"
# mitigations=off: the lab's machine is emulated on most computers, and each of them costs many times more there.
cat >"$root/boot/grub/grub.cfg" <<GRUB
set timeout=0
linux /boot/vmlinuz-$release root=LABEL=$label ro console=tty0 console=ttyS0,115200 quiet mitigations=off
initrd /boot/initrd.img-$release
boot
GRUB
grub-mkimage --format=i386-pc --output="$work/core.img" --prefix='(hd0,msdos1)/boot/grub' \
    biosdisk part_msdos ext2 normal linux

truncate --size="${disk_mib}M" "$disk"
sfdisk --quiet "$disk" <<<"start=$first_sector, type=83, bootable"
mke2fs -q -t ext4 -L "$label" -d "$root" -E "offset=$((first_sector * 512)),lazy_itable_init=1,lazy_journal_init=1" \
    "$disk" "$((disk_mib - first_sector * 512 / 1048576))M"
# GRUB's first stage by default loads what follows it, so writing both is all that an installation is.
dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=1 count=440 conv=notrunc status=none
dd if="$work/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
if (($(stat -c %s "$work/core.img") > (first_sector - 1) * 512)); then
    echo "GRUB's core image does not fit before the first partition" >&2
    exit 1
fi

qemu-img convert -f raw -O qcow2 "$disk" "$output.part"
mv "$output.part" "$output"
