#!/usr/bin/env bash
# A machine for the real host scripts: a root directory, stand-ins for the tools that would change a real one, and small
# releases in upstream's formats. The stand-ins find what they stand for in variables: $ROOT, $SERVICES (a directory with a
# file for each service that runs) and $CALLS, a file that has every call of one.
# To be sourced by what sets those, and STUBS, WWW and MADE: directories for the stand-ins, for the releases, and for what
# goes into these; and which has a function `list NAME VERSION FILE` that is told of every release.
# shellcheck disable=SC2016,SC2153,SC2154 # bodies of stand-ins, and the variables of the other one

FAKES=$(dirname "${BASH_SOURCE[0]}")

# A Debian 13 on an AMD machine with KVM, 8 GiB and no swap.
make_root() {
    mkdir -p "$ROOT"/{etc,opt,run/systemd/system,sys/fs/cgroup,sys/module/kvm_amd,dev/net,dev/shm,var/lib}
    mkdir -p "$ROOT"/proc/sys/{net/bridge,net/ipv4,kernel/random}
    printf 'ID=debian\nVERSION_ID="13"\n' >"$ROOT/etc/os-release"
    touch "$ROOT"/dev/{kvm,vhost-vsock,vhost-net,net/tun}
    printf 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm npt\n' >"$ROOT/proc/cpuinfo"
    printf 'MemTotal: 8388608 kB\nMemAvailable: 7000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n' >"$ROOT/proc/meminfo"
    printf 'Filename\tType\tSize\tUsed\tPriority\n' >"$ROOT/proc/swaps"
    echo "proc /proc proc rw 0 0" >"$ROOT/proc/mounts"
    echo 1 | tee "$ROOT"/proc/sys/net/{bridge/bridge-nf-call-iptables,bridge/bridge-nf-call-ip6tables,ipv4/ip_forward} >/dev/null
    echo 6.12.0-node >"$ROOT/proc/sys/kernel/osrelease"
    echo 11111111-1111-4111-8111-111111111111 >"$ROOT/proc/sys/kernel/random/boot_id"
}

# stub NAME: stdin is the body of a stand-in.
stub() {
    {
        echo '#!/usr/bin/env bash'
        printf 'echo "%s $*" >>"$CALLS"\n' "$1"
        cat
    } >"$STUBS/$1.new"
    chmod +x "$STUBS/$1.new"
    mv "$STUBS/$1.new" "$STUBS/$1"
}

make_stubs() {
    local name
    for name in modprobe swapoff apt-get dpkg journalctl ip umount; do
        stub "$name" </dev/null
    done
    stub systemctl <<'BODY'
verb=$1
shift
while [[ "${1:-}" == --* ]]; do shift; done
name=${1:-}
name=${name%.service}
case $verb in
    is-active) [[ -e "$SERVICES/$name" ]] ;;
    start | restart | reload-or-restart) touch "$SERVICES/$name" ;;
    stop | disable) rm -f "$SERVICES/$name" ;;
    list-units) cat "$SERVICES/../swap-units" 2>/dev/null || true ;;
    is-enabled) echo generated ;;
esac
BODY
    stub uname <<<'[[ "${1:-}" != -r ]] || { echo 6.12.0-node; exit; }
exec /usr/bin/uname "$@"'
    stub systemd-detect-virt <<<'echo "${VIRT:-kvm}"'
    stub nproc <<<'echo "${CPUS:-4}"'
    stub dpkg-query <<<'for package in "${@:3}"; do [[ " ${ABSENT:-} " == *" $package "* ]] || echo "$package=installed"; done
[[ -z "${ABSENT:-}" ]]'
    stub perl <<<'[[ -z "${NO_VM:-}" ]] || { echo "KVM_CREATE_VM: $NO_VM" >&2; exit 1; }'
    stub stat <<<'[[ "$1" != -fc ]] || { echo "${CGROUP:-cgroup2fs}"; exit; }
