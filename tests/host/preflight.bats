#!/usr/bin/env bats
# preflight.sh: each fault alone, then all at once
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    echo $'kubelet\t1.36.4\tamd64\t00\thttps://files.test/kubelet' >"$BUNDLE/downloads"
}

passes() {
    run_script preflight apply
    succeed
}

# refuses CAUSE FIX: exactly one problem, with that cause and fix.
refuses() {
    run_script preflight apply
    failing "kata-cluster: node lab-0, step preflight: $1" "Fix: $2" "1 problems, nothing on the node was changed"
    [ "$(grep -c '^kata-cluster:' <<<"$output")" -eq 1 ]
}

@test "a good machine passes, and preflight changes nothing" {
    before=$(tree)
    passes
    [ "${lines[-1]}" = '{"step":"preflight","changed":false,"system":"debian 13","kernel":"6.12.0-node","emulated":false}' ]
    [ "$(tree)" = "$before" ]
}

@test "every supported system passes, on arm64 too" {
    for system in "debian 12" "debian 13" "ubuntu 22.04" "ubuntu 24.04"; do
        printf 'ID=%s\nVERSION_ID="%s"\n' "${system% *}" "${system#* }" >"$ROOT/etc/os-release"
        passes
        says "\"system\":\"$system\",\"kernel\":\"6.12.0-node\""
    done
    stub uname <<<'[[ "$1" == -r ]] && echo 6.12.0-arm || echo aarch64'
    printf 'processor : 0\nFeatures : fp asimd\n' >"$ROOT/proc/cpuinfo"
    passes
    says '"kernel":"6.12.0-arm"'
}

@test "another system" {
    printf 'ID=fedora\nVERSION_ID=44\n' >"$ROOT/etc/os-release"
    refuses "the system is fedora 44" "use Debian 12 or 13, or Ubuntu 22.04 or 24.04"
    printf 'ID=debian\nVERSION_ID="11"\n' >"$ROOT/etc/os-release"
    refuses "the system is debian 11" "use Debian 12 or 13"
    # As on Debian testing.
    echo ID=debian >"$ROOT/etc/os-release"
    refuses "the system is debian " "use Debian 12 or 13"
    rm "$ROOT/etc/os-release"
    refuses "the system is unknown" "use Debian 12 or 13"
}

@test "another architecture" {
    stub uname <<<'echo riscv64'
    refuses "the architecture is riscv64" "use a machine of amd64 or arm64"
}

@test "no systemd" {
    rm -r "$ROOT/run/systemd"
    refuses "systemd does not run here" "use a virtual or real machine"
}

@test "too few CPUs" {
    CPUS=1 refuses "the machine has 1 CPU" "give it at least 2"
}

@test "too little memory" {
    sed -i 's/MemTotal: .*/MemTotal: 1000000 kB/' "$ROOT/proc/meminfo"
    refuses "the machine has 976 MiB of memory" "give it at least 1700 MiB"
    printf 'MemAvailable: 7000000 kB\n' >"$ROOT/proc/meminfo"
    refuses "the machine has 0 MiB of memory" "give it at least 1700 MiB"
}

@test "too little disk; less is needed where it is installed" {
    DISK_KIB=5000000 refuses "the disk of /var/lib has 4 GiB free" "free or add space, at least 10 GiB"
    mkdir -p "$STATE/installed"
    DISK_KIB=5000000 passes
    DISK_KIB=500000 refuses "the disk of /var/lib has 0 GiB free" "free or add space, at least 1 GiB"
    stub df <<<'[[ "$*" != *dev/shm ]] || printf "Size\n4194304\n"'
    refuses "the disk of /var/lib has 0 GiB free" "free or add space"
}

@test "cgroup v1" {
    CGROUP=tmpfs refuses "cgroup v2 is not in use (/sys/fs/cgroup is tmpfs)" "boot without"
    stub stat <<<'exit 1'
    refuses "cgroup v2 is not in use (/sys/fs/cgroup is none)" "boot without"
}

@test "swap that does not fit into memory; swap that does passes" {
    printf 'MemTotal: 8388608 kB\nMemAvailable: 1000000 kB\nSwapTotal: 4194304 kB\nSwapFree: 2097152 kB\n' >"$ROOT/proc/meminfo"
    refuses "2048 MiB are swapped out and only 976 MiB of memory are available" "stop programs or add memory"
    sed -i 's/SwapFree: .*/SwapFree: 4000000 kB/' "$ROOT/proc/meminfo"
    passes
}

