#!/usr/bin/env bats
# lib.sh and bundle.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
}

# in_lib CODE: runs code as a step would.
in_lib() {
    run bash -c "STEP=test; source '$BUNDLE/lib.sh'; $1"
}

@test "install_file installs with mode, reports the change, and only once" {
    echo one >"$TEST/source"
    in_lib "install_file 0600 '$TEST/source' /etc/a/b.conf; status k v; changed=false; install_file 0600 '$TEST/source' /etc/a/b.conf; status k v"
    succeed
    says "test: wrote /etc/a/b.conf" '{"step":"test","changed":true,"k":"v"}' '{"step":"test","changed":false,"k":"v"}'
    [ "$(cat "$ROOT/etc/a/b.conf")" = one ]
    [ "$(stat -c %a "$ROOT/etc/a/b.conf")" = 600 ]
    [ "$(ls -A "$ROOT/etc/a")" = b.conf ]
}

@test "install_file mends another text, another mode and a link" {
    echo one >"$TEST/source"
    mkdir -p "$ROOT/etc/a"
    in_lib "install_file 0644 '$TEST/source' /etc/a/b.conf"
    chmod 0666 "$ROOT/etc/a/b.conf"
    in_lib "install_file 0644 '$TEST/source' /etc/a/b.conf; status"
    says '"changed":true'
    [ "$(stat -c %a "$ROOT/etc/a/b.conf")" = 644 ]
    ln -sf /dev/null "$ROOT/etc/a/b.conf"
    in_lib "install_file 0644 '$TEST/source' /etc/a/b.conf"
    [ ! -L "$ROOT/etc/a/b.conf" ]
    [ "$(cat "$ROOT/etc/a/b.conf")" = one ]
}

@test "remove_file brings back what was there before us, and touches nothing that is not ours" {
    mkdir -p "$ROOT/etc/a"
    echo vendor >"$ROOT/etc/a/b.conf"
    echo other >"$ROOT/etc/a/c.conf"
    echo ours >"$TEST/source"
    in_lib "install_file 0644 '$TEST/source' /etc/a/b.conf; install_file 0644 '$TEST/source' /etc/a/new.conf"
    echo ours again >"$TEST/source"
    in_lib "install_file 0644 '$TEST/source' /etc/a/b.conf"
    [ "$(cat "$ROOT/etc/a/b.conf")" = "ours again" ]
    in_lib "remove_file /etc/a/b.conf; remove_file /etc/a/new.conf; remove_file /etc/a/c.conf; remove_file /etc/a/b.conf"
    succeed
    [ "$(cat "$ROOT/etc/a/b.conf")" = vendor ]
    [ "$(cat "$ROOT/etc/a/c.conf")" = other ]
    [ ! -e "$ROOT/etc/a/new.conf" ]
}

@test "install_tree removes what an earlier bundle had and this one has not" {
    mkdir -p "$BUNDLE/files/etc/containerd/certs.d/quay.io" "$ROOT/etc/containerd"
    echo x >"$BUNDLE/files/etc/containerd/certs.d/quay.io/hosts.toml"
    echo theirs >"$ROOT/etc/containerd/theirs.toml"
    in_lib "install_tree /etc/containerd"
    [ -f "$ROOT/etc/containerd/certs.d/quay.io/hosts.toml" ]
    rm -r "$BUNDLE/files/etc/containerd/certs.d"
    in_lib "install_tree /etc/containerd; status"
    succeed
    says "removed /etc/containerd/certs.d/quay.io/hosts.toml" '"changed":true'
    [ ! -e "$ROOT/etc/containerd/certs.d/quay.io/hosts.toml" ]
    [ -f "$ROOT/etc/containerd/config.toml" ]
    [ -f "$ROOT/etc/containerd/theirs.toml" ]
}

@test "fail names node, step, cause and fix; a subshell's failure is told once" {
    in_lib 'value=$(fail "the disk is full" "make room"); echo not reached'
    [ "$output" = "kata-cluster: node lab-0, step test: the disk is full. Fix: make room" ]
    failing
}

