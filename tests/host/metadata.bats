#!/usr/bin/env bats
# metadata.sh with a stand-in for nft. What the rules do is in metadataServer.bats.
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

rules=etc/kata-cluster/metadata.nft
unit=etc/systemd/system/kata-cluster-metadata.service

setup() {
    load node
    make_node
    export LIVE=$ROOT/run/table
    make_firewall
}

@test "apply installs the rules and a unit that loads them before kubelet starts, and loads them" {
    run_script metadata apply
    succeed
    says '{"step":"metadata","changed":true,"live":true}'
    called "unshare --net" "systemctl enable --quiet --no-reload kata-cluster-metadata" "systemctl daemon-reload" \
        "systemctl reload-or-restart kata-cluster-metadata" "nft --stateless list table inet kata_cluster"
    cmp "$HOST/files/$rules" "$ROOT/$rules"
    cmp "$HOST/files/$rules" "$LIVE"
    grep -qx "RequiredBy=kubelet.service" "$ROOT/$unit"
    grep -qxE "Before=kubelet.service .*" "$ROOT/$unit"
    grep -qx "ExecStart=/usr/sbin/nft -f /$rules" "$ROOT/$unit"
}

@test "it has nothing to download" {
    run_script metadata downloads
    succeed
    [ -z "$output" ]
}

@test "a second apply changes nothing, and restarts nothing" {
    run_script metadata apply
    succeed
    before=$(tree)
    : >"$CALLS"
    run_script metadata apply
    succeed
    says '"changed":false,"live":true'
    called_not systemctl\ reload
    called_not "nft -f $ROOT"
    [ "$(tree)" = "$before" ]
}

@test "rules that are gone, edited, or of an older bundle are loaded anew" {
    run_script metadata apply
    for damage in 'rm "$LIVE"' 'echo "accept" >"$LIVE"' 'rm "$SERVICES/kata-cluster-metadata"' 'echo "# older" >>"$ROOT/$rules"'; do
        eval "$damage"
        run_script metadata apply
        succeed
        says '"changed":true,"live":true'
        cmp "$HOST/files/$rules" "$LIVE"
        [ -e "$SERVICES/kata-cluster-metadata" ]
    done
}

@test "rules that are not live are an error, at each run until they are" {
    LOST=8472 run_script metadata apply
    failing "kata-cluster: node lab-0, step metadata: the rules that keep pods from the metadata server are not live" "Fix: look for what flushes or edits nftables"
    LOST=8472 run_script metadata apply
    failing "are not live"
    run_script metadata apply
    succeed
}

@test "an nft that does not take the rules is an error with its words, and the node is as it was" {
    before=$(tree)
    REFUSED="Error: Could not process rule: No such file or directory" run_script metadata apply
    failing "Could not process rule" "nft does not take /$rules. Fix: read its words above"
    [ "$(tree)" = "$before" ]
}

@test "a unit that does not start is an error" {
    BROKEN=yes run_script metadata apply
    failing "kata-cluster-metadata.service does not start. Fix: read: journalctl --unit kata-cluster-metadata"
}

@test "reset leaves nothing, also where nothing was applied or nft is not there" {
    before=$(tree)
    run_script metadata reset
    succeed
    says '"changed":false'
    run_script metadata apply
    run_script metadata reset
    succeed
    says '"changed":true,"removed":true'
    called "systemctl disable --now kata-cluster-metadata" "nft delete table inet kata_cluster" "systemctl daemon-reload"
    [ "$(tree)" = "$before" ]
    stub nft <<<'exit 127'
    run_script metadata reset
    succeed
}

@test "reset is refused while kubelet is there to start pods" {
    run_script metadata apply
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/kubelet.service"
    run_script metadata reset
    failing "kubelet is installed, and pods would reach the metadata server. Fix: reset the step kubernetes first"
    [ -s "$LIVE" ]
}

anew() {
    rm -rf "$ROOT" "$SERVICES"
    mkdir -p "$SERVICES"
    make_root
}

@test "killed at any point, the next run converges" {
    KILL_BEFORE="mv rm touch systemctl nft" kill_each anew metadata apply
}

@test "a reset that was killed at any point, the next run ends" {
    installed() {
        anew
        KILL_AT=0 bash "$BUNDLE/metadata.sh" apply >/dev/null 2>&1
    }
    KILL_BEFORE="mv rm touch systemctl nft" kill_each installed metadata reset
}
