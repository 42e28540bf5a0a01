#!/usr/bin/env bash
# Preflight's questions about virtualization: whether this machine can run virtual machines that Kata can talk to.
# To be sourced by preflight.sh, whose `problem` it calls.
set -euo pipefail

check_kvm() {
    local vendor answer
    vendor=$(kvm_module)
    [[ -z "$vendor" ]] || modprobe "$vendor" 2>/dev/null || true
    if [[ ! -e "$ROOT/dev/kvm" ]]; then
        if [[ "$(architecture)" == amd64 ]] && ! grep -qwE 'vmx|svm' "$ROOT/proc/cpuinfo"; then
            problem "there is no /dev/kvm, for the CPU shows no virtualization (neither vmx nor svm)" "$(virtualization_hint)"
        else
            problem "there is no /dev/kvm, though module ${vendor:-kvm} was asked for" "look at: modprobe ${vendor:-kvm}; dmesg | grep -i kvm. $(virtualization_hint)"
        fi
        return
    fi
    answer=$(create_vm "$ROOT/dev/kvm" 2>&1) ||
        problem "/dev/kvm is there but makes no virtual machine: $answer" "$(virtualization_hint)"
}

# A device node is no proof, so make a virtual machine: KVM_GET_API_VERSION (0xAE00) is 12 on every kernel since 2.6.22,
# KVM_CREATE_VM (0xAE01) needs working hardware. By perl, which is essential on Debian and Ubuntu; python3 is not.
create_vm() {
    perl -e '
        open(my $kvm, "+<", $ARGV[0]) or die "open: $!\n";
        my $version = ioctl($kvm, 0xAE00, 0) // die "KVM_GET_API_VERSION: $!\n";
        $version == 12 or die "KVM API version $version\n";
        defined(ioctl($kvm, 0xAE01, 0)) or die "KVM_CREATE_VM: $!\n";
    ' "$1"
}

virtualization_hint() {
    local vendor product
    vendor=$(cat "$ROOT/sys/class/dmi/id/sys_vendor" 2>/dev/null || true)
    product=$(cat "$ROOT/sys/class/dmi/id/product_name" 2>/dev/null || true)
    case "$vendor $product" in
        *"Google Compute Engine"*) echo "on Google Cloud use an Intel machine family (N1, N2, C2, C3, N4) with enableNestedVirtualization; E2, AMD and Arm have none" ;;
        *QEMU*) echo "give this virtual machine -cpu host, and its host kvm_intel nested=1 or kvm_amd nested=1" ;;
        *VMware*) echo "switch on \"Expose hardware assisted virtualization to the guest OS\" for this machine" ;;
        *"Microsoft Corporation Virtual Machine"*) echo "on Hyper-V: Set-VMProcessor -ExposeVirtualizationExtensions \$true; on Azure use a size with nested virtualization" ;;
        *Amazon*) echo "on AWS use a bare metal instance, or a type with nested virtualization switched on" ;;
        *) echo "switch on virtualization (VT-x or AMD-V, nested if this is a virtual machine) in the firmware or the hypervisor" ;;
    esac
}

# A name in /dev is no proof here either: udev makes these before their modules are loaded.
check_devices() {
    local module device answer
    for module in vhost_vsock:/dev/vhost-vsock vhost_net:/dev/vhost-net tun:/dev/net/tun; do
        device=${module#*:}
        module=${module%%:*}
        modprobe "$module" 2>/dev/null || true
        if [[ ! -e "$ROOT$device" ]]; then
            problem "there is no $device and module $module cannot be loaded" "install the full kernel package (linux-image-amd64, or linux-modules-extra on Ubuntu), then reboot"
        elif ! answer=$( (: <>"$ROOT$device") 2>&1); then
            problem "$device is there but cannot be opened (${answer##*: })" "install the kernel package of the kernel that runs (module $module), or reboot into the one that is installed"
        fi
    done
}

# The module for this CPU. On arm64 KVM is part of the kernel.
kvm_module() {
    case $(awk -F ': *' '/^vendor_id/ { print $2; exit }' "$ROOT/proc/cpuinfo") in
        GenuineIntel | CentaurHauls | *Shanghai*) echo kvm_intel ;;
        AuthenticAMD | HygonGenuine) echo kvm_amd ;;
    esac
}
