#!/usr/bin/env bash
# What all stub hosts have in common, made once: make.sh DIRECTORY
# Below it: `commands`, the programs that stand before the system's; `root`, the root directory of a fresh host; `world`,
# the pods that crictl sees; `www`, the releases, and `releases`, a line for each: name, version, file.
set -euo pipefail

directory=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ROOT=$directory/root CALLS=/dev/null SERVICES=$directory/services WORLD=$directory/world
STUBS=$directory/commands
# shellcheck disable=SC2034 # for machine.bash
WWW=$directory/www MADE=$directory/made
mkdir -p "$ROOT" "$SERVICES" "$WORLD" "$STUBS" "$WWW"
# shellcheck source=tests/support/fakeMachine/machine.bash
source "$here/../fakeMachine/machine.bash"
# shellcheck source=tests/support/fakeMachine/world.bash
source "$here/../fakeMachine/world.bash"

list() {
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$directory/releases"
}

# slow_services: a service takes its time to start, as a real one does.
slow_services() {
    mv "$STUBS/systemctl" "$STUBS/quick-systemctl"
    # shellcheck disable=SC2016 # for the stand-in
    stub systemctl <<<'[[ "$*" != "restart containerd" ]] || sleep "${INSTALL_SECONDS:-0}"
exec quick-systemctl "$@"'
}

# The untrusted pod, in a virtual machine whatever its uid is, and a container of kube-system on runc.
pods() {
    local node=11111111-1111-4111-8111-111111111111 guest=22222222-2222-4222-8222-222222222222
    pod aaaa '*' default nginx-untrusted kata
    container aaaa c1 cat "$guest" 6.18.35 "console=hvc0 agent.log=info"
    vmm 500 "qemu-system-x86_64 -name sandbox-aaaa -m 2048" qemu-system-x86_64
    pod bbbb 4-5-6 kube-system kube-proxy -
    container bbbb c2 cat "$node" 6.12.0-node root=/dev/vda1
    process 600 1 "containerd-shim-runc-v2 -id bbbb" containerd-shim-runc-v2
}

make_root
make_stubs
make_firewall
make_crictl
slow_services
stub kubeadm <"$here/kubeadm.bash"
stub kubectl <"$here/kubectl.bash"
mv "$STUBS/curl" "$STUBS/other-curl"
stub curl <"$here/curl.bash"
# A hundred hosts share one disk here, and none loses power.
stub sync </dev/null
make_releases
pods
