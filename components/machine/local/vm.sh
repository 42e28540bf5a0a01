#!/usr/bin/env bash
# A QEMU machine on the operator's computer: vm.sh apply|status|delete
#
# `apply` makes the machine what the settings say, from any state it is in, and returns when SSH shows its host key.
# Settings are environment variables:
#   VM_NAME VM_USER VM_CPUS VM_MEMORY_MIB VM_DISK_GIB VM_SSH_PORT
#   VM_API_PORT (empty: no port leads to a Kubernetes API)
#   VM_SEGMENT, the name of the network segment that the machines of a cluster share, and VM_SEGMENT_ADDRESS,
#   ADDRESS/BITS on it (both empty: none)
#   VM_IMAGE (a path), or VM_IMAGE_URL with VM_IMAGE_SHA512 or VM_IMAGE_SHA256
#   VM_ACCELERATOR auto|kvm|tcg, VM_BOOT (a number), VM_HOSTNAME (default: VM_NAME, as far as it can be one)
#   VM_TIMEOUT_SECONDS for all of `apply` (default 600), of which VM_STOP_SECONDS for a shutdown (default 180)
#   VM_DIRECTORY (default ${XDG_STATE_HOME:-$HOME/.local/state}/kata-cluster/$VM_NAME)
# Standard input of `apply` is {"userPublicKey","hostPrivateKey","hostPublicKey"}. `status` and `delete` read none and
# need VM_NAME only.
#
# Files in VM_DIRECTORY:
#   pid           process id of QEMU, while it runs; stale after a restart of the computer
#   boot          the VM_BOOT that was last started. `apply` runs again when its settings change, so whoever finds the
#                 process gone passes VM_BOOT = boot + 1
#   command       QEMU's arguments and the seed's digest, as last started: what differs from them restarts the machine
#   accelerator   kvm or tcg, as last started
#   disk.qcow2    the machine's disk, an overlay on the image; disk.qcow2.image says which
#   host-key.pub  the machine's public host key, which tells whose it is
#   seed.iso      cloud-init's settings, with the host key: readable by the owner only
#   console.log   what the machine wrote to its serial console since it was started
#   panic.log     the same of an earlier start that ended in a kernel panic
#   qmp.in/.out   FIFOs, QEMU's machine protocol
#   lock          held by a running `apply` or `delete`
set -euo pipefail
umask 077

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in lib image seed probe qemu; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

apply() {
    local secrets user_key host_key host_public seed wanted on='' emulated=false
    secrets=$(cat)
    user_key=$(secret_field userPublicKey "$secrets")
    host_key=$(secret_field hostPrivateKey "$secrets")
    host_public=$(secret_field hostPublicKey "$secrets")
    check_settings
    require_tools

    lock "$VM_DIRECTORY/lock" "$(seconds_left)"
    require_own "$host_public"
    ! running >/dev/null || on=$(cat "$VM_DIRECTORY/accelerator")
    get_image
    check_disk
    choose_accelerator "$on"
    warn_of_emulation
    qemu_arguments
    set -- "$user_key" "$host_key" "$host_public"
    seed=$(seed_digest "$@")
    wanted=$(printf '%s\n' "${QEMU_ARGUMENTS[@]}" "seed $seed")

    if [[ -z "$on" || "$wanted" != "$(cat "$VM_DIRECTORY/command" 2>/dev/null)" ]] || disk_grows; then
        # Before a running machine is stopped for nothing.
        require_own_or_free_port "$on" "$VM_SSH_PORT" sshPort
        [[ -z "${VM_API_PORT:-}" ]] || require_own_or_free_port "$on" "$VM_API_PORT" apiPort
        stop_machine "$VM_STOP_SECONDS"
        converge_disk
        boot "$seed" "$@"
        printf '%s\n' "$wanted" >"$VM_DIRECTORY/command"
        echo "$ACCELERATOR" >"$VM_DIRECTORY/accelerator"
    fi
    # Before the wait: if it fails, the next run differs in VM_BOOT and so waits again.
    echo "$VM_BOOT" >"$VM_DIRECTORY/boot"
    wait_for_ssh "$seed" "$@"
    [[ $ACCELERATOR == kvm ]] || emulated=true
    printf '{"name":"%s","accelerator":"%s","emulated":%s,"sshPort":%s,"apiPort":%s,"qemuVersion":"%s"}\n' \
        "$VM_NAME" "$ACCELERATOR" "$emulated" "$VM_SSH_PORT" "${VM_API_PORT:-null}" "$(qemu_version)"
}

# A stack makes its host key once. Another one than at the first apply is another stack's: it would log itself in to
# this machine, and delete it with its own.
require_own() {
    local owner=$VM_DIRECTORY/host-key.pub
    [[ ! -e "$owner" || "$(cat "$owner")" == "$1" ]] ||
        fail "$VM_DIRECTORY holds the machine of another stack (it has another host key)" \
            'destroy that stack first, or give this cluster or this stack another name'
    printf '%s\n' "$1" >"$owner"
}

