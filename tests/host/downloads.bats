#!/usr/bin/env bats
# downloads.sh, against a real server with faults
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    serve
    head -c 200000 /dev/urandom >"$TEST/www/kubelet.amd64"
    sed -i '1i #!/bin/true' "$TEST/www/kubelet.amd64"
    list kubelet 1.36.4 kubelet.amd64
}

teardown() {
    stop_server
}

in_downloads() {
    run bash -c "STEP=test; source '$BUNDLE/lib.sh'; source '$BUNDLE/downloads.sh'; $1"
}

@test "a release is installed, recorded, and its download removed; a second run asks for nothing" {
    in_downloads "install_programs kubelet /usr/local/bin; status"
    succeed
    says "downloading kubelet 1.36.4" "installed kubelet 1.36.4" '"changed":true'
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
    [ "$(stat -c %a "$ROOT/usr/local/bin/kubelet")" = 755 ]
    [ "$(ls -A "$ROOT/usr/local/bin")" = kubelet ]
    [ -z "$(ls -A "$ROOT/var/cache/kata-cluster/downloads")" ]
    : >"$REQUESTS"
    in_downloads "install_programs kubelet /usr/local/bin; status; missing kubelet"
    succeed
    [ "$output" = '{"step":"test","changed":false}' ]
    [ ! -s "$REQUESTS" ]
}

@test "a program that was deleted is installed again" {
    in_downloads "install_programs kubelet /usr/local/bin"
    rm "$ROOT/usr/local/bin/kubelet"
    in_downloads "missing kubelet; install_programs kubelet /usr/local/bin"
    succeed
    [ "${lines[0]}" = kubelet ]
    [ -x "$ROOT/usr/local/bin/kubelet" ]
}

@test "a wrong checksum names expected and actual, deletes the file, installs nothing and is not tried again" {
    expected=$(cut -f 4 "$BUNDLE/downloads")
    echo changed >>"$TEST/www/kubelet.amd64"
    in_downloads "install_programs kubelet /usr/local/bin"
    failing "kubelet 1.36.4 from $URL/kubelet.amd64 has sha256 $(sha256sum "$TEST/www/kubelet.amd64" | cut -d ' ' -f 1), expected $expected" "Fix: "
    [ "$(grep -c GET "$REQUESTS")" -eq 1 ]
    [ -z "$(ls -A "$ROOT/var/cache/kata-cluster/downloads")" ]
    [ ! -e "$ROOT/usr/local/bin/kubelet" ]
    [ ! -e "$STATE/installed/kubelet" ]
}

@test "a broken download goes on where it broke off" {
    list kubelet 1.36.4 kubelet.amd64 cut
    in_downloads "install_programs kubelet /usr/local/bin"
    succeed
    says "broke off (attempt 1 of 5)"
    [ "$(wc -l <"$REQUESTS")" -eq 2 ]
    [ "$(tail -n 1 "$REQUESTS")" = "GET /cut/kubelet.amd64 100006" ]
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
}

@test "a server without ranges is asked for the whole file again" {
    list kubelet 1.36.4 kubelet.amd64 whole
    in_downloads "install_programs kubelet /usr/local/bin"
    succeed
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
}

@test "a run that was killed leaves a part, and the next one goes on with it" {
    list kubelet 1.36.4 kubelet.amd64 hang
    setsid bash -c "echo \$\$ >'$TEST/group'; STEP=test; source '$BUNDLE/lib.sh'; source '$BUNDLE/downloads.sh'; install_programs kubelet /usr/local/bin" 3>&- &
    for _ in {1..300}; do
        [ ! -s "$(find "$ROOT" -name '*.part')" ] || break
        sleep 0.1
    done
    kill -KILL -- "-$(cat "$TEST/group")"
    [ ! -e "$ROOT/usr/local/bin/kubelet" ]
    part=$(ls "$ROOT/var/cache/kata-cluster/downloads")
    [[ "$part" == kubelet-1.36.4-*.part ]]
    in_downloads "install_programs kubelet /usr/local/bin"
    succeed
    [[ "$(tail -n 1 "$REQUESTS")" =~ ^GET\ /hang/kubelet.amd64\ [1-9][0-9]+$ ]]
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
}

@test "a part that is whole already is only verified" {
    in_downloads "release kubelet; install -D '$TEST/www/kubelet.amd64' \"\$(cached kubelet).part\"; install_programs kubelet /usr/local/bin"
    succeed
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
}

@test "a part of other bytes fails once by its digest, and the next run begins anew" {
    in_downloads "release kubelet; mkdir -p \"\$CACHE\"; head -c 5000 /dev/zero >\"\$(cached kubelet).part\"; install_programs kubelet /usr/local/bin"
    failing "has sha256"
    in_downloads "install_programs kubelet /usr/local/bin"
    succeed
}

@test "a download of an earlier run that is damaged is fetched once more" {
    in_downloads "release kubelet; mkdir -p \"\$CACHE\"; head -c 200000 /dev/zero >\"\$(cached kubelet)\"; touch --date '1 hour ago' \"\$(cached kubelet)\"; install_programs kubelet /usr/local/bin"
    succeed
    says "what an earlier run downloaded of kubelet is damaged"
    cmp "$TEST/www/kubelet.amd64" "$ROOT/usr/local/bin/kubelet"
}

