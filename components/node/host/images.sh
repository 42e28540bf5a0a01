#!/usr/bin/env bash
# Pulls the images that this node's pods will want, all at once, before anything waits for one: images.sh apply. The list
# is the bundle's `images`. What can't be pulled now, kubeadm or kubelet pulls when it is wanted, and says why it can't.
STEP=images
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

downloads() { :; }

apply() {
    local image seconds jobs=()
    seconds=${PULL_SECONDS:-$(emulated && echo 600 || echo 120)}
    while read -r image; do
        pull "$image" &
        jobs+=($!)
    done < <(wanted)
    ((${#jobs[@]} == 0)) || wait "${jobs[@]}"
    status images "${#jobs[@]}"
}

# The container runtime's own directory, with all images, goes with it.
reset() {
    status removed true
}

# What is there is not asked for again: a node without a registry may have all of it.
wanted() {
    local there
    there=$(crictl --runtime-endpoint "$CRI_SOCKET" --image-endpoint "$CRI_SOCKET" images --output json |
        jq -r '.images[]? | (.repoTags, .repoDigests)[]?' || true)
    {
        cat "$BUNDLE/images" 2>/dev/null || true
        ! becomes_control_plane || control_plane_images
    } | grep --line-buffered -vxF "$there" || true
}

# What kubeadm would pull one after the other. It may still be on its way to this node, by the step kubernetes.
control_plane_images() {
    retry "$seconds" test -e "$STATE/installed/kubeadm" || return 0
    kubeadm config images list --kubernetes-version "v$KUBERNETES_VERSION" || true
}

pull() {
    local words
    if words=$(timeout "$seconds" crictl --runtime-endpoint "$CRI_SOCKET" --image-endpoint "$CRI_SOCKET" --timeout "${seconds}s" pull "$1" 2>&1); then
        log "pulled $1"
    else
        log "not pulled yet: $1: $(tail -n 1 <<<"$words")"
    fi
}

dispatch "$@"
