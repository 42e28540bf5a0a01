#!/usr/bin/env bash
# Runs inside the new root file system (by chroot).
set -euo pipefail

echo 'LABEL=lab-root / ext4 errors=remount-ro 0 0' >/etc/fstab
echo localhost >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts

# Nobody can log in until cloud-init says who, and every machine makes its own identity.
passwd --lock root
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id

systemctl enable systemd-networkd systemd-resolved ssh
# What a node never needs, and what would run apt behind the bootstrap's back.
systemctl mask apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service man-db.timer fstrim.timer \
    systemd-networkd-wait-online.service systemd-timesyncd.service systemd-pcrlock-make-policy.service \
    systemd-tpm2-setup.service systemd-tpm2-setup-early.service systemd-binfmt.service getty@tty1.service \
    proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount cloud-init-hotplugd.socket

rm -f /boot/*.old /vmlinuz* /initrd.img*
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /var/log/* /usr/share/doc/* /usr/share/man/* /tmp/*

# Says that /etc and /var are as new as /usr: without, the first boot rebuilds the linker's cache and journal catalog.
touch --reference=/usr /etc/.updated /var/.updated
