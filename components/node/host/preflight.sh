#!/usr/bin/env bash
# Refuses in seconds a machine that cannot become a node, before anything on it is changed. Needs only what Debian and
# Ubuntu always have. Checks everything and reports all that is wrong at once.
STEP=preflight
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/kvm.sh
source "$BUNDLE/kvm.sh"

problems=0
system=''

problem() {
    complain "$1" "$2"
    problems=$((problems + 1))
}

apply() {
    check_system
    check_size
    check_cgroup
    check_swap
    check_kvm
    check_devices
    check_shared_memory
    check_clock
    check_kubelet
    check_other_runtimes
    check_cluster
    if ((problems > 0)); then
        log "$problems problems, nothing on the node was changed"
        exit "$reported"
    fi
    local is_emulated=false
    ! emulated || is_emulated=true
    status system "$system" kernel "$(uname -r)" emulated "$is_emulated"
}

# Preflight changes nothing.
reset() {
    status removed true
}

# Sets system, as os-release names it.
check_system() {
    local ID='' VERSION_ID=''
    if [[ -f "$ROOT/etc/os-release" ]]; then
        # shellcheck source=/dev/null
        source "$ROOT/etc/os-release"
    fi
    system="$ID $VERSION_ID"
    case $system in
        "debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
        *) problem "the system is ${ID:-unknown} ${VERSION_ID:-}" "use Debian 12 or 13, or Ubuntu 22.04 or 24.04" ;;
    esac
    case $(architecture) in
        amd64 | arm64) ;;
        *) problem "the architecture is $(architecture)" "use a machine of amd64 or arm64" ;;
    esac
    [[ -d "$ROOT/run/systemd/system" ]] ||
        problem "systemd does not run here" "use a virtual or real machine that boots with systemd, not a container"
}

check_size() {
    local cpus mib memory disk needed=$MIN_DISK_GIB
    cpus=$(nproc)
    ((cpus >= MIN_CPUS)) || problem "the machine has $cpus CPU" "give it at least $MIN_CPUS"
    memory_mib MemTotal
    memory=$mib
    ((memory >= MIN_MEMORY_MIB)) || problem "the machine has $memory MiB of memory" "give it at least $MIN_MEMORY_MIB MiB"
    # What we installed before has taken its share already.
    [[ ! -d "$STATE/installed" ]] || needed=1
    disk=$(($(disk_kib avail "$(existing "$ROOT/var/lib")") / 1048576))
    ((disk >= needed)) || problem "the disk of /var/lib has $disk GiB free" "free or add space, at least $needed GiB"
}

# memory_mib KEY: sets mib to what the kernel says of it. What cannot be read counts as nothing.
memory_mib() {
    local key kib
    mib=0
    [[ -r "$ROOT/proc/meminfo" ]] || return 0
    while read -r key kib _; do
        [[ "$key" != "$1:" ]] || mib=$((kib / 1024))
    done <"$ROOT/proc/meminfo"
}

# disk_kib FIELD DIRECTORY: what df says of it.
disk_kib() {
    (df --output="$1" -k "$2" 2>/dev/null || true) | awk 'NR == 2 { kib = $1 } END { print kib + 0 }'
}

# The nearest directory above that exists.
existing() {
    local directory=$1
    until [[ -d "$directory" ]]; do
        directory=${directory%/*}
    done
    echo "${directory:-/}"
}

check_cgroup() {
    local type
    type=$(stat -fc %T "$ROOT/sys/fs/cgroup" 2>/dev/null || echo none)
    [[ "$type" == cgroup2fs ]] ||
        problem "cgroup v2 is not in use (/sys/fs/cgroup is $type), kubelet refuses that" "boot without systemd.unified_cgroup_hierarchy=0"
}

# The kernel step switches swap off. What lies there must then fit into memory.
check_swap() {
    local mib used free
    memory_mib SwapTotal
    used=$mib
    memory_mib SwapFree
    used=$((used - mib))
    memory_mib MemAvailable
    free=$mib
    ((used <= free)) ||
        problem "$used MiB are swapped out and only $free MiB of memory are available, so swap cannot be switched off" "stop programs or add memory"
}

# QEMU keeps a guest's memory in /dev/shm for virtio-fs. One that does not fit fails as a vague vsock timeout.
check_shared_memory() {
    local guest=$KATA_MEMORY_MIB size
    [[ "${KATA_CONFIGURATION##*/}" == *qemu* ]] || return 0
    ! emulated || guest=$KATA_EMULATED_MEMORY_MIB
    size=$(($(disk_kib size "$ROOT/dev/shm") / 1024))
    ((size >= guest)) ||
        problem "/dev/shm holds $size MiB and a guest needs $guest MiB" "give the machine twice the guest's memory, make the guest smaller (kata.guestMemoryMib), or mount /dev/shm with a larger size= in /etc/fstab"
}

