#!/usr/bin/env bats
# crio.sh
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    serve
    make_releases
    use_crio
}

teardown() {
    stop_server
}

drop_in=etc/crio/crio.conf.d/50-kata.conf
programs=usr/local/libexec/crio
socket=unix:///var/run/crio/crio.sock

@test "installs what it needs of the release, checks its settings before they are used, and handlers and settings after the restart" {
    run_script crio apply
    succeed
    [ "${lines[-1]}" = '{"step":"crio","changed":true,"version":"1.36.3","handlers":"runc kata"}' ]
    called "crio --config  --config-dir $BUNDLE/files/etc/crio/crio.conf.d config" \
        "systemctl enable --quiet --no-reload crio" "systemctl daemon-reload" "systemctl restart crio" "crictl --runtime-endpoint $socket --image-endpoint $socket info" \
        "crio status --socket /var/run/crio/crio.sock config"
    called_not reload-or
    cmp "$GOLDEN/50-kata.conf" "$ROOT/$drop_in"
    cmp "$GOLDEN/registries.conf" "$ROOT/etc/containers/registries.conf.d/50-kata-cluster.conf"
    [ -f "$ROOT/etc/crio/policy.json" ]
    [ "$(names "$ROOT/$programs")" = "conmon crio pinns runc" ]
    [ "$(names "$ROOT/usr/local/bin")" = crictl ]
    cmp "$HOST/files/etc/systemd/system/crio.service" "$ROOT/etc/systemd/system/crio.service"
}

@test "only CRI-O and crictl are downloaded" {
    run_script crio downloads
    [ "$(paste -sd ' ' <<<"$output")" = "crio crictl" ]
    run_script crio apply
    run_script crio downloads
    [ -z "$output" ]
}

@test "the unit, the drop-in and the script name the same programs" {
    grep -qx "ExecStart=/$programs/crio" "$HOST/files/etc/systemd/system/crio.service"
    for name in pinns conmon runc; do
        grep -q "\"/$programs/$name\"" "$GOLDEN/50-kata.conf"
    done
    grep -qF 'listen = "/var/run/crio/crio.sock"' "$GOLDEN/50-kata.conf"
}

@test "a second run changes and restarts nothing" {
    run_script crio apply
    : >"$CALLS"
    before=$(tree)
    run_script crio apply
    succeed
    says '"changed":false'
    called_not restart
    [ "$(tree)" = "$before" ]
}

@test "a stopped CRI-O is started, a changed file of ours mended" {
    run_script crio apply
    rm "$SERVICES/crio"
    : >"$CALLS"
    run_script crio apply
    succeed
    called "systemctl restart crio"
    : >"$CALLS"
    echo '# by hand' >>"$ROOT/$drop_in"
    run_script crio apply
    succeed
    says "wrote /$drop_in"
    cmp "$GOLDEN/50-kata.conf" "$ROOT/$drop_in"
}

@test "new settings restart it, and so does another mirror" {
    run_script crio apply
    : >"$CALLS"
    echo 'unqualified-search-registries = [ "docker.io" ]' >"$BUNDLE/files/etc/containers/registries.conf.d/50-kata-cluster.conf"
    run_script crio apply
    succeed
    called "systemctl restart crio"
    : >"$CALLS"
    echo '# another' >>"$BUNDLE/files/$drop_in"
    run_script crio apply
    succeed
    called "crio --config  --config-dir" "systemctl restart crio"
}

@test "a CRI-O that does not take a handler or a setting is refused before the restart, and the old ones stay" {
    run_script crio apply
    : >"$CALLS"
    echo '# another' >>"$BUNDLE/files/$drop_in"
    LOST='runtimes.kata' run_script crio apply
    failing 'CRI-O 1.36.3 does not take its setting [crio.runtime.runtimes.kata]' "the node's configuration was not changed"
    for setting in 'default_runtime = "runc"' 'cgroup_manager = "systemd"' 'pause_image = "registry.k8s.io/pause:3.10.2"' \
        'runtime_config_path = "/etc/kata-cluster/kata/configuration.toml"' 'runtime_type = "vm"'; do
        LOST=$setting run_script crio apply
        failing "does not take its setting $setting"
    done
    cmp "$GOLDEN/50-kata.conf" "$ROOT/$drop_in"
    called_not restart
}

