#!/usr/bin/env bash
# containerd with runc, and crictl to ask it. Its config.toml is whole, and a new one is checked before it is used.
STEP=containerd
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/downloads.sh
source "$BUNDLE/downloads.sh"
# shellcheck source=components/node/host/cri.sh
source "$BUNDLE/cri.sh"

# shellcheck disable=SC2034 # for cri.sh
socket=$CONTAINERD_SOCKET
programs=/usr/local/bin
config=/etc/containerd/config.toml
unit=/etc/systemd/system/containerd.service
# Whether this run has checked the configuration already.
checked=false

downloads() {
    missing containerd runc crictl
}

apply() {
    local digest
    install_programs runc "$programs"
    install_crictl
    install_programs containerd "$programs" check_config
    "$checked" || cmp -s "$BUNDLE/files$config" "$ROOT$config" || check_config "$ROOT$programs"
    # With the mirrors' hosts.toml, which containerd reads at each pull.
    install_tree /etc/containerd
    if replaces_another; then
        status version "$CONTAINERD_VERSION"
        return
    fi
    install_file 0644 "$BUNDLE/files$unit" "$unit"
    digest=$(cat "$STATE/installed/containerd" "$ROOT$config" "$ROOT$unit" | sha256sum | cut -d ' ' -f 1)
    run_service "$digest"
    check_handlers
    write_marker "$STATE/running/containerd" "$digest"
    status version "$CONTAINERD_VERSION" handlers "$RUNTIME_HANDLERS"
}

reset() {
    remove_service "$unit" /var/lib/containerd /run/containerd
    remove_tree /etc/containerd
    remove_programs containerd
    remove_programs runc
    remove_crictl
    status removed true
}

# check_config DIRECTORY: whether the containerd below it takes the bundle's config.toml and understands all of it. An
# unknown key is only warned of by containerd, and a handler that got lost would show as a pod that never starts.
check_config() {
    local program dump words handler
    program=$(find "$1" -maxdepth 2 -type f -name containerd | head -n 1)
    [[ -n "$program" ]] || fail "the containerd release $CONTAINERD_VERSION holds no program \"containerd\"" "check releases.containerd"
    words=$(mktemp)
    dump=$("$program" --config "$BUNDLE/files$config" config dump 2>"$words") ||
        fail "containerd $CONTAINERD_VERSION refuses its config.toml: $(tail -n 3 "$words" | tr '\n' ' ')" "use a containerd 2.x; the node's configuration was not changed"
    if grep -qi 'unknown key' "$words"; then
        fail "containerd $CONTAINERD_VERSION does not know a part of its config.toml: $(grep -i -m 1 'unknown key' "$words")" "use a containerd 2.x; the node's configuration was not changed"
    fi
    rm -f "$words"
    for handler in $RUNTIME_HANDLERS; do
        grep -qE "^ *\[plugins\.['\"]io\.containerd\.cri\.v1\.runtime['\"]\.containerd\.runtimes\.['\"]?${handler}['\"]?\]" <<<"$dump" ||
            fail "containerd $CONTAINERD_VERSION sees no handler \"$handler\" in its config.toml" "use a containerd 2.x; the node's configuration was not changed"
    done
    grep -qE "^ *SystemdCgroup = true" <<<"$dump" ||
        fail "containerd $CONTAINERD_VERSION does not see SystemdCgroup in its config.toml" "use a containerd 2.x; the node's configuration was not changed"
    # Any other pause image would be pulled from a registry that an offline node does not reach.
    grep -qE "^ *sandbox = ['\"]${PAUSE_IMAGE}['\"]" <<<"$dump" ||
        fail "containerd $CONTAINERD_VERSION does not take the pause image $PAUSE_IMAGE from its config.toml" "use a containerd 2.x; the node's configuration was not changed"
    checked=true
}

dispatch "$@"