@test "404 fails at once and names the URL; 503 is tried five times" {
    list kubelet 1.36.4 kubelet.amd64 status/404
    in_downloads "install_programs kubelet /usr/local/bin"
    failing "$URL/status/404/kubelet.amd64 answers 404" "Fix: "
    [ "$(wc -l <"$REQUESTS")" -eq 1 ]
    list kubelet 1.36.4 kubelet.amd64 status/503
    in_downloads "install_programs kubelet /usr/local/bin"
    failing "could not be downloaded from $URL/status/503/kubelet.amd64" "mirror.downloads"
    [ "$(wc -l <"$REQUESTS")" -eq 6 ]
}

@test "a server that is not there is named with curl's own words" {
    stop_server
    in_downloads "install_programs kubelet /usr/local/bin"
    unset SERVER
    failing "kubelet 1.36.4 could not be downloaded from $URL/kubelet.amd64: curl: (7)"
}

@test "several are downloaded at the same time, and one that fails does not stop the others" {
    for name in a b c; do
        head -c 100000 /dev/urandom >"$TEST/www/$name"
        list "$name" 1 "$name"
    done
    sed -i 's/^b\t1\tamd64\t[0-9a-f]*\t\(.*\)b$/b\t1\tamd64\t00000000000000000000\t\1status\/404\/b/' "$BUNDLE/downloads"
    in_downloads "fetch a b c"
    failing "/status/404/b answers 404"
    [ "$(grep -c answers <<<"$output")" -eq 1 ]
    [[ "$(names "$ROOT/var/cache/kata-cluster/downloads")" =~ ^a-1-[0-9a-f]{12}\ c-1-[0-9a-f]{12}$ ]]
    # All three have begun before the first has ended.
    stub curl <<<'echo begin >>"$CALLS"; sleep 1; /usr/bin/curl "$@"; echo end >>"$CALLS"'
    rm -rf "$ROOT/var/cache"
    : >"$CALLS"
    in_downloads "fetch a c kubelet"
    succeed
    [ "$(grep -E '^(begin|end)$' "$CALLS" | head -n 3 | sort -u)" = begin ]
}

@test "a download that a step takes and removes at once is no error" {
    stub mv <<<'/usr/bin/mv "$@"; [[ "$*" != *.part* ]] || rm "${@: -1}"'
    in_downloads "fetch kubelet"
    succeed
    says "downloaded kubelet 1.36.4, 0 MiB"
}

@test "a download that is under way beside the step is waited for and not begun again; one that was given up ends the step" {
    in_downloads "fetch kubelet"
    mv "$ROOT/var/cache/kata-cluster/downloads" "$TEST/arrived"
    : >"$REQUESTS"
    in_downloads "(sleep 2; mv '$TEST/arrived' \"\$CACHE\") & FETCHING=\$! install_programs kubelet /usr/local/bin"
    succeed
    [ -x "$ROOT/usr/local/bin/kubelet" ]
    [ ! -s "$REQUESTS" ]
    rm "$ROOT/usr/local/bin/kubelet"
    list kubelet 1.36.4 kubelet.amd64 status/404
    in_downloads "fetch kubelet & FETCHING=\$! install_programs kubelet /usr/local/bin"
    [ "$status" -ne 0 ]
    [ "$(grep -c "answers 404" <<<"$output")" -eq 1 ]
    [ "$(wc -l <"$REQUESTS")" -eq 1 ]
}

@test "an architecture without a release is named" {
    stub uname <<<'echo aarch64'
    in_downloads "install_programs kubelet /usr/local/bin"
    failing "no release of kubelet for arm64 is known" "releases.kubelet"
}

@test "the same code takes arm64's release on arm64" {
    sed 's/amd64\t[0-9a-f]*/arm64\tfeedfeedfeedfeed/' "$BUNDLE/downloads" >>"$BUNDLE/downloads.2"
    cat "$BUNDLE/downloads.2" >>"$BUNDLE/downloads"
    stub uname <<<'echo aarch64'
    in_downloads 'release kubelet; echo "$sha256"'
    [ "$output" = feedfeedfeedfeed ]
}

@test "archives of each format are unpacked; what is no program stays out; removal takes exactly these" {
    make_releases
    echo other >"$TEST/other"
    install -D "$TEST/other" "$ROOT/opt/cni/bin/theirs"
    in_downloads "install_programs containerd /usr/local/bin; install_programs cni-plugins /opt/cni/bin; install_programs crictl /usr/local/bin"
    succeed
    [ "$(names "$ROOT/usr/local/bin")" = "containerd containerd-shim-runc-v2 crictl ctr" ]
    [ "$(names "$ROOT/opt/cni/bin")" = "bridge portmap theirs" ]
    in_downloads "remove_programs containerd; remove_programs cni-plugins; remove_programs crictl"
    succeed
    [ -z "$(ls "$ROOT/usr/local/bin")" ]
    [ "$(ls "$ROOT/opt/cni/bin")" = theirs ]
}

@test "a full disk is named as such" {
    stub curl <<<'echo "curl: (23) Failure writing output to destination" >&2; exit 23'
    in_downloads "install_programs kubelet /usr/local/bin"
    failing "cannot be written to" "Failure writing output" "make room"
    [ "$(grep -c curl "$CALLS")" -eq 1 ]
}