@test "no /dev/kvm: a CPU that shows none, with a hint for the platform" {
    rm "$ROOT/dev/kvm"
    printf 'vendor_id\t: GenuineIntel\nflags\t\t: fpu sse\n' >"$ROOT/proc/cpuinfo"
    mkdir -p "$ROOT/sys/class/dmi/id"
    echo Google >"$ROOT/sys/class/dmi/id/sys_vendor"
    echo "Google Compute Engine" >"$ROOT/sys/class/dmi/id/product_name"
    refuses "there is no /dev/kvm, for the CPU shows no virtualization" "on Google Cloud use an Intel machine family"
    called "modprobe kvm_intel"
    echo QEMU >"$ROOT/sys/class/dmi/id/sys_vendor"
    echo "Standard PC" >"$ROOT/sys/class/dmi/id/product_name"
    refuses "there is no /dev/kvm" "give this virtual machine -cpu host"
    echo "Amazon EC2" >"$ROOT/sys/class/dmi/id/sys_vendor"
    refuses "there is no /dev/kvm" "on AWS"
    echo "VMware, Inc." >"$ROOT/sys/class/dmi/id/sys_vendor"
    refuses "there is no /dev/kvm" 'switch on "Expose'
    echo "Microsoft Corporation" >"$ROOT/sys/class/dmi/id/sys_vendor"
    echo "Virtual Machine" >"$ROOT/sys/class/dmi/id/product_name"
    refuses "there is no /dev/kvm" "on Hyper-V"
    echo "A vendor" >"$ROOT/sys/class/dmi/id/sys_vendor"
    refuses "there is no /dev/kvm" "switch on virtualization"
}

@test "no /dev/kvm though the CPU could: the module was asked for" {
    rm "$ROOT/dev/kvm"
    refuses "there is no /dev/kvm, though module kvm_amd was asked for" "look at: modprobe kvm_amd"
    # It comes with its module.
    stub modprobe <<<'[[ "$1" != kvm_amd ]] || touch "$ROOT/dev/kvm"'
    passes
}

@test "/dev/kvm that makes no virtual machine" {
    NO_VM="Input/output error" refuses "/dev/kvm is there but makes no virtual machine: KVM_CREATE_VM: Input/output error" "switch on"
}

@test "the KVM probe with a kernel of another API, and with one that makes no virtual machine" {
    rm "$STUBS/perl"
    # perl's ioctl is a kernel of the test's own.
    mkdir "$TEST/perl"
    cat >"$TEST/perl/Kernel.pm" <<'PERL'
package Kernel;
BEGIN {
    *CORE::GLOBAL::ioctl = sub (*$$) {
        return $ENV{KVM_API} if $_[1] == 0xAE00;
        return 5 if $_[1] == 0xAE01 && !$ENV{KVM_ERROR};
        $! = $ENV{KVM_ERROR} || 25;
        return undef;
    };
}
1;
PERL
    export PERL5LIB=$TEST/perl PERL5OPT=-MKernel
    KVM_API=11 refuses "/dev/kvm is there but makes no virtual machine: KVM API version 11" "switch on"
    KVM_API=12 KVM_ERROR=5 refuses "/dev/kvm is there but makes no virtual machine: KVM_CREATE_VM: Input/output error" "switch on"
    KVM_API=12 passes
    rm "$ROOT/dev/kvm"
    mkdir "$ROOT/dev/kvm"
    KVM_API=12 refuses "/dev/kvm is there but makes no virtual machine: open: Is a directory" "switch on"
}

@test "without perl nothing is believed of KVM" {
    stub perl <<<'echo "perl: command not found" >&2; exit 127'
    refuses "/dev/kvm is there but makes no virtual machine: perl: command not found" "switch on"
}

@test "the KVM probe itself, on this computer's own devices" {
    rm "$STUBS/perl" "$ROOT/dev/kvm"
    ln -s /dev/null "$ROOT/dev/kvm"
    refuses "/dev/kvm is there but makes no virtual machine: KVM_GET_API_VERSION: Inappropriate ioctl for device" "switch on"
    [ -w /dev/kvm ] || skip "no /dev/kvm here"
    ln -sf /dev/kvm "$ROOT/dev/kvm"
    passes
}