check_settings() {
    VM_TIMEOUT_SECONDS=${VM_TIMEOUT_SECONDS:-600} VM_STOP_SECONDS=${VM_STOP_SECONDS:-180}
    local number
    VM_HOSTNAME=${VM_HOSTNAME:-$(hostname_of "$VM_NAME")}
    setting VM_HOSTNAME '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?' 'an RFC 1123 label'
    setting VM_USER '[a-z_][a-z0-9_-]{0,31}' 'a user name'
    for number in VM_CPUS VM_MEMORY_MIB VM_DISK_GIB VM_SSH_PORT VM_TIMEOUT_SECONDS; do
        setting "$number" '[1-9][0-9]{0,6}' 'a positive number'
    done
    setting VM_API_PORT '([1-9][0-9]{0,6})?' 'a positive number or nothing'
    setting VM_SEGMENT '([A-Za-z0-9][A-Za-z0-9._-]{0,199})?' 'a name or nothing'
    [[ -z "${VM_SEGMENT:-}" ]] || setting VM_SEGMENT_ADDRESS '([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}' 'an address with its bits'
    setting VM_STOP_SECONDS '[0-9]{1,6}' 'a number'
    setting VM_BOOT '[0-9]{1,9}' 'a number'
    setting VM_ACCELERATOR 'auto|kvm|tcg' 'auto, kvm or tcg'
    [[ "$VM_SSH_PORT" != "${VM_API_PORT:-}" ]] || fail "sshPort and apiPort are both $VM_SSH_PORT" 'set machines.local.apiPort to another port'
    [[ -z "${VM_IMAGE:-}" ]] || return 0
    setting VM_IMAGE_URL 'https?://[^[:space:]]+' 'a URL, and VM_IMAGE is not set'
    if [[ -n "${VM_IMAGE_SHA512:-}" ]]; then
        setting VM_IMAGE_SHA512 '[0-9a-f]{128}' '128 lower-case hexadecimal digits'
    else
        setting VM_IMAGE_SHA256 '[0-9a-f]{64}' '64 lower-case hexadecimal digits'
    fi
}

# Of the time for all of `apply`, which began with this shell.
seconds_left() { echo $((VM_TIMEOUT_SECONDS - SECONDS)); }

warn_of_emulation() {
    [[ $ACCELERATOR == tcg ]] || return 0
    say 'warning: the machine is emulated (TCG), many times slower than with KVM; allow minutes for each step'
    # Seen: guests within the machine hang or reset it, whatever npt is (QEMU 10.0).
    [[ "$(qemu_version)" == 7.* || $ARCHITECTURE != x86_64 ]] ||
        say "warning: under TCG, guests within the machine are known to be stable with QEMU 7.2; this is $(qemu_version)"
}

qemu_version() { "qemu-system-$ARCHITECTURE" --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'; }

hostname_of() { tr 'A-Z._' 'a-z--' <<<"${1:0:63}" | sed 's/-*$//'; }

disk_grows() { (($(image_property virtual-size "$DISK") < $(wanted_bytes))); }

# require_own_or_free_port RUNNING_ON PORT ARGUMENT
require_own_or_free_port() {
    [[ -z "$1" ]] || ! grep -q "127\.0\.0\.1:$2-:" "$VM_DIRECTORY/command" || return 0
    require_free_port "$2" "$3"
}

delete() {
    [[ -d "$VM_DIRECTORY" ]] || return 0
    lock "$VM_DIRECTORY/lock" "${VM_TIMEOUT_SECONDS:-600}"
    # QEMU is asked to end, not the guest: what that would save is deleted anyway.
    stop_machine 0
    (
        cd "$VM_DIRECTORY"
        rm -rf seed
        rm -f pid boot command accelerator host-key.pub console.log panic.log qmp.in qmp.out seed.iso seed.iso.part seed.iso.part.iso \
            disk.qcow2 disk.qcow2.image disk.qcow2.part lock
    )
    rmdir "$VM_DIRECTORY" 2>/dev/null || say "$VM_DIRECTORY is kept, for it holds files that are not the machine's"
    say 'deleted'
}

status() {
    local boot=0 running=false
    ! running >/dev/null || running=true
    [[ ! -s "$VM_DIRECTORY/boot" ]] || boot=$(cat "$VM_DIRECTORY/boot")
    printf '{"running":%s,"boot":%s}\n' "$running" "$boot"
}

# It names a folder and the QEMU process. It may be a Pulumi stack's name, in whole or in part.
setting VM_NAME '[A-Za-z0-9][A-Za-z0-9._-]{0,199}' 'a name of letters, digits, ".", "_" and "-"'
ARCHITECTURE=$(host_architecture)
VM_DIRECTORY=${VM_DIRECTORY:-${XDG_STATE_HOME:-$HOME/.local/state}/kata-cluster/$VM_NAME}
[[ "$VM_DIRECTORY" == /* ]] || VM_DIRECTORY=$PWD/$VM_DIRECTORY
# shellcheck disable=SC2034 # the other files use them
DISK=$VM_DIRECTORY/disk.qcow2 SEED=$VM_DIRECTORY/seed.iso
case ${1:-} in
    apply | status | delete) "$1" ;;
    *)
        echo 'usage: vm.sh apply|status|delete' >&2
        exit 2
        ;;
esac
