#!/usr/bin/env bash
# Pulls the images that this node's pods will want, all at once, before anything waits for one: images.sh apply. The list
# is the bundle's `images`. What can't be pulled now, kubelet pulls when a pod wants it, and says why it can't.
STEP=images
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

downloads() { :; }

apply() {
    local image seconds=120 jobs=()
    ! emulated || seconds=600
    while read -r image; do
        pull "$image" "${PULL_SECONDS:-$seconds}" &
        jobs+=($!)
    done < <(wanted)
    ((${#jobs[@]} == 0)) || wait "${jobs[@]}"
    status images "${#jobs[@]}"
}

# The container runtime's own directory, with all images, goes with it.
reset() {
    status removed true
}

# A control plane that joins also gets what kubeadm would pull while the others wait for it.
wanted() {
    cat "$BUNDLE/images" 2>/dev/null || true
    ! joins_control_plane ||
        kubeadm config images list --kubernetes-version "v$KUBERNETES_VERSION" || true
}

pull() {
    local words
    if words=$(timeout "$2" crictl --runtime-endpoint "$CRI_SOCKET" --image-endpoint "$CRI_SOCKET" --timeout "$2s" pull "$1" 2>&1); then
        log "pulled $1"
    else
        log "not pulled yet: $1: $(tail -n 1 <<<"$words")"
    fi
}

dispatch "$@"
