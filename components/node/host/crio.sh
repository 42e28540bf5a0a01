#!/usr/bin/env bash
# CRI-O with its own runc, and crictl to ask it. It ignores settings that it does not know and drops handlers that it
# finds wrong, so it is asked for all of them: before it is used, and again when it runs.
STEP=crio
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/downloads.sh
source "$BUNDLE/downloads.sh"
# shellcheck source=components/node/host/cri.sh
source "$BUNDLE/cri.sh"

socket=$CRIO_SOCKET
# Of all that the release brings.
wanted=(crio pinns conmon runc)
programs=/usr/local/libexec/crio
drop_ins=/etc/crio/crio.conf.d
config=$drop_ins/50-kata.conf
registries=/etc/containers/registries.conf.d
unit=/etc/systemd/system/crio.service
# Whether this run has checked the settings already.
checked=false

downloads() {
    missing crio crictl
}

apply() {
    local digest
    refuse_foreign_settings
    install_crictl
    install_programs crio "$programs" check_release "${wanted[@]}"
    "$checked" || cmp -s "$BUNDLE/files$config" "$ROOT$config" || check_config "$ROOT$programs/crio"
    install_tree /etc/crio
    install_tree "$registries"
    if replaces_another; then
        status version "$CRIO_VERSION"
        return
    fi
    install_file 0644 "$BUNDLE/files$unit" "$unit"
    digest=$(cat "$STATE/installed/crio" "$ROOT$config" "$ROOT$registries"/50-kata-cluster.conf "$ROOT$unit" | sha256sum | cut -d ' ' -f 1)
    run_service "$digest"
    check_handlers
    check_live_config
    write_marker "$STATE/running/crio" "$digest"
    status version "$CRIO_VERSION" handlers "$RUNTIME_HANDLERS"
}

reset() {
    remove_service "$unit" /var/lib/crio /run/crio /var/log/crio
    remove_tree /etc/crio
    remove_tree "$registries"
    remove_programs crio
    remove_crictl
    status removed true
}

# CRI-O reads each file in its directory of drop-ins, whatever its name, and any of them could take isolation away.
refuse_foreign_settings() {
    local file temporary
    # What a run that was killed was writing.
    beside "$ROOT$config"
    rm -f "$temporary"
    while read -r file; do
        file=${file#"$ROOT"}
        [[ -e "$STATE/files$file" ]] ||
            fail "$file is not KataCluster's, and what CRI-O reads there could take isolation away" "remove it, or use another machine"
    done < <({ find "$ROOT/etc/crio/crio.conf" "$ROOT$drop_ins" ! -type d 2>/dev/null || true; } | sort)
}

# check_release DIRECTORY: whether the unpacked release has what we need and takes our settings.
check_release() {
    local name found
    programs_in "$1"
    for name in "${wanted[@]}"; do
        [[ " ${found[*]##*/} " == *" $name "* ]] ||
            fail "the CRI-O release $CRIO_VERSION holds no program \"$name\"" "give CRI-O's own archive (cri-o.ARCH.vVERSION.tar.gz) in releases.crio"
    done
    for name in "${found[@]}"; do
        [[ "${name##*/}" != crio ]] || check_config "$name"
    done
}

# check_config CRIO: whether that program reads our drop-in as it is meant. It shows a setting that has its default's
# value as a comment, lists over several lines, and the timeout not at all.
check_config() {
    local words seen shown line handler
    words=$(mktemp)
    seen=$("$1" --config "" --config-dir "$BUNDLE/files$drop_ins" config 2>"$words") ||
        fail "CRI-O $CRIO_VERSION refuses its settings: $(tail -n 1 "$words")" "use a CRI-O of Kubernetes' minor version; the node's configuration was not changed"
    rm -f "$words"
    for handler in $RUNTIME_HANDLERS; do
        grep -qxF "[crio.runtime.runtimes.$handler]" <<<"$seen" || not_seen "[crio.runtime.runtimes.$handler]"
    done
    # shellcheck disable=SC2001 # at the beginning of each line
    shown=$(sed 's/^# //' <<<"$seen")
    while read -r line; do
        grep -qxF "$line" <<<"$shown" || not_seen "$line"
    done < <(grep -E '^[a-z_]+ = [^[]' "$BUNDLE/files$config" | grep -v '^container_create_timeout = ')
    checked=true
}

not_seen() {
    fail "CRI-O $CRIO_VERSION does not take its setting $1" "use a CRI-O of Kubernetes' minor version; the node's configuration was not changed"
}

# Whether the running CRI-O has each of our settings.
check_live_config() {
    local live lost
    live=$("$ROOT$programs/crio" status --socket "${socket#unix://}" config 2>/dev/null) ||
        fail "the running CRI-O does not show its settings" "look at: $programs/crio status config; journalctl -u crio"
    lost=$(grep -vxF -f <(settings <<<"$live") <(settings <"$ROOT$config") || true)
    [[ -z "$lost" ]] ||
        fail "the running CRI-O has another value than ours for $(paste -sd ' ' <<<"$lost")" "look at: $programs/crio status config. Something else than $config sets it, or this CRI-O does not know it"
}

# settings: TOML on stdin as one line for each setting, with its table, without the writer's spaces.
settings() {
    awk '
        { gsub(/[ \t]/, "") }
        /^\[/ { table = $0; next }
        /=/ { print table $0 }'
}

why_lost() {
    { journalctl _SYSTEMD_UNIT=crio.service --lines 500 --output cat 2>/dev/null || true; } |
        sed -n "s/.*Runtime handler \\\\*\"$1\\\\*\" is being ignored due to: \(.*\)/; CRI-O dropped it: \1/p" | tail -n 1
}

dispatch "$@"
