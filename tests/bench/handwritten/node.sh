#!/usr/bin/env bash
# Runs on the machine as root, in the folder of the payload: node.sh control-plane|worker. Beside it:
#   files/         what goes to its place on the machine
#   downloads      name, version, architecture, sha256, URL, tab separated
#   images         what this node will run, the control plane's own first
#   objects.yaml   RuntimeClass, admission policies and flannel; pod.yaml, the untrusted pod
# A worker reads from stdin, in one line of base64, the kubeconfig that it joins with.
set -euo pipefail

role=$1
export KUBECONFIG=/etc/kubernetes/admin.conf
mkdir downloaded

# step NAME COMMAND...
step() {
    local name=$1
    shift
    echo "STEP $name begin"
    "$@" >&2
    echo "STEP $name end"
}

# get NAME: downloaded/NAME, whole and verified.
get() {
    local sha256 url
    read -r sha256 url < <(awk -v name="$1" '$1 == name && $3 == "amd64" { print $4, $5 }' downloads)
    curl --fail --silent --show-error --location --output "downloaded/$1" "$url"
    sha256sum --quiet --check <<<"$sha256  downloaded/$1"
}

program() {
    get "$1"
    install -m 0755 "downloaded/$1" "/usr/local/bin/$1"
    rm "downloaded/$1"
}

unpack() {
    get "$1"
    mkdir -p "$2"
    tar --no-same-owner -xf "downloaded/$1" -C "$2"
    rm "downloaded/$1"
}

prepare() {
    # The image has all packages that kubeadm and Kata want.
    cp -r files/. /
    swapoff -a
    modprobe kvm_amd || modprobe kvm_intel
    modprobe -a vhost_vsock vhost_net tun overlay br_netfilter
    sysctl --quiet --load /etc/sysctl.d/90-kata-cluster.conf
    systemctl daemon-reload
    systemctl enable --quiet containerd kubelet kata-cluster-metadata
    systemctl start kata-cluster-metadata
}

runtime() {
    program runc &
    unpack containerd /usr/local
    wait $!
    systemctl start containerd
}

kubernetes() {
    program kubelet &
    local kubelet=$!
    program kubeadm &
    local kubeadm=$!
    unpack cni-plugins /opt/cni/bin
    wait $kubelet
    wait $kubeadm
}

kata() {
    unpack kata /
    install -m 0644 "$(cat kata-configuration)" /etc/kata-cluster/kata/configuration.toml
}

# pull IMAGE...: all at once.
pull() {
    local image job jobs=()
    for image in "$@"; do
        ctr --namespace k8s.io images pull --hosts-dir /etc/containerd/certs.d "$image" >/dev/null &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job"
    done
}

control_plane() {
    wait "$runtime"
    local own others
    mapfile -t own < <(grep '^registry.k8s.io/' images)
    mapfile -t others < <(grep -v '^registry.k8s.io/' images)
    step images pull "${own[@]}"
    wait "$kubernetes"
    # Beside init: nobody needs them before.
    step pod-images pull "${others[@]}" &
    local images=$!
    step init kubeadm init --config /etc/kata-cluster/kubeadm.yaml --skip-token-print --skip-phases show-join-command
    wait "$tools"
    local offer=''
    if [[ -f with-worker ]]; then
        offer_join &
        offer=$!
    fi
    # So that flannel need not wait for kube-proxy.
    sed "s/API_HOST/$(sed -n 's|^ *server: https://\(.*\):6443$|\1|p' "$KUBECONFIG")/" objects.yaml >objects
    # Not validated here, for kubectl would read the API's whole schema for that.
    step objects kubectl create --validate=false --filename objects
    wait "$kata"
    wait "$images"
    [[ -z "$offer" ]] || wait "$offer"
    step pod untrusted_pod
}

# What is wanted after init alone.
tools() {
    program kubectl &
    unpack crictl /usr/local/bin
    wait $!
}

untrusted_pod() {
    # The namespace has no ServiceAccount for some seconds after init.
    until kubectl create --validate=false --filename pod.yaml; do
        sleep 1
    done
    kubectl wait --for=condition=Ready pod/nginx-untrusted --timeout=30m
}

offer_join() {
    local token
    token=$(kubeadm token create --ttl 1h)
    printf 'JOIN %s\n' "$(
        jq --null-input --arg token "$token" --arg ca "$(base64 -w 0 /etc/kubernetes/pki/ca.crt)" \
            --arg server "$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')" '{
            apiVersion: "v1", kind: "Config", "current-context": "join",
            contexts: [{name: "join", context: {cluster: "join", user: "join"}}],
            clusters: [{name: "join", cluster: {$server, "certificate-authority-data": $ca}}],
            users: [{name: "join", user: {$token}}]}' | base64 -w 0
    )"
}

worker() {
    local all kubeconfig target
    wait "$runtime"
    mapfile -t all <images
    step images pull "${all[@]}"
    wait "$kubernetes"
    wait "$kata"
    read -r kubeconfig
    target=$(awk '/kubeConfigPath/ { print $2 }' /etc/kata-cluster/kubeadm-join.yaml)
    install -D -m 0600 /dev/stdin "$target" < <(base64 -d <<<"$kubeconfig")
    step join kubeadm join --config /etc/kata-cluster/kubeadm-join.yaml
}

step prepare prepare
step runtime runtime &
runtime=$!
step kubernetes kubernetes &
kubernetes=$!
step kata kata &
kata=$!
tools &
tools=$!

case $role in
    control-plane) control_plane ;;
    worker) worker ;;
esac
