#!/usr/bin/env bash
# Pinned releases: fetched in parallel, resumed after a break, verified by sha256 right before use, installed whole or
# not at all. The list is the bundle's `downloads`: name, version, architecture, sha256, URL, tab separated.
# To be sourced after lib.sh.

# shellcheck disable=SC2154,SC2034 # reported and changed are lib.sh's

CACHE=$ROOT/var/cache/kata-cluster/downloads

# release NAME: sets version, sha256 and url. Without a program, for it is asked for dozens of times.
release() {
    local name arch
    NODE_ARCHITECTURE=${NODE_ARCHITECTURE:-$(architecture)}
    while IFS=$'\t' read -r name version arch sha256 url; do
        [[ "$name" != "$1" || "$arch" != "$NODE_ARCHITECTURE" ]] || return 0
    done <"$BUNDLE/downloads"
    fail "no release of $1 for $NODE_ARCHITECTURE is known" "give releases.$1 a sha256 for $NODE_ARCHITECTURE, or use a machine of another architecture"
}

# The name holds the digest, so that what was begun for one release is never resumed for another.
cached() {
    printf '%s/%s-%s-%s' "$CACHE" "$1" "$version" "${sha256:0:12}"
}

# Whether exactly this release of NAME is installed. The record's first line is its digest, the others are its files.
installed() {
    local record=$STATE/installed/$1 version sha256 url path
    release "$1"
    [[ -f "$record" && "$(head -n 1 "$record")" == "$sha256" ]] || return 1
    while read -r path; do
        [[ -e "$ROOT$path" ]] || return 1
    done < <(tail -n +2 "$record")
}

# missing NAME...: those of them that are not installed.
missing() {
    local name
    for name in "$@"; do
        installed "$name" || echo "$name"
    done
}

# fetch NAME...: all at once. Each keeps what it got, so that the next run goes on from there.
fetch() {
    local name result=0
    local -A fetchers=()
    install -d -m 0700 "$CACHE"
    for name in "$@"; do
        fetch_one "$name" &
        fetchers[$name]=$!
    done
    for name in "$@"; do
        wait "${fetchers[$name]}" || {
            result=$?
            touch "$BUNDLE/lost.$name"
        }
    done
    ((result == 0)) || exit "$reported"
}

# arrived NAME FILE: whether it is there. Where node.sh downloads beside the steps, it is waited for, and given up where it
# was given up there.
arrived() {
    if [[ -n "${FETCHING:-}" ]]; then
        until [[ -f "$2" ]] || ! kill -0 "$FETCHING" 2>/dev/null; do
            sleep 0.5
        done
        [[ ! -e "$BUNDLE/lost.$1" ]] || exit "$reported"
    fi
    [[ -f "$2" ]]
}

fetch_one() {
    local name=$1 version sha256 url file size attempt
    release "$name"
    file=$(cached "$name")
    [[ ! -f "$file" ]] || return 0
    log "downloading $name $version"
    for attempt in 1 2 3 4 5; do
        if transfer "$url" "$file.part" "$name $version"; then
            size=$(stat -c %s "$file.part")
            # Not synced: what is installed of it is, and then it goes. A step that waits for it may have done that before
            # the next line.
            mv -f "$file.part" "$file"
            log "downloaded $name $version, $((size / 1048576)) MiB"
            return 0
        fi
        log "$name $version broke off (attempt $attempt of 5): $problem"
        sleep "$((${RETRY_DELAY:-2} * attempt))"
    done
    fail "$name $version could not be downloaded from $url: $problem" \
        "check that the node reaches that server, or name a mirror in mirror.downloads; what was downloaded is kept"
}

# transfer URL FILE WHAT: one attempt, which goes on where the last one ended. Sets problem. What no further attempt
# can mend fails at once. Not curl's own --retry: that starts again from the first byte.
transfer() {
    local url=$1 file=$2 what=$3 words code result=0
    words=$(curl --fail --location --silent --show-error --connect-timeout 30 --speed-limit 1000 --speed-time 60 \
        --continue-at - --output "$file" --write-out 'http %{http_code}\n' "$url" 2>&1) || result=$?
    # The code stands in the last line, curl's own words before it.
    code=${words##*http }
    problem=${words%http *}
    problem=${problem%$'\n'}
    problem=${problem//$'\n'/ }
    case $result in
        0) return 0 ;;
        # The server does not do ranges, or the part does not fit what it has.
        33 | 36) rm -f "$file" ;;
        23) fail "$what cannot be written to $CACHE: $problem" "make room on that disk, then run up again" ;;
        22)
            case $code in
                408 | 429 | 5??) ;;
                416) rm -f "$file" ;;
                *) fail "$url answers $code for $what" "check the version, the release's url and mirror.downloads" ;;
            esac
            ;;
        60 | 77) fail "the TLS certificate of $url is not trusted: $problem" "check the node's clock, its CA certificates and any proxy between" ;;
        1 | 3) fail "$url cannot be used for $what: $problem" "give an http or https URL" ;;
    esac
    return 1
}

