#!/usr/bin/env bats
# migrate.sh: a node moves from containerd to CRI-O, and back
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    make_node
    serve
    make_releases
    export API=$TEST/api NODE=$TEST/node.json PODS=$TEST/pods.json ADMIN=$ROOT/etc/kubernetes/admin.conf
    world
    run_script containerd apply
    succeed
    control_plane_node
    use_crio
    echo ALLOW_RUNTIME_CHANGE=true >>"$BUNDLE/node.env"
    run_script crio apply
    succeed
    says "crio is ready to take over from containerd"
    : >"$CALLS"
}

teardown() {
    stop_server
}

# world: a cluster of files. The API serves while the runtime that kubelet is pointed to runs its container.
world() {
    stub kubeadm </dev/null
    stub systemctl <<'BODY'
verb=$1
shift
while [[ "${1:-}" == --* ]]; do shift; done
name=${1:-}
name=${name%.service}
case $verb in
    is-active) [[ -e "$SERVICES/$name" ]] ;;
    start | restart)
        touch "$SERVICES/$name"
        runtime=$(grep -oE 'containerd|crio' "$ROOT/var/lib/kubelet/config.yaml" 2>/dev/null | head -n 1)
        [[ "$name" == kubelet && -e "$SERVICES/${runtime:-none}" && -z "${BROKEN:-}" ]] || exit 0
        echo "apiserver-$runtime" >"$SERVICES/../containers-$runtime"
        [[ "$runtime" == containerd ]] || runtime=cri-o
        jq --arg runtime "$runtime" '.status.nodeInfo.containerRuntimeVersion = $runtime + "://1.0"' "$NODE" >"$NODE.new"
        cat "$NODE.new" >"$NODE"
        touch "$API"
        ;;
    stop | disable) rm -f "$SERVICES/$name" ;;
esac
BODY
    stub crictl <<'BODY'
runtime=$(grep -oE 'containerd|crio' <<<"$2" | head -n 1)
containers=$SERVICES/../containers-$runtime
shift 2
if [[ "$1" == --image-endpoint ]]; then
    shift 2
elif [[ "$1" == ps && ! -e "$SERVICES/$(grep -oE 'containerd|crio' "$ROOT/etc/crictl.yaml" | head -n 1)" ]]; then
    # As the real one: it asks for images too, where its configuration says.
    echo "validate CRI v1 image API: connection refused" >&2
    exit 1
fi
case $* in
    info) echo '{"runtimeHandlers":[{"name":"runc"},{"name":"kata"},{"name":"untrusted"}]}' ;;
    version) printf 'Version:  0.1.0\nRuntimeName:  %s\nRuntimeVersion:  1.0\n' "${runtime/crio/cri-o}" ;;
    "ps --quiet" | "pods --quiet") cat "$containers" 2>/dev/null || true ;;
    "rmp --all --force") [[ -n "${STUCK:-}" ]] || { rm -f "$containers" "$API"; } ;;
esac
BODY
    stub kubectl <<'BODY'
case "$*" in
    *readyz*) [[ -e "$API" ]] ;;
    *"get node lab-0"*) cat "$NODE" ;;
    *" cordon lab-0") jq '.spec.unschedulable = true' "$NODE" >"$NODE.new" && cat "$NODE.new" >"$NODE" ;;
    *" uncordon lab-0") jq 'del(.spec.unschedulable)' "$NODE" >"$NODE.new" && cat "$NODE.new" >"$NODE" ;;
    *" annotate node lab-0 --overwrite "*) jq --arg socket "${*##*cri-socket=}" '.metadata.annotations.socket = $socket' "$NODE" >"$NODE.new" && cat "$NODE.new" >"$NODE" ;;
    *"get pods --all-namespaces"*) cat "$PODS" ;;
    *"create --raw /api/v1/namespaces/"*/eviction*)
        name=$(jq -r .metadata.name)
        [[ "$name" != "${BUDGET:-}" ]] || { echo "Cannot evict pod as it would violate the pod's disruption budget." >&2; exit 1; }
        jq --arg name "$name" '.items |= map(select(.metadata.name != $name))' "$PODS" >"$PODS.new" && cat "$PODS.new" >"$PODS"
        ;;
esac
BODY
}