# Certificates and TLS need the right time. The server of the first download tells it.
check_clock() {
    local url date skew
    IFS=$'\t' read -r _ _ _ _ url <"$BUNDLE/downloads" || true
    date=$(server_date "$url")
    if [[ -z "$date" ]] || ! date=$(date -d "$date" +%s 2>/dev/null); then
        log "warning: the clock was not checked, for $url gave no date"
        return
    fi
    skew=$(($(date +%s) - date))
    ((${skew#-} <= 60)) ||
        problem "the clock is $skew s off that of ${url%"${url#*://*/}"}" "set it: timedatectl set-ntp true, or date -s"
}

# With a wrong clock no certificate is valid, so do not look at it: nothing but the date is taken from the answer.
server_date() {
    local headers=''
    if command -v curl >/dev/null; then
        headers=$(curl --silent --head --insecure --max-time 15 "$1" || true)
    elif command -v wget >/dev/null; then
        headers=$(wget --quiet --spider --server-response --no-check-certificate --tries=1 --timeout=15 "$1" 2>&1 || true)
    fi
    awk 'tolower($1) == "date:" { sub(/^[^:]*: */, ""); sub(/\r$/, ""); print; exit }' <<<"$headers"
}

# Flags that kubelet no longer has: it does not start with one of them.
check_kubelet() {
    local file flag
    for file in "$ROOT"/etc/systemd/system/kubelet.service.d/*.conf "$ROOT"/{usr/,}lib/systemd/system/kubelet.service.d/*.conf \
        "$ROOT/etc/default/kubelet" "$ROOT/var/lib/kubelet/kubeadm-flags.env"; do
        [[ -f "$file" ]] || continue
        flag=$(grep -oE -m 1 -e '^[^#]*--(container-runtime[= ]|network-plugin|allow-privileged|pod-infra-container-image|cni-(conf|bin|cache)-dir|docker-endpoint|image-pull-progress-deadline)' "$file" |
            grep -oE -e '--[a-z-]+' | tail -n 1) || continue
        problem "${file#"$ROOT"} gives kubelet the flag $flag, which it no longer has" "remove the flag or the file"
    done
}

# A node has one container runtime. One of ours gives way to another if the user has said so.
check_other_runtimes() {
    local service ours
    for service in docker crio containerd; do
        ours=false
        [[ ! -e "$STATE/files/etc/systemd/system/$service.service" ]] || ours=true
        if [[ "$ours" == false ]] && systemctl is-active --quiet "$service"; then
            problem "$service already runs here and was not installed by KataCluster" "remove it (apt-get purge, then reboot), or use another machine"
        elif [[ "$ours" == true && "$service" != "$CONTAINER_RUNTIME" && "$ALLOW_RUNTIME_CHANGE" != true ]]; then
            problem "the node runs $service, asked for is $CONTAINER_RUNTIME, and a change stops all its pods" "set containerRuntime back to $service, use another machine, or set allowDisruption.containerRuntime"
        fi
    done
}

# What must not be overwritten: a node of another cluster, and a control plane of another release.
check_cluster() {
    local owner image manifest=$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml
    owner=$(cat "$STATE/cluster" 2>/dev/null || true)
    [[ -z "$owner" || "$owner" == "$CLUSTER_NAME" ]] ||
        problem "the node belongs to the cluster \"$owner\"" "destroy that one first, or use another machine"
    [[ -f "$manifest" ]] || return 0
    image=$(grep -oE -m 1 'kube-apiserver:v[0-9.]+' "$manifest" || true)
    image=${image#*:v}
    [[ -z "$image" || "$image" == "$KUBERNETES_VERSION" ]] ||
        problem "the control plane here is Kubernetes $image, asked for is $KUBERNETES_VERSION, and upgrades are not supported yet" "set the version back to $image, or destroy the cluster and make a new one"
}

dispatch "$@"