# verified NAME: sets version, url, and file to the path of what was downloaded, which has the pinned digest.
verified() {
    local sha256 actual
    release "$1"
    file=$(cached "$1")
    arrived "$1" "$file" || fetch "$1"
    digest_of "$file"
    # A power cut may have damaged what an earlier run downloaded.
    if [[ "$actual" != "$sha256" && "$file" -ot "$BUNDLE/downloads" ]]; then
        log "what an earlier run downloaded of $1 is damaged"
        rm -f "$file"
        fetch "$1"
        digest_of "$file"
    fi
    if [[ "$actual" != "$sha256" ]]; then
        rm -f "$file"
        fail "$1 $version from $url has sha256 $actual, expected $sha256; the file was deleted" \
            "find out who changed it; for a release of your own give its sha256 in releases.$1"
    fi
}

# digest_of FILE: sets actual.
digest_of() {
    actual=$(sha256sum <"$1")
    actual=${actual%% *}
}

# forget NAME: removes what was downloaded of it, of other versions too.
forget() {
    rm -f "$CACHE/$1"-*
}

# unpack NAME DIRECTORY: the verified release, in an empty directory. A bare program gets its release's name.
unpack() {
    local version url file
    verified "$1"
    case $url in
        *.tar.zst) tar --extract --zstd --no-same-owner --file "$file" --directory "$2" ;;
        *.tar.gz | *.tgz) tar --extract --gzip --no-same-owner --file "$file" --directory "$2" ;;
        *)
            chmod 0755 "$file"
            mv "$file" "$2/$1"
            ;;
    esac
}

# install_programs NAME DIRECTORY [CHECK [PROGRAM...]]: the programs of the release, or just those that are named, go to
# the directory, by rename, so that one that is running stays whole. CHECK is called with the unpacked release before.
# Skipped if it is there.
install_programs() {
    local name=$1 directory=$2 check=${3:-true} only=" ${*:4} " version sha256 url staged program record found chosen=()
    if installed "$name"; then
        forget "$name"
        return 0
    fi
    release "$name"
    # One of its own for each release: others may be installed there at the same time.
    staged=$ROOT$directory/.kata-cluster.$name
    [[ ! -e "$staged" ]] || rm -rf "$staged"
    mkdir -p "$staged"
    unpack "$name" "$staged"
    "$check" "$staged"
    record=$sha256
    programs_in "$staged"
    for program in "${found[@]}"; do
        [[ -z "${only// /}" || "$only" == *" ${program##*/} "* ]] || continue
        chosen+=("$program")
        record+=$'\n'$directory/${program##*/}
    done
    ((${#chosen[@]} > 0)) || fail "the release of $name $version holds no program" "check releases.$name"
    # All by one call each: there are dozens in some releases.
    chmod 0755 "${chosen[@]}"
    sync "${chosen[@]}"
    mv -f -t "$ROOT$directory" "${chosen[@]}"
    rm -rf "$staged"
    write_marker "$STATE/installed/$name" "$record"
    forget "$name"
    changed=true
    log "installed $name $version"
}

# programs_in DIRECTORY: sets found to the programs of an unpacked release: what lies in its bin, if it has one. CRI-O's
# brings a shell completion that is executable too, and is called crio.
programs_in() {
    local path all=()
    found=()
    shopt -s globstar nullglob dotglob
    for path in "$1"/**; do
        [[ -f "$path" && -x "$path" && ! -L "$path" ]] || continue
        all+=("$path")
        [[ "${path%/*}" != */bin ]] || found+=("$path")
    done
    shopt -u globstar nullglob dotglob
    ((${#found[@]} > 0)) || found=("${all[@]}")
}

# remove_programs NAME: undoes install_programs.
remove_programs() {
    local record=$STATE/installed/$1 path
    [[ -f "$record" ]] || return 0
    while read -r path; do
        rm -f "$ROOT$path"
    done < <(tail -n +2 "$record")
    rm -f "$record"
    changed=true
    log "removed $1"
}