# control_plane_node: what kubeadm and kubelet have made of it.
control_plane_node() {
    mkdir -p "$ROOT/etc/kubernetes" "$ROOT/var/lib/kubelet" "$ROOT/var/lib/containerd/io"
    echo secret-of-the-admin >"$ADMIN"
    echo digest >"$STATE/initialized"
    printf 'apiVersion: kubelet.config.k8s.io/v1beta1\ncgroupDriver: systemd\ncontainerRuntimeEndpoint: unix:///run/containerd/containerd.sock\nkind: KubeletConfiguration\n' >"$ROOT/var/lib/kubelet/config.yaml"
    echo 'containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock"' >"$ROOT/var/lib/kubelet/instance-config.yaml"
    touch "$SERVICES/kubelet" "$API"
    echo apiserver-containerd >"$TEST/containers-containerd"
    echo '{"metadata": {"annotations": {}}, "spec": {}, "status": {"nodeInfo": {"containerRuntimeVersion": "containerd://2.3.4"}, "conditions": [{"type": "Ready", "status": "True"}]}}' | jq . >"$NODE"
    pods "coredns ReplicaSet" "flannel DaemonSet" "etcd-lab-0 Node" "nginx-untrusted -"
}

# pods "NAME OWNER"...: what runs on the node, in namespace default.
pods() {
    local pod
    for pod in "$@"; do
        jq -n --arg name "${pod% *}" --arg owner "${pod#* }" '{metadata: ({namespace: "default", name: $name} + if $owner == "-" then {} else {ownerReferences: [{controller: true, kind: $owner}]} end), status: {phase: "Running"}}'
    done | jq -s '{items: .}' >"$PODS"
}

# on RUNTIME: the node is Ready on it, and nothing of the other one is left.
on() {
    local other=crio
    [[ "$1" == containerd ]] || other=containerd
    [ -e "$SERVICES/$1" ]
    [ -e "$API" ]
    [ ! -e "$SERVICES/$other" ]
    [ -f "$ROOT/etc/systemd/system/$1.service" ]
    [ ! -e "$ROOT/etc/systemd/system/$other.service" ]
    [ -z "$(find "$ROOT/etc/$other" -type f 2>/dev/null)" ]
    [ ! -e "$ROOT/var/lib/$other" ]
    [ ! -e "$STATE/installed/$other" ]
    [ ! -e "$STATE/migration-begun" ]
    [ -x "$ROOT/usr/local/bin/crictl" ]
    grep -q "$1" "$ROOT/etc/crictl.yaml"
    jq -e '.spec.unschedulable == null' "$NODE"
}

@test "drains, removes the pods, resets the old runtime, starts the new one, points kubelet to it, waits and uncordons" {
    run_script migrate apply
    succeed
    [ "${lines[-1]}" = '{"step":"migrate","changed":true,"runtime":"crio"}' ]
    called "kubectl --kubeconfig $ADMIN --request-timeout 60s cordon lab-0" "create --raw /api/v1/namespaces/default/pods/coredns/eviction" \
        "systemctl stop kubelet" "crictl --runtime-endpoint unix:///run/containerd/containerd.sock --image-endpoint unix:///run/containerd/containerd.sock stop --timeout 20 apiserver-containerd" \
        "crictl --runtime-endpoint unix:///run/containerd/containerd.sock --image-endpoint unix:///run/containerd/containerd.sock rmp --all --force" "systemctl disable --now containerd" \
        "systemctl restart crio" "crictl --runtime-endpoint unix:///var/run/crio/crio.sock --image-endpoint unix:///var/run/crio/crio.sock info" \
        "kubeadm config images pull --config $BUNDLE/files/etc/kata-cluster/kubeadm.yaml" "systemctl restart kubelet" \
        "annotate node lab-0 --overwrite kubeadm.alpha.kubernetes.io/cri-socket=unix:///var/run/crio/crio.sock" "uncordon lab-0"
    on crio
    says_not secret-of-the-admin
}

@test "kubelet is told the new socket, and keeps the rest of its settings" {
    run_script migrate apply
    succeed
    [ "$(cat "$ROOT/var/lib/kubelet/instance-config.yaml")" = 'containerRuntimeEndpoint: "unix:///var/run/crio/crio.sock"' ]
    [ "$(grep -c containerRuntimeEndpoint "$ROOT/var/lib/kubelet/config.yaml")" -eq 1 ]
    grep -qx 'containerRuntimeEndpoint: "unix:///var/run/crio/crio.sock"' "$ROOT/var/lib/kubelet/config.yaml"
    grep -qx 'cgroupDriver: systemd' "$ROOT/var/lib/kubelet/config.yaml"
}

@test "pods that no controller makes again are not evicted, nor those of the node itself" {
    run_script migrate apply
    succeed
    [ "$(jq -r '.items[].metadata.name' "$PODS" | paste -sd ' ')" = "flannel etcd-lab-0 nginx-untrusted" ]
}

@test "an eviction that is forbidden is tried for a while, then said" {
    BUDGET=coredns DRAIN_SECONDS=1 RETRY_DELAY=1 run_script migrate apply
    succeed
    says "warning: not evicted: default coredns; they end with their runtime"
    (($(grep -c 'pods/coredns/eviction' "$CALLS") > 1))
    on crio
}

