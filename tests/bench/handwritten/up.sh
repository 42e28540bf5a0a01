#!/usr/bin/env bash
# The yardstick: from machines that take SSH to the Ready untrusted pod, by one hand-written script, one SSH connection
# to each machine: up.sh FOLDER. In FOLDER is a folder control-plane and, with a worker, a folder worker, each with
#   ssh          what follows `ssh` on a command line, a word a line
#   payload.tar  node.sh and all that it reads
# It prints `STEP MACHINE NAME begin|end` as things happen, and ends when the pod is Ready.
#
# It is as good as one can write it: on each machine everything is downloaded at once and checked by SHA-256, what is
# independent runs side by side, images are pulled while other things are installed, the worker is ready long before it
# can join, kubectl is called as seldom as possible.
#
# What it has in common with `up`, so that the comparison is one of ways and not of ends: versions, mirror, containerd's
# and Kata's configuration, kubeadm's documents (ECDSA keys, time limits, patches for an emulated node), kubelet's unit,
# kernel modules and sysctl, the rules for the metadata server, crictl, flannel's manifest, RuntimeClass, the admission
# policies, the pod.
#
# What `up` does beside that, on its own clock: it looks whether the machine will do (preflight), checks containerd's
# configuration and handlers and that the rules are live, syncs files to disk so that a power cut leaves nothing half,
# keeps records for the next run, has the API's schema made for the Kubernetes provider, and waits until the policies are
# in effect. Its proof of isolation comes after the pod, when both clocks have stopped.
set -euo pipefail

folder=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/handwritten.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# on MACHINE ROLE: what is on stdin goes to the machine, first of all the payload.
on() {
    local size arguments
    mapfile -t arguments <"$folder/$1/ssh"
    size=$(stat -c %s "$folder/$1/payload.tar")
    # shellcheck disable=SC2029 # the size and the role are to be filled in here
    ssh "${arguments[@]}" "sudo bash -c 'mkdir /root/up && cd /root/up && head -c $size | tar -x && exec bash node.sh $2'"
}

# relay MACHINE: its steps go to stdout, what a worker is to join with goes to that one.
relay() {
    local line
    while read -r line; do
        case $line in
            "JOIN "*) echo "${line#JOIN }" >"$work/join" ;;
            "STEP "*) echo "STEP $1 ${line#STEP }" ;;
        esac
    done
}

if [[ -d "$folder/worker" ]]; then
    mkfifo "$work/join"
    cat "$folder/worker/payload.tar" "$work/join" | on worker worker | relay worker &
fi
on control-plane control-plane <"$folder/control-plane/payload.tar" | relay control-plane
if [[ -d "$folder/worker" ]]; then
    wait $!
fi
