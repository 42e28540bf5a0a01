#!/usr/bin/env bash
# What the tests of local machines share.

LOCAL=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../components/machine/local" && pwd)

# A port that nothing listens on.
free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# Settings of a machine in a directory of this test, and its keys.
machine_settings() {
    export VM_NAME=bats-$BATS_ROOT_PID-$BATS_TEST_NUMBER VM_USER=kata VM_CPUS=2 VM_MEMORY_MIB=1024 VM_DISK_GIB=4 VM_BOOT=1
    export VM_ACCELERATOR=tcg VM_TIMEOUT_SECONDS=60 VM_STOP_SECONDS=5 VM_DIRECTORY=$1/machine XDG_CACHE_HOME=$1/cache
    VM_SSH_PORT=$(free_port) VM_API_PORT=$(free_port)
    export VM_SSH_PORT VM_API_PORT
    INPUT=$1/input.json
    bash "$LOCAL/keys.sh" user host >"$1/keys.json"
    input_of <"$1/keys.json" >"$INPUT"
}

# What vm.sh reads, of what keys.sh prints.
input_of() {
    jq -c '{userPublicKey: .user.publicKey, hostPrivateKey: .host.privateKey, hostPublicKey: .host.publicKey}'
}

vm() { bash "$LOCAL/vm.sh" "$@" <"$INPUT"; }

# The parts of vm.sh, to call their functions.
source_parts() {
    local part
    set -euo pipefail
    for part in lib image seed probe qemu; do
        # shellcheck source=/dev/null
        . "$LOCAL/$part.sh"
    done
    # shellcheck disable=SC2034 # the parts use them
    ARCHITECTURE=$(host_architecture) DISK=$VM_DIRECTORY/disk.qcow2 SEED=$VM_DIRECTORY/seed.iso
}

# Stand-ins first on PATH. `qemu-system-*` runs no guest: it leaves a process that answers to the same name and ends at
# system_powerdown. With the file `panics` its kernel panics at each start, as often as that says, and where there is a
# file `told` QEMU ends then. With the file `nested` the probe guest finds what it looks for. `ssh-keyscan` shows the key
# in $STUBS/host-key.
stub_qemu() {
    STUBS=$BATS_TEST_TMPDIR/stubs
    mkdir -p "$STUBS"
    export STUBS PATH=$STUBS:$PATH
    jq -r .hostPublicKey "$INPUT" >"$STUBS/host-key"
    cat >"$STUBS/qemu-system-$(uname -m)" <<'STUB'
#!/usr/bin/env bash
if [[ "$1" == --version ]]; then
    echo 'QEMU emulator version 7.2.22 (stand-in)'
    exit
fi
[[ ! -f "$STUBS/nested" || "$*" != *isa-debug-exit* ]] || { echo probe >>"$STUBS/probes"; exit 33; }
printf '%s\n' "$*" >>"$STUBS/started"
[[ ! -f "$STUBS/broken" ]] || { cat "$STUBS/broken" >&2; exit 1; }
while (($# > 0)); do
    [[ "$1" != -pidfile ]] || directory=${2%/pid}
    shift
done
[[ -n "${directory:-}" ]] || exit 1
(
    exec >/dev/null 2>&1 3>&-
    echo "$BASHPID" >"$directory/pid"
    echo 'the guest speaks' >"$directory/console.log"
    panics=$(cat "$STUBS/panics" 2>/dev/null || echo 0)
    if ((panics > 0)); then
        printf '[    2.5] %s\n' 'Kernel panic - not syncing: x' '---[ end Kernel panic - not syncing: x ]---' >>"$directory/console.log"
        echo $((panics - 1)) >"$STUBS/panics"
        [[ ! -f "$STUBS/told" ]] || exit 0
    fi
    while read -r line; do
        echo "$line" >>"$STUBS/qmp"
        [[ "$line" != *system_powerdown* || -f "$STUBS/deaf" ]] || exit 0
    done <>"$directory/qmp.in"
) &
until [[ -s "$directory/pid" ]]; do sleep 0.05; done
STUB
    cat >"$STUBS/ssh-keyscan" <<'STUB'
#!/usr/bin/env bash
! grep -q panic "$VM_DIRECTORY/console.log" || exit 0
echo "# 127.0.0.1:22 SSH-2.0"
echo "[127.0.0.1]:22 $(cat "$STUBS/host-key")"
STUB
    chmod +x "$STUBS"/*
}

# has_ended PID: a zombie has ended, whether or not anyone has waited for it.
has_ended() { [[ "$(ps -o stat= -p "$1")" =~ ^(Z.*)?$ ]]; }

kill_machine() {
    local pid
    pid=$(cat "$VM_DIRECTORY/pid")
    kill -9 "$pid"
    until has_ended "$pid"; do sleep 0.1; done
}

starts() { wc -l <"$STUBS/started"; }