@test "a CRI-O that refuses its settings, or an archive without one of its programs, is not installed" {
    program "$TEST/made/crio/cri-o/bin/crio" 'echo "level=info msg=first" >&2; echo "toml: line 3: expected value" >&2; exit 1'
    tar -czf "$TEST/www/cri-o.tar.gz" -C "$TEST/made/crio" cri-o
    list crio 1.36.3 cri-o.tar.gz
    run_script crio apply
    failing "CRI-O 1.36.3 refuses its settings: toml: line 3: expected value"
    rm "$TEST/made/crio/cri-o/bin/pinns"
    tar -czf "$TEST/www/cri-o.tar.gz" -C "$TEST/made/crio" cri-o
    list crio 1.36.3 cri-o.tar.gz
    run_script crio apply
    failing 'the CRI-O release 1.36.3 holds no program "pinns"' "Fix: give CRI-O's own archive"
    [ ! -e "$ROOT/$programs/crio" ]
    [ ! -e "$ROOT/$drop_in" ]
    called_not restart
}

@test "a CRI-O that does not start shows what it said" {
    stub systemctl <<<'[[ "$1" != restart && "$1" != is-active ]]'
    stub journalctl <<<'echo "validating runtime config: runtime validation: invalid runtime_path for runtime runc"'
    run_script crio apply
    failing "crio does not start: validating runtime config: runtime validation: invalid runtime_path"
    called "journalctl _SYSTEMD_UNIT=crio.service"
}

@test "a handler that CRI-O dropped is an error, with the cause that it only warned of" {
    stub crictl <<<'[[ "$*" != *" info" ]] || echo "{\"runtimeHandlers\":[{\"name\":\"\"},{\"name\":\"runc\"}]}"'
    stub journalctl <<<'cat <<WORDS
time="2026-11-24T08:07:49Z" level=warning msg="Runtime handler \"crun\" is being ignored due to: \"crun\" not found in \$PATH"
time="2026-11-24T08:07:49Z" level=warning msg="Runtime handler \"kata\" is being ignored due to: invalid runtime_path for runtime kata: no such file or directory"
WORDS'
    run_script crio apply
    failing 'the running crio has no handler "kata", only: runc; CRI-O dropped it: invalid runtime_path for runtime kata: no such file or directory'
    # What was not seen to work is restarted.
    stub crictl <<<'[[ "$*" != *" info" ]] || echo "{\"runtimeHandlers\":[{\"name\":\"runc\"},{\"name\":\"kata\"}]}"'
    : >"$CALLS"
    run_script crio apply
    succeed
    called "systemctl restart crio"
}

@test "a setting that the running CRI-O does not have is an error, whatever the reason" {
    LOST_LIVE=privileged_without_host_devices run_script crio apply
    failing "the running CRI-O has another value than ours for [crio.runtime.runtimes.kata]privileged_without_host_devices=true. Fix: look at: /$programs/crio status config"
    LOST_LIVE='container_create_timeout|pause_image' run_script crio apply
    failing "for [crio.runtime.runtimes.kata]container_create_timeout=600 [crio.image]pause_image=\"registry.k8s.io/pause:3.10.2\""
    run_script crio apply
    succeed
}

@test "a CRI-O that never answers fails within its time" {
    stub crictl <<<'echo "connection refused" >&2; exit 1'
    CRI_SECONDS=1 run_script crio apply
    failing "crio does not answer on $socket: connection refused"
}