@test "each device and its module" {
    for pair in vhost-vsock:vhost_vsock vhost-net:vhost_net net/tun:tun; do
        rm "$ROOT/dev/${pair%:*}"
        refuses "there is no /dev/${pair%:*} and module ${pair#*:} cannot be loaded" "install the full kernel package"
        called "modprobe ${pair#*:}"
        # A name without a driver: opening it fails.
        mkdir "$ROOT/dev/${pair%:*}"
        refuses "/dev/${pair%:*} is there but cannot be opened (Is a directory)" "install the kernel package of the kernel that runs (module ${pair#*:})"
        rmdir "$ROOT/dev/${pair%:*}"
        touch "$ROOT/dev/${pair%:*}"
    done
}

@test "/dev/shm smaller than a guest; a guest on an emulated node is smaller; Cloud Hypervisor does not use it" {
    SHM_KIB=1000000 refuses "/dev/shm holds 976 MiB and a guest needs 2048 MiB" "give the machine twice the guest's memory"
    SHM_KIB=1000000 VIRT=qemu passes
    says '"emulated":true'
    SHM_KIB=400000 VIRT=qemu refuses "/dev/shm holds 390 MiB and a guest needs 512 MiB" "give the machine"
    SHM_KIB='' refuses "/dev/shm holds 0 MiB and a guest needs 2048 MiB" "give the machine"
    echo "KATA_CONFIGURATION=/opt/kata/share/defaults/kata-containers/runtime-rs/configuration-clh-runtime-rs.toml" >>"$BUNDLE/node.env"
    SHM_KIB=1000000 passes
}

@test "a clock that is off, either way; a minute is let through; no date is a warning" {
    SKEW=-7200 refuses "the clock is 720" "set it: timedatectl set-ntp true"
    says "s off that of https://files.test/"
    SKEW=7200 refuses "the clock is -7" "set it"
    SKEW=40 passes
    stub curl <<<'exit 6'
    passes
    says "warning: the clock was not checked"
}

@test "the clock is checked with wget too, and left with neither" {
    rm "$STUBS/curl"
    # A PATH without curl: only what preflight needs.
    mkdir "$TEST/bin"
    for tool in bash env awk cat cut date df dirname grep head nproc printf sed stat tail tr uname wc basename; do
        ln -s "$(command -v "$tool")" "$TEST/bin/$tool" 2>/dev/null || true
    done
    sed -i 's/^PATH=.*$/PATH=$PATH/' "$BUNDLE/lib.sh"
    run env PATH="$STUBS:$TEST/bin" bash "$BUNDLE/preflight.sh" apply
    succeed
    says "warning: the clock was not checked"
    stub wget <<<'echo "  HTTP/1.1 200 OK" >&2; echo "  Date: Mon, 06 Jan 2020 10:00:00 GMT" >&2; exit 8'
    run env PATH="$STUBS:$TEST/bin" bash "$BUNDLE/preflight.sh" apply
    failing "off that of https://files.test/"
}

@test "kubelet flags that are gone, in each place where they hide" {
    for place in etc/systemd/system/kubelet.service.d/0-cri.conf lib/systemd/system/kubelet.service.d/kata.conf \
        usr/lib/systemd/system/kubelet.service.d/x.conf etc/default/kubelet var/lib/kubelet/kubeadm-flags.env; do
        mkdir -p "$(dirname "$ROOT/$place")"
        printf '# --network-plugin=cni was here\nEnvironment="KUBELET_EXTRA_ARGS=--container-runtime=remote --runtime-request-timeout=15m"\n' >"$ROOT/$place"
        refuses "/$place gives kubelet the flag --container-runtime, which it no longer has" "remove the flag or the file"
        printf '# --network-plugin=cni was here\nEnvironment="KUBELET_EXTRA_ARGS=--container-runtime-endpoint=unix:///x --node-ip=1.2.3.4"\n' >"$ROOT/$place"
        passes
        rm "$ROOT/$place"
    done
}