@test "a command that fails with no word of ours is named with its place" {
    printf 'STEP=test\nsource "%s/lib.sh"\nfalse\n' "$BUNDLE" >"$TEST/script.sh"
    run bash "$TEST/script.sh"
    failing "kata-cluster: node lab-0, step test: a command failed with status 1 at script.sh:3. Fix: "
}

@test "status is JSON whatever the values are" {
    in_lib $'status a "q\\"uo\\\\te" b $\'two\\nlines\\tand\\x01\' c 12 d true e 1.36.4 f 007 g ""'
    succeed
    [ "$(jq -c . <<<"$output")" = '{"step":"test","changed":false,"a":"q\"uo\\te","b":"two\nlines\tand","c":12,"d":true,"e":"1.36.4","f":"007","g":""}' ]
}

@test "a marker is whole and world-readable, with nothing left beside it" {
    in_lib "write_marker '$STATE/x/mark' 'two words'"
    succeed
    [ "$(cat "$STATE/x/mark")" = "two words" ]
    [ "$(ls -A "$STATE/x")" = mark ]
}

# bundle_of: a bundle as the component makes it.
bundle_of() {
    {
        cat "$HOST/bundle.sh" "$REPOSITORY/components/unpack.sh"
        echo "files '.' <<'END_OF_FILES'"
        echo "file 'hello.sh' <<'END_OF_FILE'"
        echo 'echo "$(dirname "$0") says $*: $(cat "$(dirname "$0")/files/etc/x")"; exit "${RESULT:-0}"'
        echo END_OF_FILE
        echo END_OF_FILES
        echo 'run "$@"'
    } >"$TEST/bundle.sh"
    {
        echo "files 'files/etc' <<'END_OF_FILES'"
        echo "file 'files/etc/x' <<'END_OF_FILE'"
        # Must come out as it is.
        printf '%s\n' 'literal $HOME `id` \n'
        echo END_OF_FILE
        echo END_OF_FILES
        echo settings=whole
    } >"$TEST/settings"
}

@test "the bundle unpacks its files as they are, runs the script and leaves nothing" {
    bundle_of
    run bash "$TEST/bundle.sh" --settings hello apply "a b" <"$TEST/settings"
    succeed
    says 'says apply a b: literal $HOME `id` \n' "$STATE/bundle."
    [ -z "$(ls "$STATE")" ]
    RESULT=7 run bash "$TEST/bundle.sh" --settings hello <"$TEST/settings"
    [ "$status" -eq 1 ]
    [ -z "$(ls "$STATE")" ]
}

@test "half a bundle runs nothing, and says so" {
    bundle_of
    for lines in 20 40 60 75; do
        head -n "$lines" "$TEST/bundle.sh" >"$TEST/half.sh"
        run bash "$TEST/half.sh" --settings hello apply <"$TEST/settings"
        failing "the scripts on this node are not whole. Fix: "
        says_not " says "
        [ -z "$(ls "$STATE")" ]
    done
}

@test "a command goes by the settings that the last installation kept, and by none that broke off" {
    bundle_of
    mkdir -p "$STATE"
    run bash "$TEST/bundle.sh" hello apply
    failing "this node has no settings, or not all of them. Fix: "
    cp "$TEST/settings" "$STATE/settings"
    run bash "$TEST/bundle.sh" hello apply
    succeed
    says 'literal $HOME'
    head -n -1 "$TEST/settings" >"$STATE/settings"
    run bash "$TEST/bundle.sh" hello apply
    failing "this node has no settings, or not all of them. Fix: "
    says_not " says "
}

@test "a script gets what was sent to the command, and beside settings nothing" {
    bundle_of
    mkdir -p "$STATE"
    cp "$TEST/settings" "$STATE/settings"
    sed -i 's/^echo "$(dirname.*/cat/' "$TEST/bundle.sh"
    run bash "$TEST/bundle.sh" --input hello <<<"what was sent"
    [ "$output" = "what was sent" ]
    run bash "$TEST/bundle.sh" --settings hello <"$TEST/settings"
    succeed
    [ -z "$output" ]
}

@test "the bundle names a script that it does not have" {
    bundle_of
    run bash "$TEST/bundle.sh" --settings nothing apply <"$TEST/settings"
    failing 'the bundle has no script "nothing". Fix: '
}
