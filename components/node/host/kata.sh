#!/usr/bin/env bash
# Kata Containers out of its static release: /opt/kata-VERSION-DIGEST, with /opt/kata as a link to the one in use.
STEP=kata
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/downloads.sh
source "$BUNDLE/downloads.sh"

settings=/etc/kata-cluster/kata
# The release that an upgrade which is not through yet comes from.
upgraded_from=$STATE/kata-upgraded-from

downloads() {
    missing kata
}

apply() {
    local version sha256 url directory before=''
    release kata
    directory=/opt/kata-$version-${sha256:0:8}
    if [[ -e "$ROOT/opt/kata" && ! -L "$ROOT/opt/kata" ]]; then
        fail "/opt/kata is a directory that KataCluster did not make" "remove that Kata (kata-deploy has a cleanup), or use another machine"
    fi
    if [[ -L "$ROOT/opt/kata" ]]; then
        before=/opt/$(readlink "$ROOT/opt/kata")
    fi
    [[ -d "$ROOT$directory" ]] || install_release "$directory"
    check_release "$ROOT$directory"
    if [[ "$before" != "$directory" ]]; then
        # The link no longer says it to a run that goes on after a kill.
        [[ -z "$before" ]] || write_marker "$upgraded_from" "$before"
        switch_to "$directory"
    fi
    write_marker "$STATE/installed/kata" "$sha256"$'\n'"$directory"
    forget kata
    configure
    remove_unused "$directory"
    status version "$(head -n 1 "$ROOT/opt/kata/VERSION")" directory "$directory" emulated "$is_emulated"
}

reset() {
    local directory
    # The container runtime went before, with all its pods.
    for directory in "$ROOT"/opt/kata-*; do
        ! in_use "${directory#"$ROOT"}" ||
            fail "a pod's virtual machine still runs from ${directory#"$ROOT"}" "end that process (ls -l /proc/*/exe shows it), or reboot, then run destroy again"
    done
    if [[ -L "$ROOT/opt/kata" ]]; then
        for directory in "$ROOT"/opt/kata-*; do
            [[ ! -d "$directory" ]] || discard "$directory"
        done
        # Last, for it says that the others are ours.
        rm -f "$ROOT/opt/kata"
        changed=true
        log "removed /opt/kata"
    fi
    rm -rf "$ROOT"/opt/.kata-cluster.*
    remove_tree "$settings"
    rm -f "$STATE/installed/kata" "$upgraded_from"
    status removed true
}

# Complete under its final name or not there at all.
install_release() {
    local directory=$1 staged
    mkdir -p "$ROOT/opt"
    rm -rf "$ROOT"/opt/.kata-cluster.*
    staged=$(mktemp -d "$ROOT/opt/.kata-cluster.XXXXXXXX")
    log "unpacking Kata $version"
    unpack kata "$staged"
    [[ -d "$staged/opt/kata" ]] || fail "the Kata release $version does not hold opt/kata" "give the static release (kata-static), not another archive"
    check_release "$staged/opt/kata"
    sync -f "$staged"
    mv "$staged/opt/kata" "$ROOT$directory"
    rm -rf "$staged"
    changed=true
    log "installed Kata $version"
}

# check_release DIRECTORY: whether the release has the shim and the configuration that we ask for.
check_release() {
    local shim=$1${KATA_SHIM#/opt/kata} configuration=$1${KATA_CONFIGURATION#/opt/kata}
    [[ -x "$shim" ]] ||
        fail "the Kata release $KATA_VERSION has no shim $KATA_SHIM" "name the other shim in kata.shim, or a release that has this one"
    [[ -f "$configuration" ]] ||
        fail "the Kata release $KATA_VERSION has no $KATA_CONFIGURATION, only: $(cd "${configuration%/*}" 2>/dev/null && echo configuration*.toml)" "name another hypervisor in kata.hypervisor, or a release that has this one"
    [[ -f "$1/VERSION" ]] ||
        fail "the Kata release $KATA_VERSION has no VERSION" "give the static release (kata-static), not another archive"
}

# By rename: /opt/kata is never absent while a pod starts.
switch_to() {
    local link=$ROOT/opt/.kata-cluster.link
    rm -f "$link"
    ln -s "${1##*/}" "$link"
    mv -fT "$link" "$ROOT/opt/kata"
    changed=true
    log "/opt/kata is now $1"
}

# The release's own configuration, with our drop-ins beside it. That directory is ours alone: a drop-in of unknown
# origin could take isolation away.
configure() {
    local file emulated_drop_in=$settings/config.d/60-emulated.toml
    install_file 0644 "$ROOT/opt/kata${KATA_CONFIGURATION#/opt/kata}" "$settings/configuration.toml"
    install_file 0644 "$BUNDLE/files$settings/config.d/50-kata-cluster.toml" "$settings/config.d/50-kata-cluster.toml"
    is_emulated=false
    if emulated; then
        is_emulated=true
        install_file 0644 "$BUNDLE/files$settings/emulated.d/60-emulated.toml" "$emulated_drop_in"
    else
        remove_file "$emulated_drop_in"
    fi
    for file in "$ROOT$settings"/config.d/*; do
        [[ ! -e "$STATE/files${file#"$ROOT"}" ]] || continue
        rm -f "$file"
        changed=true
        log "removed ${file#"$ROOT"}, which is not ours"
    done
}

# remove_unused CURRENT: older releases go, but for any that a pod still runs from and, until a later run, the one that
# was just replaced.
remove_unused() {
    local directory path kept
    rm -rf "$ROOT"/opt/.kata-cluster.*
    kept=$(cat "$upgraded_from" 2>/dev/null || true)
    for directory in "$ROOT"/opt/kata-*; do
        path=${directory#"$ROOT"}
        if [[ "$path" == "$1" || "$path" == "$kept" ]] || in_use "$path"; then
            continue
        fi
        discard "$directory"
        log "removed $path"
    done
    rm -f "$upgraded_from"
}

# discard DIRECTORY: its name goes first, so that a kill leaves no half release that a later run takes for a whole one.
discard() {
    local doomed=$ROOT/opt/.kata-cluster.removed
    rm -rf "$doomed"
    mv -T "$1" "$doomed"
    rm -rf "$doomed"
}

# Whether a process runs a program of that directory.
in_use() {
    local programs
    programs=$(find "$ROOT"/proc/[0-9]*/exe -maxdepth 0 -printf '%l\n' 2>/dev/null || true)
    grep -qF "$1/" <<<"$programs"
}

dispatch "$@"