@test "nothing is done on a node that has the chosen runtime, or none" {
    run_script migrate apply
    : >"$CALLS"
    before=$(tree)
    run_script migrate apply
    succeed
    [ "${lines[-1]}" = '{"step":"migrate","changed":false}' ]
    [ ! -s "$CALLS" ]
    [ "$(tree)" = "$before" ]
    rm -rf "$ROOT"
    make_root
    run_script migrate apply
    succeed
    [ ! -s "$CALLS" ]
}

@test "and back again" {
    run_script migrate apply
    succeed
    cp "$GOLDEN/node.env" "$BUNDLE/node.env"
    rm -r "$BUNDLE/files/etc/crio" "$BUNDLE/files/etc/containers"
    mkdir -p "$BUNDLE/files/etc/containerd"
    cp "$GOLDEN/config.toml" "$BUNDLE/files/etc/containerd"
    printf 'runtime-endpoint: unix:///run/containerd/containerd.sock\n' >"$BUNDLE/files/etc/crictl.yaml"
    run_script containerd apply
    succeed
    says "containerd is ready to take over from crio"
    run_script migrate apply
    succeed
    on containerd
    grep -qx 'containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock"' "$ROOT/var/lib/kubelet/config.yaml"
}

@test "a node that was cordoned before stays so" {
    jq '.spec.unschedulable = true' "$NODE" >"$NODE.new"
    cp "$NODE.new" "$NODE"
    run_script migrate apply
    succeed
    called_not uncordon
    jq -e '.spec.unschedulable' "$NODE"
}

@test "pods that cannot be removed end it before the old runtime goes; the next run goes on" {
    STUCK=1 run_script migrate apply
    failing "pods of containerd are left: apiserver-containerd. Fix: look at: crictl --runtime-endpoint unix:///run/containerd/containerd.sock pods"
    called_not "disable --now containerd"
    called_not "restart crio"
    run_script migrate apply
    succeed
    on crio
}

@test "an API that does not come back on the new runtime: the cause is shown, and the next run goes on" {
    stub journalctl <<<'echo "kubelet said this last"'
    BROKEN=1 API_SECONDS=1 RETRY_DELAY=1 run_script migrate apply
    failing "kubelet said this last" "the API does not serve on crio. Fix: look at the containers"
    run_script migrate apply
    succeed
    on crio
}

@test "images that the new runtime cannot pull" {
    stub kubeadm <<<'echo "failed to pull image registry.k8s.io/etcd" >&2; exit 1'
    run_script migrate apply
    failing "failed to pull image registry.k8s.io/etcd" "the control plane's images could not be pulled by crio"
}

@test "Ready from before the change is not believed" {
    stub kubeadm <<<'touch "$API"'
    BROKEN=1 API_SECONDS=1 RETRY_DELAY=1 run_script migrate apply
    failing "the node is not Ready on crio after 1 s: containerd://2.3.4 True"
    called_not uncordon
}

@test "a worker is not drained from itself, and a node that is in no cluster yet only changes its runtime" {
    rm "$ADMIN" "$STATE/initialized"
    run_script migrate apply
    succeed
    says "not drained, for no API serves here"
    called "systemctl stop kubelet" "rmp --all --force" "systemctl restart crio" "systemctl restart kubelet"
    called_not kubectl
    called_not kubeadm
    [ -e "$SERVICES/crio" ]
    rm -rf "$ROOT" "$SERVICES"
    mkdir "$SERVICES"
    make_root
    mkdir -p "$STATE/files/etc/systemd/system"
    touch "$STATE/files/etc/systemd/system/containerd.service"
    : >"$CALLS"
    run_script migrate apply
    succeed
    called "systemctl restart crio"
    called_not "restart kubelet"
}

@test "killed at any point, the next run leaves the node Ready on the new runtime" {
    cp -a "$ROOT" "$TEST/before"
    cp -a "$SERVICES" "$TEST/services-before"
    cp "$NODE" "$TEST/node-before"
    as_before() {
        rm -rf "$ROOT" "$SERVICES" "$TEST"/containers-*
        cp -a "$TEST/before" "$ROOT"
        cp -a "$TEST/services-before" "$SERVICES"
        cp "$TEST/node-before" "$NODE"
        pods "coredns ReplicaSet" "nginx-untrusted -"
        touch "$API"
        echo apiserver-containerd >"$TEST/containers-containerd"
    }
    # The real one has a process group of its own, which the kill would end alone.
    stub timeout <<<'shift; exec "$@"'
    KILL_BEFORE="mv kubeadm kubectl systemctl crictl umount" kill_each as_before migrate apply
    on crio
}
