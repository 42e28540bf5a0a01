#!/usr/bin/env bats
# kata.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    serve
    make_releases
}

teardown() {
    stop_server
}

drop_ins=etc/kata-cluster/kata/config.d

# directory VERSION: where the release on the list is unpacked to.
directory() {
    echo "/opt/kata-$1-$(awk -F '\t' '$1 == "kata" { print substr($4, 1, 8) }' "$BUNDLE/downloads")"
}

# vmm PID DIRECTORY: a process that runs a program from there.
vmm() {
    mkdir -p "$ROOT/proc/$1"
    ln -sf "$2/bin/qemu-system-x86_64" "$ROOT/proc/$1/exe"
}

@test "unpacks to a directory of its own, links to it, and copies the release's configuration" {
    run_script kata apply
    succeed
    [ "${lines[-1]}" = "{\"step\":\"kata\",\"changed\":true,\"version\":\"4.1.0\",\"directory\":\"$(directory 4.1.0)\",\"emulated\":false}" ]
    [ "/opt/$(readlink "$ROOT/opt/kata")" = "$(directory 4.1.0)" ]
    [ "$(names "$ROOT/opt")" = "kata $(basename "$(directory 4.1.0)")" ]
    [ "$(cat "$ROOT/etc/kata-cluster/kata/configuration.toml")" = "# vendor's 4.1.0" ]
    [ "$(ls -A "$ROOT/$drop_ins")" = 50-kata-cluster.toml ]
    [ -z "$(ls -A "$ROOT/var/cache/kata-cluster/downloads")" ]
}

@test "the emulated drop-in is there on an emulated node only" {
    VIRT=qemu run_script kata apply
    succeed
    says '"emulated":true'
    cmp "$BUNDLE/files/etc/kata-cluster/kata/emulated.d/60-emulated.toml" "$ROOT/$drop_ins/60-emulated.toml"
    run_script kata apply
    succeed
    says "removed /$drop_ins/60-emulated.toml" '"emulated":false'
    [ ! -e "$ROOT/$drop_ins/60-emulated.toml" ]
}

@test "a second run changes nothing and downloads nothing" {
    run_script kata apply
    before=$(tree)
    : >"$REQUESTS"
    run_script kata apply
    succeed
    says '"changed":false'
    [ "$(tree)" = "$before" ]
    [ ! -s "$REQUESTS" ]
}

@test "a drop-in of unknown origin is removed" {
    mkdir -p "$ROOT/$drop_ins"
    echo 'enable_annotations = [".*"]' >"$ROOT/$drop_ins/99-mine.toml"
    run_script kata apply
    succeed
    says "removed /$drop_ins/99-mine.toml, which is not ours"
    [ "$(ls -A "$ROOT/$drop_ins")" = 50-kata-cluster.toml ]
}

@test "an upgrade switches the link, keeps the release before and what a pod runs from, and removes older ones" {
    run_script kata apply
    old=$(directory 4.1.0)
    make_kata 4.2.0
    run_script kata apply
    succeed
    says '"version":"4.2.0"' "/opt/kata is now $(directory 4.2.0)"
    middle=$(directory 4.2.0)
    [ -d "$ROOT$old" ]
    [ "$(cat "$ROOT/etc/kata-cluster/kata/configuration.toml")" = "# vendor's 4.2.0" ]
    make_kata 4.3.0
    vmm 900 "$old"
    run_script kata apply
    succeed
    [ -d "$ROOT$old" ]
    [ -d "$ROOT$middle" ]
    rm -r "$ROOT/proc/900"
    run_script kata apply
    succeed
    says "removed $old"
    [ ! -e "$ROOT$old" ]
    [ ! -e "$ROOT$middle" ]
    [ "/opt/$(readlink "$ROOT/opt/kata")" = "$(directory 4.3.0)" ]
}

@test "another build of the same version is another directory" {
    run_script kata apply
    old=$(directory 4.1.0)
    echo x >"$TEST/made/kata/opt/kata/new"
    tar -C "$TEST/made/kata" -cf - ./opt | zstd -q >"$TEST/www/kata-4.1.0-2.tar.zst"
    list kata 4.1.0 kata-4.1.0-2.tar.zst
    run_script kata apply
    succeed
    [ "$(directory 4.1.0)" != "$old" ]
    [ -f "$ROOT/opt/kata-4.1.0-${old##*-}/VERSION" ]
    [ -f "$ROOT$(directory 4.1.0)/new" ]
}

@test "a Kata that we did not install is refused" {
    mkdir -p "$ROOT/opt/kata/bin"
    run_script kata apply
    failing "/opt/kata is a directory that KataCluster did not make. Fix: remove that Kata"
    [ ! -s "$REQUESTS" ]
}

