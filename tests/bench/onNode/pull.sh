#!/usr/bin/env bash
# Pulls images, one after the other or all at once: pull.sh serial|parallel IMAGE...
# It is what `kubeadm config images pull` does, and what `kubeadm init` does with imagePullSerial: false.
set -euo pipefail

how=$1
shift
jobs=()
for image in "$@"; do
    crictl pull "$image" >/dev/null &
    jobs+=($!)
    if [[ $how == serial ]]; then
        wait $!
    fi
done
if [[ $how == parallel ]]; then
    for job in "${jobs[@]}"; do
        wait "$job"
    done
fi
