#!/usr/bin/env bats
# containerd.sh
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

config=etc/containerd/config.toml

@test "installs, checks the configuration before it is used and the handlers after the restart" {
    run_script containerd apply
    succeed
    [ "${lines[-1]}" = '{"step":"containerd","changed":true,"version":"2.3.4","handlers":"runc kata untrusted"}' ]
    called "containerd --config $BUNDLE/files/etc/containerd/config.toml config dump" \
        "systemctl enable --quiet --no-reload containerd" "systemctl daemon-reload" "systemctl restart containerd" "crictl --runtime-endpoint unix:///run/containerd/containerd.sock --image-endpoint unix:///run/containerd/containerd.sock info"
    [ "$(grep -c "config dump" "$CALLS")" -eq 1 ]
    cmp "$GOLDEN/config.toml" "$ROOT/$config"
    [ -x "$ROOT/usr/local/bin/containerd-shim-runc-v2" ]
    [ -x "$ROOT/usr/local/bin/runc" ]
    cmp "$HOST/files/etc/systemd/system/containerd.service" "$ROOT/etc/systemd/system/containerd.service"
}

@test "a second run changes and restarts nothing" {
    run_script containerd apply
    : >"$CALLS"
    before=$(tree)
    run_script containerd apply
    succeed
    says '"changed":false'
    called_not restart
    [ "$(tree)" = "$before" ]
}

@test "a stopped containerd is started, a changed file of ours mended" {
    run_script containerd apply
    rm "$SERVICES/containerd"
    : >"$CALLS"
    run_script containerd apply
    succeed
    called "systemctl restart containerd"
    : >"$CALLS"
    echo '# by hand' >>"$ROOT/$config"
    run_script containerd apply
    succeed
    says "wrote /etc/containerd/config.toml"
    cmp "$GOLDEN/config.toml" "$ROOT/$config"
}

@test "a new configuration restarts it, new hosts of a mirror do not" {
    run_script containerd apply
    : >"$CALLS"
    mkdir -p "$BUNDLE/files/etc/containerd/certs.d/docker.io"
    cp "$GOLDEN/hosts.toml" "$BUNDLE/files/etc/containerd/certs.d/docker.io"
    run_script containerd apply
    succeed
    cmp "$GOLDEN/hosts.toml" "$ROOT/etc/containerd/certs.d/docker.io/hosts.toml"
    called_not restart
    echo '# another' >>"$BUNDLE/files/$config"
    run_script containerd apply
    succeed
    called "systemctl restart containerd"
}

@test "a configuration without a handler, with an unknown key, without SystemdCgroup or with another pause image is refused, and the old one stays" {
    run_script containerd apply
    : >"$CALLS"
    echo '# another' >>"$BUNDLE/files/$config"
    LOST=runtimes.untrusted run_script containerd apply
    failing 'containerd 2.3.4 sees no handler "untrusted" in its config.toml' "the node's configuration was not changed"
    LOST=SystemdCgroup run_script containerd apply
    failing "does not see SystemdCgroup"
    LOST=sandbox run_script containerd apply
    failing "does not take the pause image registry.k8s.io/pause:3.10.2"
    UNKNOWN_KEY=bogus run_script containerd apply
    failing "does not know a part of its config.toml: " "bogus"
    cmp "$GOLDEN/config.toml" "$ROOT/$config"
    called_not restart
}

@test "a containerd that refuses the configuration is not installed" {
    program "$TEST/made/containerd/bin/containerd" 'echo "containerd: expected containerd config version equal to or less than 2, got 3" >&2; exit 1'
    tar -czf "$TEST/www/containerd.tar.gz" -C "$TEST/made/containerd" bin
    list containerd 2.3.4 containerd.tar.gz
    run_script containerd apply
    failing "containerd 2.3.4 refuses its config.toml: containerd: expected containerd config version equal to or less than 2, got 3"
    [ ! -e "$ROOT/usr/local/bin/containerd" ]
    [ ! -e "$ROOT/$config" ]
    called_not restart
}

@test "a containerd that does not start shows what it said" {
    stub systemctl <<<'[[ "$1" != restart && "$1" != is-active ]]'
    stub journalctl <<<'echo "failed to load plugin cri"'
    run_script containerd apply
    failing "containerd does not start: failed to load plugin cri"
}

@test "a running containerd without a handler fails, and says which it has" {
    stub crictl <<<'[[ "$*" != *" info" ]] || echo "{\"runtimeHandlers\":[{\"name\":\"runc\"},{\"name\":\"kata\"}]}"'
    run_script containerd apply
    failing 'the running containerd has no handler "untrusted", only: runc kata'
}

