#!/usr/bin/env bats
# kubernetes.sh

setup() {
    load node
    make_node
    serve
    make_releases
}

teardown() {
    stop_server
}

@test "installs the programs and units, and enables kubelet without starting it" {
    run_script kubernetes apply
    succeed
    [ "${lines[-1]}" = '{"step":"kubernetes","changed":true,"version":"1.36.4"}' ]
    [ "$(names "$ROOT/usr/local/bin")" = "kubeadm kubectl kubelet" ]
    [ -x "$ROOT/opt/cni/bin/bridge" ]
    cmp "$HOST/files/etc/systemd/system/kubelet.service.d/10-kubeadm.conf" "$ROOT/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
    cmp "$HOST/files/etc/tmpfiles.d/kata-cluster-cni.conf" "$ROOT/etc/tmpfiles.d/kata-cluster-cni.conf"
    called "systemctl enable --quiet --no-reload kubelet" "systemctl daemon-reload" "systemctl try-restart kubelet"
    [ ! -e "$SERVICES/kubelet" ]
}

@test "a second run changes and restarts nothing; a new kubelet is restarted" {
    run_script kubernetes apply
    : >"$CALLS"
    before=$(tree)
    run_script kubernetes apply
    succeed
    says '"changed":false'
    called_not systemctl
    [ "$(tree)" = "$before" ]
    echo '# newer' >>"$TEST/www/kubelet.amd64"
    list kubelet 1.36.5 kubelet.amd64
    run_script kubernetes apply
    succeed
    called "systemctl try-restart kubelet"
}

@test "a CNI configuration in the bundle is installed, and removed with the bundle's" {
    mkdir -p "$BUNDLE/files/etc/cni/net.d"
    echo '{}' >"$BUNDLE/files/etc/cni/net.d/10-x.conflist"
    run_script kubernetes apply
    [ -f "$ROOT/etc/cni/net.d/10-x.conflist" ]
    rm -r "$BUNDLE/files/etc/cni"
    run_script kubernetes apply
    [ ! -e "$ROOT/etc/cni/net.d/10-x.conflist" ]
}

@test "reset leaves nothing of ours; a control plane must be reset before" {
    before=$(tree)
    run_script kubernetes apply
    touch "$STATE/initialized"
    run_script kubernetes reset
    failing "this node still is a control plane. Fix: reset the step kubeadm first"
    rm "$STATE/initialized"
    run_script kubernetes reset
    succeed
    called "systemctl disable --now kubelet" "systemctl daemon-reload"
    [ "$(tree)" = "$before" ]
    run_script kubernetes reset
    succeed
}

@test "killed at any point, the next run converges" {
    # Only kubelet and the units are missing, to have fewer points of the same kind.
    run_script kubernetes apply
    rm -r "$STATE/installed/kubelet" "$STATE/files" "$ROOT/etc/systemd"
    cp -a "$ROOT" "$TEST/before"
    anew() {
        rm -rf "$ROOT"
        cp -a "$TEST/before" "$ROOT"
    }
    kill_each anew kubernetes apply
}