@test "a release without the shim, the configuration or opt/kata is refused by that name and not installed" {
    rm "$TEST/made/kata/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
    tar -C "$TEST/made/kata" -cf - ./opt | zstd -q >"$TEST/www/no-shim.tar.zst"
    list kata 4.1.0 no-shim.tar.zst
    run_script kata apply
    failing "the Kata release 4.1.0 has no shim /opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
    make_kata 4.1.0
    mv "$TEST/made/kata/opt/kata/share/defaults/kata-containers/runtime-rs/"{configuration-qemu-runtime-rs.toml,configuration-dragonball.toml}
    tar -C "$TEST/made/kata" -cf - ./opt | zstd -q >"$TEST/www/no-configuration.tar.zst"
    list kata 4.1.0 no-configuration.tar.zst
    run_script kata apply
    failing "has no /opt/kata/share/defaults/kata-containers/runtime-rs/configuration-qemu-runtime-rs.toml, only: configuration-dragonball.toml"
    mkdir -p "$TEST/made/other/usr"
    tar -C "$TEST/made/other" -cf - ./usr | zstd -q >"$TEST/www/other.tar.zst"
    list kata 4.1.0 other.tar.zst
    run_script kata apply
    failing "the Kata release 4.1.0 does not hold opt/kata"
    [ ! -e "$ROOT/opt/kata" ]
    [ -z "$(find "$ROOT/opt" -maxdepth 1 -name 'kata-*')" ]
}

@test "reset removes the files, drop-ins of ours too" {
    before=$(tree)
    run_script kata apply
    run_script kata reset
    succeed
    [ "$(tree)" = "$before" ]
    run_script kata reset
    succeed
}

@test "reset does not remove files that a virtual machine still runs from" {
    run_script kata apply
    vmm 900 "$(directory 4.1.0)"
    run_script kata reset
    failing "a pod's virtual machine still runs from $(directory 4.1.0). Fix: end that process"
    [ -d "$ROOT$(directory 4.1.0)" ]
    [ -f "$ROOT/$drop_ins/50-kata-cluster.toml" ]
}

@test "reset leaves a Kata alone that is not ours" {
    mkdir -p "$ROOT/opt/kata/bin"
    run_script kata reset
    succeed
    [ -d "$ROOT/opt/kata/bin" ]
}

@test "killed at any point, the next run converges" {
    anew() {
        rm -rf "$ROOT"
        make_root
    }
    kill_each anew kata apply
}

@test "what a killed run was unpacking or removing goes with the next one, and with reset" {
    mkdir -p "$ROOT/opt/.kata-cluster.removed/bin" "$ROOT/opt/.kata-cluster.abcd1234/opt"
    run_script kata apply
    succeed
    [ "$(names "$ROOT/opt")" = "kata $(basename "$(directory 4.1.0)")" ]
    mkdir -p "$ROOT/opt/.kata-cluster.removed/bin" "$ROOT/opt/.kata-cluster.abcd1234/opt"
    run_script kata apply
    succeed
    [ "$(names "$ROOT/opt")" = "kata $(basename "$(directory 4.1.0)")" ]
    rm -r "$ROOT/opt"
    mkdir -p "$ROOT/opt/.kata-cluster.abcd1234/opt"
    run_script kata reset
    succeed
    [ -z "$(names "$ROOT/opt")" ]
}

@test "an upgrade killed at any point converges too, with an older release to remove" {
    before_upgrade() {
        rm -rf "$ROOT"
        cp -a "$TEST/old-root" "$ROOT"
    }
    run_script kata apply
    make_kata 4.2.0
    run_script kata apply
    cp -a "$ROOT" "$TEST/old-root"
    make_kata 4.3.0
    kill_each before_upgrade kata apply
}

@test "reset killed at any point converges too, and what it began to remove is not taken for a release" {
    installed_node() {
        rm -rf "$ROOT"
        cp -a "$TEST/installed-root" "$ROOT"
    }
    run_script kata apply
    cp -a "$ROOT" "$TEST/installed-root"
    kill_each installed_node kata reset
    # The first `rm` that breaks off half way.
    installed_node
    stub rm <<<'[[ "$*" != *.removed || ! -d "$ROOT/opt/.kata-cluster.removed" ]] || { /bin/rm -r "$ROOT/opt/.kata-cluster.removed/share"; exit 1; }
exec /bin/rm "$@"'
    run_script kata reset
    failing "a command failed"
    stub rm <<<'exec /bin/rm "$@"'
    run_script kata apply
    succeed
    diff -r "$TEST/made/kata/opt/kata" "$ROOT/opt/kata/"
    [ "$(names "$ROOT/opt")" = "kata $(basename "$(directory 4.1.0)")" ]
}