@test "a containerd that never answers fails within its time; one that answers late does not" {
    stub crictl <<<'echo "connection refused" >&2; exit 1'
    CRI_SECONDS=1 run_script containerd apply
    failing "containerd does not answer on unix:///run/containerd/containerd.sock: connection refused"
    # What was not seen to work is restarted.
    : >"$CALLS"
    stub crictl <<<'[[ "$*" != *" info" ]] || if [[ -e "$ROOT/../late" ]]; then echo "{\"runtimeHandlers\":[{\"name\":\"runc\"},{\"name\":\"kata\"},{\"name\":\"untrusted\"}]}"; else touch "$ROOT/../late"; exit 1; fi'
    run_script containerd apply
    succeed
    called "systemctl restart containerd"
}

@test "reset: kubelet first, pods, containerd, then its files; again it does nothing" {
    before=$(tree)
    run_script containerd apply
    succeed
    touch "$SERVICES/kubelet"
    mkdir -p "$ROOT/var/lib/containerd/io" "$ROOT/run/containerd"
    : >"$CALLS"
    run_script containerd reset
    succeed
    called "systemctl stop kubelet" "crictl --runtime-endpoint unix:///run/containerd/containerd.sock --image-endpoint unix:///run/containerd/containerd.sock rmp --all --force" \
        "systemctl disable --now containerd" "systemctl daemon-reload"
    [ "$(tree)" = "$before" ]
    [ ! -e "$ROOT/var/lib/containerd" ]
    : >"$CALLS"
    run_script containerd reset
    succeed
    called_not crictl
}

@test "reset unmounts what is left mounted, the innermost first" {
    run_script containerd apply
    printf 'x /run/containerd/task/a/rootfs overlay rw 0 0\nx /run/containerd/task/a/rootfs/dev tmpfs rw 0 0\nx /run/containerd-other ext4 rw 0 0\n' >>"$ROOT/proc/mounts"
    : >"$CALLS"
    run_script containerd reset
    succeed
    called "umount /run/containerd/task/a/rootfs/dev" "umount /run/containerd/task/a/rootfs"
    called_not "umount /run/containerd-other"
    called_not "umount /proc"
}

@test "where CRI-O of ours still runs, it is installed and checked but not started, and nothing of CRI-O's is touched" {
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/crio.service" "$SERVICES/crio"
    run_script containerd apply
    succeed
    says "containerd is ready to take over from crio"
    [ "${lines[-1]}" = '{"step":"containerd","changed":true,"version":"2.3.4"}' ]
    called "config dump"
    called_not systemctl
    [ -x "$ROOT/usr/local/bin/containerd" ]
    [ ! -e "$ROOT/etc/systemd/system/containerd.service" ]
}

@test "reset leaves a containerd alone that is not ours, and brings back what was configured before us" {
    mkdir -p "$ROOT/etc/containerd" "$ROOT/var/lib/containerd/theirs"
    echo theirs >"$ROOT/$config"
    touch "$SERVICES/containerd"
    run_script containerd reset
    succeed
    called_not "disable"
    [ -d "$ROOT/var/lib/containerd/theirs" ]
    rm "$SERVICES/containerd"
    run_script containerd apply
    succeed
    cmp "$GOLDEN/config.toml" "$ROOT/$config"
    run_script containerd reset
    succeed
    [ "$(cat "$ROOT/$config")" = theirs ]
}

@test "the real containerd takes the configuration" {
    real=$(command -v containerd || find "${XDG_CACHE_HOME:-$HOME/.cache}/kata-cluster" -type f -name containerd -perm -u+x 2>/dev/null | head -n 1)
    [ -n "$real" ] || skip "no containerd here"
    run bash -c "STEP=test; source '$BUNDLE/containerd.sh' downloads; check_config '$(dirname "$real")'"
    succeed
    sed -i 's/^privileged_without_host_devices/privileged_without_host_device/' "$BUNDLE/files/$config"
    run bash -c "STEP=test; source '$BUNDLE/containerd.sh' downloads; check_config '$(dirname "$real")'"
    failing "does not know a part of its config.toml" "privileged_without_host_device"
}

@test "killed at any point, the next run converges and has restarted containerd" {
    anew() {
        rm -rf "$ROOT" "$SERVICES"
        mkdir "$SERVICES"
        make_root
    }
    kill_each anew containerd apply
}