@test "each kubelet flag that is gone" {
    mkdir -p "$ROOT/etc/default"
    for flag in --container-runtime --network-plugin --allow-privileged --pod-infra-container-image --cni-conf-dir --cni-bin-dir \
        --cni-cache-dir --docker-endpoint --image-pull-progress-deadline; do
        echo "KUBELET_EXTRA_ARGS=\"--node-ip=1.2.3.4 $flag=x --v=2\"" >"$ROOT/etc/default/kubelet"
        refuses "/etc/default/kubelet gives kubelet the flag $flag, which it no longer has" "remove the flag or the file"
    done
}

@test "another container runtime" {
    touch "$SERVICES/docker"
    refuses "docker already runs here and was not installed by KataCluster" "remove it"
    rm "$SERVICES/docker"
    touch "$SERVICES/crio"
    refuses "crio already runs here" "remove it"
    rm "$SERVICES/crio"
    touch "$SERVICES/containerd"
    refuses "containerd already runs here" "remove it"
    # Ours may run.
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/containerd.service"
    passes
}

@test "another container runtime of ours, running or not, gives way only if that is allowed" {
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/crio.service"
    refuses "the node runs crio, asked for is containerd, and a change stops all its pods" "set containerRuntime back to crio, use another machine, or set allowDisruption.containerRuntime"
    touch "$SERVICES/crio"
    refuses "the node runs crio, asked for is containerd" "set containerRuntime back"
    echo ALLOW_RUNTIME_CHANGE=true >>"$BUNDLE/node.env"
    passes
    cp "$GOLDEN/node-crio.env" "$BUNDLE/node.env"
    passes
    # Allowed is a change of ours only.
    touch "$SERVICES/containerd"
    echo ALLOW_RUNTIME_CHANGE=true >>"$BUNDLE/node.env"
    refuses "containerd already runs here and was not installed by KataCluster" "remove it"
}

@test "a node of another cluster; one of this cluster passes" {
    mkdir -p "$STATE"
    echo prod >"$STATE/cluster"
    refuses 'the node belongs to the cluster "prod"' "destroy that one first"
    echo lab >"$STATE/cluster"
    passes
}

@test "a control plane of another version; the same version passes" {
    mkdir -p "$ROOT/etc/kubernetes/manifests"
    echo "    image: registry.k8s.io/kube-apiserver:v1.35.1" >"$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml"
    refuses "the control plane here is Kubernetes 1.35.1, asked for is 1.36.4" "set the version back to 1.35.1"
    echo "    image: mirror:5000/registry.k8s.io/kube-apiserver:v1.36.4" >"$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml"
    passes
}

@test "everything wrong is reported at once" {
    rm -r "$ROOT/run/systemd" "$ROOT"/dev/{kvm,vhost-vsock,vhost-net,net/tun}
    printf 'ID=alpine\n' >"$ROOT/etc/os-release"
    printf 'vendor_id\t: GenuineIntel\nflags\t\t: fpu sse\n' >"$ROOT/proc/cpuinfo"
    printf 'MemTotal: 1000000 kB\nMemAvailable: 1000 kB\nSwapTotal: 4194304 kB\nSwapFree: 0 kB\n' >"$ROOT/proc/meminfo"
    mkdir -p "$ROOT/etc/default" "$STATE" "$ROOT/etc/kubernetes/manifests"
    echo 'KUBELET_EXTRA_ARGS=--pod-infra-container-image=pause' >"$ROOT/etc/default/kubelet"
    echo prod >"$STATE/cluster"
    touch "$SERVICES/docker"
    echo "    image: registry.k8s.io/kube-apiserver:v1.35.1" >"$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml"
    CPUS=1 DISK_KIB=1000 CGROUP=tmpfs SHM_KIB=1000 SKEW=9999 run_script preflight apply
    failing "alpine" "systemd" "1 CPU" "976 MiB of memory" "/var/lib has 0 GiB" "cgroup v2" "4096 MiB are swapped out" "/dev/kvm" \
        "/dev/vhost-vsock" "/dev/vhost-net" "/dev/net/tun" "/dev/shm holds 0 MiB" "the clock is" "--pod-infra-container-image" "docker" '"prod"' "1.35.1" \
        "17 problems, nothing on the node was changed"
    [ "$(grep -c '^kata-cluster: .*\. Fix: ' <<<"$output")" -eq 17 ]
}
