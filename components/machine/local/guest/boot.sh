#!/bin/sh
# Runs in the machine, early on every boot (cloud-init's bootcmd), before SSH answers. `accelerator` is set before it.
# shellcheck disable=SC2154

# As the kubelet sets it later: half a kernel is no node.
echo 1 >/proc/sys/kernel/panic_on_oops

# On an emulated CPU a nested guest with nested page tables resets this machine; shadow paging is stable.
# https://docs.kernel.org/admin-guide/kernel-parameters.html: kvm-amd.npt
npt_wanted=Y
npt_option=/etc/modprobe.d/kata-cluster-emulated.conf
npt_parameter=/sys/module/kvm_amd/parameters/npt
rm -f "$npt_option"
if [ "$accelerator" = tcg ]; then
    npt_wanted=N
    echo 'options kvm_amd npt=0' >"$npt_option"
fi
# udev has mostly loaded the module by now. Nothing uses it yet.
if [ -r "$npt_parameter" ] && ! tr 10 YN <"$npt_parameter" | grep -qx "$npt_wanted"; then
    modprobe -r kvm_amd && modprobe kvm_amd
fi

# Where one emulated CPU patches code that another one runs, that one trips over it now and then (QEMU 7.2), and the kernel
# panics. At its first netfilter hooks it patches what every packet runs through: here, before there is traffic.
if [ "$accelerator" = tcg ] && command -v nft >/dev/null; then
    for family in ip ip6; do
        nft add table "$family" kata-cluster-emulated
        for hook in prerouting input forward output postrouting; do
            nft add chain "$family" kata-cluster-emulated "$hook" "{ type filter hook $hook priority 0; }"
        done
    done
fi

# 10.0.2.2 is the loopback interface of the operator's computer. The machine itself may go there (a mirror may be
# there), what it forwards for pods may not. "protocol kernel" keeps systemd-networkd from removing the rules.
if ! ip rule show | grep -q '^100:'; then
    ip rule add pref 100 iif lo to 10.0.2.2 protocol kernel lookup main
    ip rule add pref 101 to 10.0.2.2 protocol kernel prohibit
fi
