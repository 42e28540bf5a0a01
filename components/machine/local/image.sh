#!/usr/bin/env bash
# The image that the machine's disk starts from, and the disk: a qcow2 overlay that leaves the image untouched.
set -euo pipefail

# Sets IMAGE to a verified image, downloaded once for all machines.
get_image() {
    local bits=512 expected=${VM_IMAGE_SHA512:-} cache name
    if [[ -n "${VM_IMAGE:-}" ]]; then
        IMAGE=$VM_IMAGE
        [[ -r "$IMAGE" ]] || fail "image '$IMAGE' is not a readable file" 'correct machines.local.image.path'
        IMAGE=$(cd "$(dirname "$IMAGE")" && pwd)/$(basename "$IMAGE")
        return
    fi
    if [[ -z "$expected" ]]; then
        bits=256 expected=${VM_IMAGE_SHA256:-}
    fi
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/kata-cluster/images
    name=${VM_IMAGE_URL%%[?#]*}
    IMAGE=$cache/${expected:0:16}-${name##*/}
    [[ ! -f "$IMAGE" ]] || return 0
    mkdir -p "$cache"
    # In a shell of its own, so that the lock ends with it. Another machine may be downloading the same image.
    (
        lock "$IMAGE.lock" "$(seconds_left)"
        [[ -f "$IMAGE" ]] || download_image "$bits" "$expected"
        rm -f "$IMAGE.lock"
    )
}

# download_image BITS EXPECTED: into IMAGE, which appears only when it is whole.
download_image() {
    local part=$IMAGE.part actual resumed=no
    [[ ! -s "$part" ]] || resumed=yes
    say "downloading $VM_IMAGE_URL"
    # A part that is whole already makes the server refuse the range: the digest decides, not curl.
    curl --fail --location --silent --show-error --continue-at - --retry 5 --retry-all-errors --retry-delay 2 \
        --connect-timeout 20 --speed-limit 1024 --speed-time 60 --output "$part" "$VM_IMAGE_URL" || [[ $resumed == yes ]] ||
        fail "cannot download $VM_IMAGE_URL" \
            'check the network, or set machines.local.image to { path } or to { url, sha512 } of a copy that you can reach'
    actual=$(digest "$1" "$part")
    if [[ "$actual" != "$2" && $resumed == yes ]]; then
        say 'the resumed download does not have the expected digest: starting afresh'
        rm -f "$part"
        download_image "$1" "$2"
        return
    fi
    if [[ "$actual" != "$2" ]]; then
        rm -f "$part"
        fail "$VM_IMAGE_URL has SHA-$1 $actual, not $2" 'correct the digest in machines.local.image if that is what you trust'
    fi
    chmod a-w "$part"
    mv "$part" "$IMAGE"
}

# image_property NAME FILE: of qemu-img's description. -U, for a running machine holds its disk. Newer releases
# describe the file below the image too, further indented.
image_property() {
    qemu-img info -U --output=json "$2" | sed -n "s/^    \"$1\": \"\{0,1\}\([^\",]*\).*/\1/p"
}

# What tells one image from another: an overlay on an image that has changed beneath it is a broken disk.
image_identity() {
    if [[ -n "${VM_IMAGE:-}" ]]; then
        printf '%s %s\n' "$IMAGE" "$(stat -c '%s %Y' "$IMAGE" 2>/dev/null || stat -f '%z %m' "$IMAGE")"
    else
        printf '%s\n' "$IMAGE"
    fi
}

wanted_bytes() { echo $((VM_DISK_GIB * 1024 * 1024 * 1024)); }

# Stops before anything is changed if the disk cannot become what is asked for.
check_disk() {
    local now fix="set machines.local.diskGib to at least"
    if [[ -f "$DISK" ]]; then
        now=$(image_property virtual-size "$DISK")
        ((now <= $(wanted_bytes))) ||
            fail "its disk has $((now / 1024 / 1024 / 1024)) GiB and cannot shrink to $VM_DISK_GIB" "$fix that"
        [[ "$(image_identity)" == "$(cat "$DISK.image")" ]] ||
            fail "its disk was made from another image ($(cat "$DISK.image")) than $(image_identity)" \
                'give the former image again, or replace the machine: pulumi up --replace with its URN'
    else
        now=$(image_property virtual-size "$IMAGE")
        ((now <= $(wanted_bytes))) ||
            fail "image $IMAGE needs $(((now + 1073741823) / 1073741824)) GiB, the disk has $VM_DISK_GIB" "$fix that"
    fi
}

# Makes the disk, or makes it bigger. The machine is stopped. An existing disk is kept: it is the node.
converge_disk() {
    local format
    if [[ ! -f "$DISK" ]]; then
        format=$(image_property format "$IMAGE")
        image_identity >"$DISK.image"
        qemu-img create -q -f qcow2 -F "$format" -b "$IMAGE" "$DISK.part" "$(wanted_bytes)"
        mv "$DISK.part" "$DISK"
    elif (($(image_property virtual-size "$DISK") < $(wanted_bytes))); then
        qemu-img resize -q "$DISK" "$(wanted_bytes)"
    fi
}
