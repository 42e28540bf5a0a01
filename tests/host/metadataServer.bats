#!/usr/bin/env bats
# The rules of metadata.sh in the real kernel: a node with the bridge cni0, a pod behind it, and the cloud, which is the
# metadata server and another node, each a network namespace.
# shellcheck disable=SC2016 # programs in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    PATH=$PATH:/usr/sbin:/sbin
    rules=$HOST/files/etc/kata-cluster/metadata.nft
    TEST=$BATS_TEST_TMPDIR
    node=kata-cluster-$$-node pod=kata-cluster-$$-pod cloud=kata-cluster-$$-cloud
    needs_namespaces
    make_network
    listen "$cloud" tcp,169.254.169.254,80 tcp,fd20:ce::254,80 tcp,169.254.169.254,53 udp,169.254.169.254,53 \
        udp,192.0.2.2,8472 udp,192.0.2.2,9000 udp,fd00:2::2,8472 udp,fd00:2::2,9000
    listen "$node" udp,0.0.0.0,8472 udp,0.0.0.0,9000 udp,fd00:1::1,8472 udp,fd00:1::1,9000
}

teardown() {
    local name
    kill "${listeners[@]}" 2>/dev/null || true
    for name in "$node" "$pod" "$cloud"; do
        ip netns delete "$name" 2>/dev/null || true
    done
}

# Skips with what is missing here.
needs_namespaces() {
    local name refused
    ((EUID == 0)) || skip "network namespaces are made by root"
    for name in ip nft; do
        command -v "$name" >/dev/null || skip "$name is not installed"
    done
    for name in "$node" "$pod" "$cloud"; do
        refused=$(ip netns add "$name" 2>&1) || skip "this kernel makes no network namespace: $refused"
    done
    refused=$(in_ "$node" nft list ruleset 2>&1) || skip "this kernel has no nftables: $refused"
    refused=$(in_ "$node" ip link add cni0 type bridge 2>&1) || skip "this kernel has no bridges: $refused"
}

in_() {
    ip netns exec "$@"
}

make_network() {
    local name
    for name in "$node" "$pod" "$cloud"; do
        in_ "$name" sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
        ip -n "$name" link set lo up
    done
    ip -n "$node" link add pod0 master cni0 type veth peer eth0 netns "$pod"
    ip -n "$node" link add uplink type veth peer eth0 netns "$cloud"
    connect "$node" cni0 10.244.0.1/24 fd00:1::1/64
    connect "$pod" eth0 10.244.0.2/24 fd00:1::2/64
    connect "$node" uplink 192.0.2.1/24 fd00:2::1/64
    connect "$cloud" eth0 192.0.2.2/24 fd00:2::2/64
    connect "$cloud" lo 169.254.169.254/32 fd20:ce::254/128
    ip -n "$node" link set pod0 up
    route "$pod" 10.244.0.1 fd00:1::1
    route "$node" 192.0.2.2 fd00:2::2
    route "$cloud" 192.0.2.1 fd00:2::1
}

connect() {
    ip -n "$1" link set "$2" up
    ip -n "$1" address add "$3" dev "$2"
    ip -n "$1" address add "$4" dev "$2" nodad
}

route() {
    ip -n "$1" route add default via "$2"
    ip -n "$1" -6 route add default via "$3"
}

# listen NAMESPACE PROTOCOL,ADDRESS,PORT...
listen() {
    local log=$TEST/$1
    ip netns exec "$1" perl "$REPOSITORY/tests/host/fixtures/listen.pl" "${@:2}" >"$log" 2>"$log.errors" 3>&- &
    listeners+=($!)
    within 50 grep -qs ready "$log" || {
        cat "$log.errors"
        return 1
    }
}

# within TENTHS COMMAND...: until it succeeds.
within() {
    local left=$1
    until "${@:2}"; do
        ((left-- > 0)) || return 1
        sleep 0.1
    done
}

load_rules() {
    in_ "$node" nft -f "$rules"
}

# answers NAMESPACE ADDRESS PORT [BY]: whether a TCP connection from there is answered, by the one that was called.
answers() {
    local answer
    answer=$(in_ "$1" timeout 1 bash -c 'read -r answer <"/dev/tcp/$1/$2" && echo "$answer"' - "$2" "$3" 2>/dev/null) || return 1
    [[ "$answer" == "answer of ${4:-$2}" ]]
}

send() {
    in_ "$1" bash -c 'printf "%s" "$3" >"/dev/udp/$1/$2"' - "$2" "$3" "$4"
}

# arrives FROM ADDRESS PORT TO [DIRECT]: whether a UDP packet arrives. One to port 9000, of the same address or of
# DIRECT, follows it and must arrive; so what was dropped is not waited for long.
arrives() {
    local text=$1-$2-$3-$RANDOM$RANDOM
    send "$1" "$2" "$3" "$text"
    send "$1" "${5:-$2}" 9000 "after $text"
    within 50 grep -qx "after $text" "$TEST/$4" || {
        echo "not even port 9000 of $2 is reached"
        exit 1
    }
    within 3 grep -qx "$text" "$TEST/$4"
}

