#!/usr/bin/env bash
# What the isolation proof looks at: pods and their containers, and the processes of a machine that machine.bash has made.
# To be sourced after that one; $WORLD is the directory of the pods.
# shellcheck disable=SC2154 # FAKES is machine.bash's

# make_crictl: crictl over a world of files, $WORLD.
make_crictl() {
    stub crictl <"$FAKES/crictl.bash"
}

# pod SANDBOX UID NAMESPACE NAME HANDLER [ANNOTATION]: UID is a pattern.
pod() {
    mkdir -p "$WORLD/$1"
    echo "$2 $3 $4 $5 ${6:-}" >"$WORLD/$1/pod"
}

# container SANDBOX ID READER BOOT-ID RELEASE COMMAND-LINE
container() {
    mkdir -p "$WORLD/$1/$2"
    echo "$3" >"$WORLD/$1/$2/reader"
    printf '%s\n%s\n%s\n' "$4" "$5" "$6" >"$WORLD/$1/$2/kernel"
}

# process PID PARENT COMMAND-LINE PROGRAM
process() {
    mkdir -p "$ROOT/proc/$1/fd"
    tr ' ' '\0' <<<"$3" >"$ROOT/proc/$1/cmdline"
    printf 'Name:\tx\nPPid:\t%s\n' "$2" >"$ROOT/proc/$1/status"
    ln -sf "/usr/bin/$4" "$ROOT/proc/$1/exe"
}

# vmm PID COMMAND-LINE PROGRAM [PARENT]: a process that holds a virtual machine.
vmm() {
    process "$1" "${4:-1}" "$2" "$3"
    ln -sf anon_inode:kvm-vm "$ROOT/proc/$1/fd/11"
    ln -sf anon_inode:kvm-vcpu:0 "$ROOT/proc/$1/fd/12"
}