exec /usr/bin/stat "$@"'
    stub df <<<'case "$*" in
    *dev/shm) printf "Size\n%s\n" "${SHM_KIB-4194304}" ;;
    *) printf "Avail\n%s\n" "${DISK_KIB:-52428800}" ;;
esac'
    stub curl <<<'[[ "$*" != *--head* ]] || { printf "HTTP/1.1 200 OK\r\nDate: %s\r\n" "$(date -u -d "@$(($(date +%s) + ${SKEW:-0}))" "+%a, %d %b %Y %H:%M:%S GMT")"; exit; }
exec /usr/bin/curl "$@"'
    stub crictl <<<'[[ "$*" != *" info" ]] || echo "{\"runtimeHandlers\":[{\"name\":\"\"},{\"name\":\"runc\"},{\"name\":\"kata\"},{\"name\":\"untrusted\"}]}"'
}

# make_firewall: nft, whose table in the kernel is a file, $LIVE: the one of the machine, or of a namespace that `unshare`
# makes; and the service that loads the rules.
make_firewall() {
    stub nft <"$FAKES/nft.bash"
    stub unshare <<<'LIVE=$(mktemp) LOST="" exec "${@:2}"'
    mv "$STUBS/systemctl" "$STUBS/services"
    stub systemctl <<'BODY'
if [[ "$*" == "reload-or-restart kata-cluster-metadata" ]]; then
    [[ -z "${BROKEN:-}" && -e "$ROOT/etc/systemd/system/kata-cluster-metadata.service" ]] || exit 1
    nft -f "$ROOT/etc/kata-cluster/metadata.nft" || exit 1
fi
exec services "$@"
BODY
}

# program FILE BODY: an executable script at that path.
program() {
    mkdir -p "${1%/*}"
    printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
    chmod +x "$1"
}

# Releases in upstream's formats, of programs that are shell scripts.
make_releases() {
    local name made=$MADE
    rm -rf "$made"
    program "$made/containerd/bin/containerd" 'echo "containerd $*" >>"$CALLS"; [[ -z "${UNKNOWN_KEY:-}" ]] || echo "level=warning msg=\"Ignoring unknown key in TOML for plugin\" key=$UNKNOWN_KEY" >&2
grep -v "${LOST:-no such line}" "$2"'
    program "$made/containerd/bin/ctr" ':'
    program "$made/containerd/bin/containerd-shim-runc-v2" ':'
    tar -czf "$WWW/containerd.tar.gz" -C "$made/containerd" bin
    for name in runc kubelet kubeadm kubectl; do
        program "$WWW/$name.amd64" "echo $name"
        list "$name" 1.0.0 "$name.amd64"
    done
    program "$made/crictl/crictl" ':'
    tar -czf "$WWW/crictl.tgz" -C "$made/crictl" crictl
    program "$made/cni/bridge" ':'
    program "$made/cni/portmap" ':'
    touch "$made/cni/LICENSE"
    tar -czf "$WWW/cni.tgz" -C "$made/cni" .
    list containerd 2.3.4 containerd.tar.gz
    list crictl 1.36.0 crictl.tgz
    list cni-plugins 1.9.1 cni.tgz
    make_kata 4.1.0
}

# make_kata VERSION: a Kata release with the layout of the real one.
make_kata() {
    local kata=$MADE/kata/opt/kata
    rm -rf "$MADE/kata"
    program "$kata/runtime-rs/bin/containerd-shim-kata-v2" ':'
    mkdir -p "$kata/share/defaults/kata-containers/runtime-rs"
    echo "# vendor's $1" >"$kata/share/defaults/kata-containers/runtime-rs/configuration-qemu-runtime-rs.toml"
    echo "$1" >"$kata/VERSION"
    tar -C "$MADE/kata" -cf - ./opt | zstd -q >"$WWW/kata-$1.tar.zst"
    list kata "$1" "kata-$1.tar.zst"
}