@test "settings of unknown origin are refused, wherever CRI-O would read them, before anything is changed" {
    for file in etc/crio/crio.conf etc/crio/crio.conf.d/60-mine.conf etc/crio/crio.conf.d/.hidden etc/crio/crio.conf.d/sub/x.conf "$drop_in"; do
        mkdir -p "$(dirname "$ROOT/$file")"
        echo '[crio.runtime.runtimes.kata]' >"$ROOT/$file"
        run_script crio apply
        failing "/$file is not KataCluster's, and what CRI-O reads there could take isolation away. Fix: remove it"
        [ ! -s "$REQUESTS" ]
        rm "$ROOT/$file"
    done
    run_script crio apply
    succeed
    echo x >"$ROOT/etc/crio/crio.conf.d/60-mine.conf"
    run_script crio apply
    failing "/etc/crio/crio.conf.d/60-mine.conf is not KataCluster's"
}

@test "where containerd of ours still runs, it is installed and checked but not started" {
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/containerd.service" "$SERVICES/containerd"
    run_script crio apply
    succeed
    says "crio is ready to take over from containerd"
    [ "${lines[-1]}" = '{"step":"crio","changed":true,"version":"1.36.3"}' ]
    called "crio --config  --config-dir"
    called_not systemctl
    [ ! -e "$ROOT/etc/systemd/system/crio.service" ]
}

@test "reset: kubelet first, pods, CRI-O, then its files; what the node's other tools have stays; again it does nothing" {
    mkdir -p "$ROOT/etc/containers/registries.conf.d" "$ROOT/var/lib/containers/storage"
    echo theirs | tee "$ROOT/etc/containers/policy.json" "$ROOT/etc/containers/registries.conf.d/shortnames.conf" "$ROOT/var/lib/containers/storage/x" >/dev/null
    before=$(tree)
    run_script crio apply
    succeed
    touch "$SERVICES/kubelet"
    mkdir -p "$ROOT/var/lib/crio/storage/overlay" "$ROOT/run/crio" "$ROOT/var/log/crio/pods"
    echo "/dev/vda1 /var/lib/crio/storage/overlay ext4 rw 0 0" >>"$ROOT/proc/mounts"
    : >"$CALLS"
    run_script crio reset
    succeed
    called "systemctl stop kubelet" "crictl --runtime-endpoint $socket --image-endpoint $socket rmp --all --force" "systemctl disable --now crio" \
        "umount /var/lib/crio/storage/overlay" "systemctl daemon-reload"
    [ "$(tree)" = "$before" ]
    for path in /var/lib/crio /run/crio /var/log/crio; do
        [ ! -e "$ROOT$path" ]
    done
    : >"$CALLS"
    run_script crio reset
    succeed
    called_not crictl
}

@test "reset of a CRI-O that is replaced leaves crictl to the chosen runtime" {
    run_script crio apply
    cp "$GOLDEN/node.env" "$BUNDLE/node.env"
    run_script crio reset
    succeed
    [ -x "$ROOT/usr/local/bin/crictl" ]
    [ -f "$ROOT/etc/crictl.yaml" ]
    [ ! -e "$ROOT/$programs/crio" ]
}

@test "reset leaves a CRI-O alone that is not ours" {
    mkdir -p "$ROOT/etc/crio" "$ROOT/var/lib/crio/theirs"
    echo theirs >"$ROOT/etc/crio/crio.conf"
    touch "$SERVICES/crio"
    run_script crio reset
    succeed
    called_not disable
    [ -d "$ROOT/var/lib/crio/theirs" ]
    [ -f "$ROOT/etc/crio/crio.conf" ]
}

@test "the real CRI-O takes the settings" {
    real=$(command -v crio) || skip "no CRI-O here"
    run bash -c "source '$BUNDLE/crio.sh' downloads; check_config '$real'"
    succeed
    sed -i 's/^default_runtime/default_runtim/' "$BUNDLE/files/$drop_in"
    run bash -c "source '$BUNDLE/crio.sh' downloads; check_config '$real'"
    failing "CRI-O 1.36.3 does not take its setting default_runtim = "
}

@test "killed at any point, the next run converges and has restarted CRI-O" {
    anew() {
        rm -rf "$ROOT" "$SERVICES"
        mkdir "$SERVICES"
        make_root
    }
    kill_each anew crio apply
}