# dropped FROM ADDRESS PORT TO [DIRECT]: see arrives.
dropped() {
    run ! arrives "$@"
    [ -z "$output" ]
}

# What kube-proxy makes of Services whose endpoints are what pods must not reach.
services() {
    in_ "$node" nft -f - <<'RULES'
table ip services {
    chain prerouting {
        type nat hook prerouting priority dstnat;
        ip daddr 10.96.0.9 tcp dport 80 dnat to 169.254.169.254
        ip daddr 10.96.0.9 udp dport 81 dnat to 10.244.0.1:8472
        ip daddr 10.96.0.9 udp dport 82 dnat to 192.0.2.2:8472
        ip daddr 192.0.2.1 udp dport 30081 dnat to 192.0.2.1:8472
        ip daddr 192.0.2.1 udp dport 30082 dnat to 192.0.2.2:8472
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        ct status dnat masquerade
    }
}
RULES
}

@test "nft takes the file" {
    in_ "$node" nft --check -f "$rules"
}

@test "pods reach the metadata server before the rules are loaded and not after; the node does, and names are resolved" {
    for address in 169.254.169.254 fd20:ce::254; do
        answers "$pod" "$address" 80
    done
    load_rules
    for address in 169.254.169.254 fd20:ce::254; do
        run ! answers "$pod" "$address" 80
        answers "$node" "$address" 80
    done
    answers "$pod" 169.254.169.254 53
    send "$pod" 169.254.169.254 53 query
    within 50 grep -qx query "$TEST/$cloud"
}

@test "pods send nothing to UDP 8472 of this node or of another; other UDP passes" {
    targets=("10.244.0.1 $node" "192.0.2.1 $node" "fd00:1::1 $node" "192.0.2.2 $cloud" "fd00:2::2 $cloud")
    for target in "${targets[@]}"; do
        arrives "$pod" "${target% *}" 8472 "${target#* }"
    done
    load_rules
    for target in "${targets[@]}"; do
        dropped "$pod" "${target% *}" 8472 "${target#* }"
    done
}

@test "nodes send overlay packets to each other as before" {
    load_rules
    arrives "$node" 192.0.2.2 8472 "$cloud"
    arrives "$cloud" 192.0.2.1 8472 "$node"
}

@test "a Service is no way round, of this node or by another node's NodePort" {
    services
    answers "$pod" 10.96.0.9 80 169.254.169.254
    arrives "$pod" 10.96.0.9 81 "$node" 10.244.0.1
    arrives "$pod" 10.96.0.9 82 "$cloud" 192.0.2.2
    arrives "$cloud" 192.0.2.1 30081 "$node"
    arrives "$cloud" 192.0.2.1 30082 "$cloud" 192.0.2.2
    load_rules
    run ! answers "$pod" 10.96.0.9 80 169.254.169.254
    dropped "$pod" 10.96.0.9 81 "$node" 10.244.0.1
    dropped "$pod" 10.96.0.9 82 "$cloud" 192.0.2.2
    dropped "$cloud" 192.0.2.1 30081 "$node"
    dropped "$cloud" 192.0.2.1 30082 "$cloud" 192.0.2.2
}

@test "what other tables accept stays dropped, before these rules or after" {
    in_ "$node" nft -f - <<'RULES'
table inet tenant {
    chain first {
        type filter hook prerouting priority -310;
        ip daddr 169.254.169.254 counter accept
        udp dport 8472 counter accept
    }
    chain forward {
        type filter hook forward priority -100;
        counter accept
    }
    chain later {
        type filter hook forward priority 100;
        counter accept
    }
}
RULES
    answers "$pod" 169.254.169.254 80
    load_rules
    run ! answers "$pod" 169.254.169.254 80
    dropped "$pod" 192.0.2.2 8472 "$cloud"
}

@test "the step itself: loads the rules, mends them, takes them away" {
    make_node
    rm "$STUBS/ip"
    listed() {
        in_ "$node" nft list tables | grep -qx 'table inet kata_cluster'
    }
    stub systemctl <<<'case "$1" in
    is-active) [[ -e "$SERVICES/$3" ]] ;;
    reload-or-restart) nft -f "$ROOT/etc/kata-cluster/metadata.nft" && touch "$SERVICES/$2" ;;
esac'
    step() {
        run in_ "$node" bash "$BUNDLE/metadata.sh" "$1"
        succeed
        says "\"changed\":$2"
    }
    step apply true
    run ! answers "$pod" 169.254.169.254 80
    step apply false
    in_ "$node" nft insert rule inet kata_cluster prerouting accept
    step apply true
    run ! answers "$pod" 169.254.169.254 80
    in_ "$node" nft flush ruleset
    step apply true
    listed
    step reset true
    run ! listed
    answers "$pod" 169.254.169.254 80
}
