#!/usr/bin/env bats
# admit.sh and locate.sh on a cluster of files. With a real API server: tests/engine/members.test.ts.
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

bats_require_minimum_version 1.5.0

setup() {
    load node
    make_node
    # Below the root, so that a kill test compares it too.
    export CLUSTER=$ROOT/cluster DRAIN_SECONDS=1 DEAD_SECONDS=1 ENDING_SECONDS=1
    mkdir -p "$TEST/pki"
    (cd "$TEST/pki" && make_authority) >/dev/null 2>&1
    world
    kubectl_of_files
}

make_authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=ca -keyout ca.key -out ca.crt
    mkdir etcd
    for name in sa.pub sa.key front-proxy-ca.crt front-proxy-ca.key etcd/ca.crt etcd/ca.key; do echo "secret-$name" >"$name"; done
    for name in one two; do
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >"$name.key"
        openssl req -new -key "$name.key" -subj "/O=system:nodes/CN=system:node:lab-worker-0" >"$name.pem"
        openssl x509 -req -in "$name.pem" -CA ca.crt -CAkey ca.key -CAcreateserial -days 200 >"$name.crt"
    done
}

# world: a control plane with the Node of a worker that it admitted with key "one", and the guide's pod on it.
world() {
    rm -rf "$ROOT"
    make_root
    mkdir -p "$CLUSTER"/{nodes,pods} "$STATE/members" "$ROOT/etc/kubernetes"
    cp -r "$TEST/pki" "$ROOT/etc/kubernetes/pki"
    printf 'clusters:\n- cluster:\n    server: https://10.0.0.1:6443\n' >"$ROOT/etc/kubernetes/admin.conf"
    node lab-0 control-plane
    node lab-worker-0 worker
    cp "$TEST/pki/one.crt" "$STATE/members/lab-worker-0.crt"
    echo '{"labels":{},"taints":[]}' >"$STATE/members/lab-worker-0.json"
    echo control-plane >"$CLUSTER/tainted"
    pod guide lab-worker-0
}

node() {
    jq -n --arg name "$1" --arg role "$2" '{metadata: {$name, labels: (if $role == "worker" then {} else {"node-role.kubernetes.io/control-plane": ""} end)}, status: {conditions: [{type: "Ready", status: "True"}]}}' >"$CLUSTER/nodes/$1"
}

pod() {
    jq -n --arg name "$1" --arg node "$2" '{metadata: {$name, namespace: "default", uid: "old"}, spec: {nodeName: $node, containers: []}, status: {phase: "Running"}}' >"$CLUSTER/pods/$1"
}

# kubectl on those files. DEAD keeps evicted pods, as a node without kubelet does.
kubectl_of_files() {
    stub kubectl <<'BODY'
shift 2
[[ "${1:-}" != --request-timeout ]] || shift 2
put() { cat >"$1.new" && mv "$1.new" "$1"; }
case "$*" in
    "get --raw /readyz") ;;
    "get node "*--ignore-not-found*) [[ ! -f "$CLUSTER/nodes/$3" ]] || echo "node/$3" ;;
    "get node "*) cat "$CLUSTER/nodes/$3" ;;
    "get nodes --selector !"*) grep -LF node-role "$CLUSTER"/nodes/* | sed "s|.*/|node/|" ;;
    "get nodes --selector "*) grep -lF node-role "$CLUSTER"/nodes/* | sed "s|.*/|node/|" ;;
    "delete node "*) rm -f "$CLUSTER/nodes/$3" ;;
    "taint nodes "*-) rm -f "$CLUSTER/tainted" ;;
    "taint nodes "*) echo control-plane | put "$CLUSTER/tainted" ;;
    "taint node "* | "label node "*) echo "$*" >>"$CLUSTER/changes" ;;
    "cordon "*) ;;
    "get pods "*) cat "$CLUSTER"/pods/* 2>/dev/null | jq -s --arg node "${5#spec.nodeName=}" '{items: map(select(.spec.nodeName == $node))}' ;;
    "create --raw "*) name=$(jq -r .metadata.name); [[ -n "${DEAD:-}" ]] || rm -f "$CLUSTER/pods/$name" ;;
    "delete pod "*) rm -f "$CLUSTER/pods/$3" ;;
    "get pod "*name) [[ ! -f "$CLUSTER/pods/$3" ]] || echo "pod/$3" ;;
    "get pod "*) cat "$CLUSTER/pods/$3" 2>/dev/null || [[ "$*" == *--ignore-not-found* ]] ;;
    "create --field-manager kubectl --filename "*)
        name=$(jq -r .metadata.name "$5")
        [[ ! -f "$CLUSTER/pods/$name" ]] || { echo "Error from server (AlreadyExists)" >&2; exit 1; }
        jq '.metadata.uid = "new"' "$5" | put "$CLUSTER/pods/$name"
        ;;
    "get csr --output json") jq -n '{items: ["node:lab-worker-0", "node:lab-0" | {metadata: {name: ("of-" + .)}, spec: {username: ("system:" + .)}}]}' ;;
    "delete csr "*) ;;
    *) echo "stand-in for kubectl: $*" >&2; exit 64 ;;
esac
BODY
}

order() {
    jq -cn --rawfile request "$TEST/pki/$1.pem" --argjson more "${2:-{\}}" '{$request, role: "worker", labels: {}, taints: []} + $more'
}

admit() {
    run bash -c 'printf %s "$1" | bash "$2/admit.sh" "${@:3}"' - "$1" "$BUNDLE" "${@:2}"
}

# admitted KEY: that is whose record it is, by the cluster's authority, for a year, for a client and nothing else.
admitted() {
    local file=$STATE/members/lab-worker-0.crt
    openssl verify -CAfile "$TEST/pki/ca.crt" -purpose sslclient "$file"
    run ! openssl verify -CAfile "$TEST/pki/ca.crt" -purpose sslserver "$file"
    [ "$(openssl x509 -in "$file" -noout -pubkey)" = "$(openssl pkey -in "$TEST/pki/$1.key" -pubout)" ]
    openssl x509 -in "$file" -noout -checkend $((360 * 86400))
    [ "$(openssl x509 -in "$file" -noout -subject -nameopt RFC2253)" = "subject=CN=system:node:lab-worker-0,O=system:nodes" ]
}

@test "a node that has joined with this key is admitted again with the same certificate, and nothing else happens" {
    before=$(tree)
    admit "$(order one)" apply lab-worker-0
    succeed
    [ "$(jq -r .certificate <<<"${lines[-1]}")" = "$(cat "$TEST/pki/one.crt")" ]
    [ "$(jq -r .endpoint <<<"${lines[-1]}")" = https://10.0.0.1:6443 ]
    [ "$(tree)" = "$before" ]
    called_not csr
    called_not cordon
}

@test "another machine of that name: pods, Node and record of the old one go before it is admitted" {
    admit "$(order two)" apply lab-worker-0
    succeed
    called "cordon lab-worker-0" "/pods/guide/eviction" "create --field-manager kubectl --filename" "delete node lab-worker-0" \
        "delete csr of-node:lab-worker-0" "taint nodes"
    called_not "delete csr of-node:lab-0"
    [ "$(jq -r .spec.nodeName "$CLUSTER/pods/guide")" = null ]
    admitted two
}

@test "a certificate that ends within a month is renewed" {
    openssl x509 -req -in "$TEST/pki/one.pem" -CA "$TEST/pki/ca.crt" -CAkey "$TEST/pki/ca.key" -days 20 >"$STATE/members/lab-worker-0.crt" 2>/dev/null
    admit "$(order one)" apply lab-worker-0
    succeed
    admitted one
    called_not cordon
}

@test "an authority that can't sign is named with openssl's words" {
    rm "$STATE"/members/* "$CLUSTER/nodes/lab-worker-0"
    echo broken >"$ROOT/etc/kubernetes/pki/ca.key"
    admit "$(order one)" apply lab-worker-0
    failing "the cluster's authority did not sign the request of lab-worker-0: " "Fix: see that ca.crt and ca.key in"
    [ ! -e "$STATE/members/lab-worker-0.crt" ]
}

@test "an API that does not serve is named, and nothing is removed" {
    stub kubectl <<<'exit 1'
    for verb in apply reset; do
        API_SECONDS=1 RETRY_DELAY=1 admit "$(order one)" "$verb" lab-worker-0
        failing "the API does not serve"
    done
    [ -e "$STATE/members/lab-worker-0.crt" ]
}

@test "a load balancer that changes over and an election of etcd are waited for, at every question" {
    mv "$STUBS/kubectl" "$STUBS/kubectl.steady"
    # Each question gets no answer at first, except the one whether the API serves.
    stub kubectl <<'BODY'
asked=$CLUSTER/../../asked.$(sha256sum <<<"$*" | cut -c 1-16)
if [[ "$*" != *readyz* && ! -e "$asked" ]]; then
    touch "$asked"
    case $* in
        *taint*) echo "Error from server: etcdserver: leader changed" >&2 ;;
        *) echo "Unable to connect to the server: EOF" >&2 ;;
    esac
    exit 1
fi
exec "$0.steady" "$@"
BODY
    RETRY_DELAY=0 admit "$(order two)" apply lab-worker-0
    succeed
    [[ "$output" == *"asking again: Unable to connect to the server: EOF"* ]]
    called "delete node lab-worker-0" "taint nodes"
    admitted two
}

@test "an API that is lost while a node leaves is not taken for the Node's being gone" {
    mv "$STUBS/kubectl" "$STUBS/kubectl.steady"
    stub kubectl <<<'[[ "$*" == *readyz* ]] && exec "$0.steady" "$@"; echo "Unable to connect to the server: EOF" >&2; exit 1'
    API_SECONDS=1 RETRY_DELAY=1 admit "" reset lab-worker-0
    failing "the API does not say whether there is a Node lab-worker-0"
    [ -e "$STATE/members/lab-worker-0.crt" ]
}

@test "the keys for a further control plane are nowhere in clear" {
    admit "$(order two '{"role":"control-plane"}')" apply lab-worker-0
    succeed
    says_not secret-
    answer=${lines[-1]}
    run ! grep -rE 'secret-(sa|etcd)' "$CALLS" "$STATE"
    jq -r .sealed <<<"$answer" | base64 -d |
        openssl cms -decrypt -binary -inform DER -recip "$STATE/members/lab-worker-0.crt" -inkey "$TEST/pki/two.key" | tar -xO etcd/ca.key | grep -qx secret-etcd/ca.key
}

@test "a dead node keeps nobody waiting: its pods are removed by force and made again" {
    jq '.status.conditions[0].status = "Unknown"' "$CLUSTER/nodes/lab-worker-0" >"$TEST/dead"
    cp "$TEST/dead" "$CLUSTER/nodes/lab-worker-0"
    SECONDS=0
    DEAD=1 DRAIN_SECONDS=600 RETRY_DELAY=1 admit '{}' reset lab-worker-0
    succeed
    ((SECONDS < 60))
    called "delete pod guide --namespace default --grace-period 0 --force" "create --field-manager kubectl"
    [ ! -e "$CLUSTER/nodes/lab-worker-0" ]
    [ "$(jq -r .metadata.uid "$CLUSTER/pods/guide")" = new ]
}

@test "the last worker gives the control plane back to the pods before they go" {
    admit '{}' reset lab-worker-0
    succeed
    called "taint nodes --selector node-role.kubernetes.io/control-plane node-role.kubernetes.io/control-plane:NoSchedule-" "cordon lab-worker-0"
    [ ! -e "$CLUSTER/tainted" ]
}

@test "one of two workers leaves it as it is" {
    node lab-worker-1 worker
    admit '{}' reset lab-worker-0
    succeed
    [ -e "$CLUSTER/tainted" ]
}

@test "where no cluster is any more, or the node was never admitted, there is nothing to do" {
    admit '{}' reset lab-worker-9
    succeed
    called_not "delete node"
    rm "$ROOT/etc/kubernetes/admin.conf"
    admit '{}' reset lab-worker-0
    succeed
    [ "${lines[-1]}" = '{"step":"admit","changed":false,"removed":true}' ]
}

@test "a member of etcd goes before its Node does" {
    node lab-worker-0 control-plane
    stub kubectl.real </dev/null
    mv "$STUBS/kubectl" "$STUBS/kubectl.files"
    stub kubectl <<<'case "$*" in
    *" exec etcd-lab-0 "*"member list") printf "1a, started, lab-0, https://10.0.0.1:2380\n2b, started, lab-worker-0, https://10.0.0.2:2380\n" ;;
    *" exec etcd-lab-0 "*) ;;
    *) exec "$STUBS_OF_THIS/kubectl.files" "$@" ;;
esac'
    STUBS_OF_THIS=$STUBS admit '{}' reset lab-worker-0
    succeed
    called "member remove 2b" "delete node lab-worker-0"
    world
    node lab-worker-0 control-plane
    sed -i 's|printf "1a.*|exit 1 ;;|' "$STUBS/kubectl"
    STUBS_OF_THIS=$STUBS admit '{}' reset lab-worker-0
    failing "etcd does not say who its members are"
    [ -e "$CLUSTER/nodes/lab-worker-0" ]
}

@test "killed at any point while a node is taken out, the next run takes it out and loses no pod" {
    # Bodies of their own, for kill_each gives a script its verb alone.
    program "$BUNDLE/out.sh" 'echo "{}" | bash "${0%/*}/admit.sh" reset lab-worker-0'
    KILL_BEFORE="mv kubectl" kill_each world out reset
    [ "$(jq -r .spec.nodeName "$CLUSTER/pods/guide")" = null ]
    [ ! -e "$CLUSTER/nodes/lab-worker-0" ]
    [ -z "$(ls "$STATE/moving")" ]
}

@test "killed at any point while another machine gets the name, the next run admits it and loses no pod" {
    order two >"$TEST/order"
    program "$BUNDLE/exchange.sh" "bash \"\${0%/*}/admit.sh\" apply lab-worker-0 <'$TEST/order'"
    # Each certificate is another one: here always the same.
    stub openssl <<<'[[ "$*" != "x509 -req "* ]] || { cat "$ROOT/../pki/two.crt"; exit; }
exec /usr/bin/openssl "$@"'
    KILL_BEFORE="mv kubectl" kill_each world exchange apply
    [ "$(jq -r .spec.nodeName "$CLUSTER/pods/guide")" = null ]
    cmp "$TEST/pki/two.crt" "$STATE/members/lab-worker-0.crt"
}
