#!/usr/bin/env bats
# isolation.sh: the judge accepts a pod in a virtual machine and rejects everything else
# shellcheck disable=SC2016 # bodies of stand-ins stand in single quotes

setup() {
    load node
    load ../support/fakeMachine/world
    make_node
    export READY_SECONDS=0
    NODE_BOOT=11111111-1111-4111-8111-111111111111
    GUEST_BOOT=22222222-2222-4222-8222-222222222222
    export WORLD=$TEST/world
    mkdir -p "$WORLD" "$ROOT/opt/kata"
    echo 4.1.0 >"$ROOT/opt/kata/VERSION"
    make_crictl
    # A pod on Kata with its VMM, and one on runc in kube-system.
    pod aaaa 1-2-3 default web kata
    container aaaa c1 cat "$GUEST_BOOT" "6.18.35" "console=hvc0 agent.log=info"
    vmm 500 "qemu-system-x86_64 -name sandbox-aaaa -m 2048" qemu-system-x86_64
    pod bbbb 4-5-6 kube-system proxy -
    container bbbb c2 cat "$NODE_BOOT" "6.12.0-node" "root=/dev/vda1"
    process 600 1 "containerd-shim-runc-v2 -id bbbb" containerd-shim-runc-v2
}

prove() {
    run_script isolation prove default web 1-2-3
}

# found FILTER: a jq filter that holds for the findings.
found() {
    jq -e "$1" <<<"${lines[-1]}" >/dev/null || {
        printf 'not so: %s\n%s\n' "$1" "$output"
        return 1
    }
}

@test "a pod in a virtual machine is proved isolated, with a control that was rejected" {
    prove
    succeed
    [ "${#lines[@]}" -eq 1 ]
    found '.isolated == true and .namespace == "default" and .pod.name == "web" and .pod.uid == "1-2-3" and .sandbox == "aaaa"'
    found '.runtimeHandler == "kata" and .kata.version == "4.1.0" and .containerRuntime == "containerd v2.3.4"'
    found '.pod.bootId == "22222222-2222-4222-8222-222222222222" and .pod.kernel == "6.18.35" and .pod.agent == true'
    found '.node == {name: "lab-0", bootId: "11111111-1111-4111-8111-111111111111", kernel: "6.12.0-node", emulated: false}'
    found '.vmProcess == {pid: 500, command: "qemu-system-x86_64"}'
    found '.control.container == "kube-system/proxy/c2-name" and .control.rejected == true and .control.how == "exec" and (.control.reasons | length) == 2'
    found '.control.bootId == .node.bootId'
}

@test "the same kernel release in guest and node is fine, for the boot id decides" {
    container aaaa c1 cat "$GUEST_BOOT" "6.12.0-node" "agent.x"
    prove
    succeed
    found '.pod.kernel == .node.kernel and .isolated'
}

@test "a runc pod is not isolated: it has the node's kernel and no virtual machine" {
    pod aaaa 1-2-3 default web runc
    container aaaa c1 cat "$NODE_BOOT" "6.12.0-node" "root=/dev/vda1"
    rm -r "$ROOT/proc/500"
    prove
    failing "pod default/web is NOT isolated: in container default/web/c1-name the kernel is the node's own (boot id $NODE_BOOT), and no process on the node holds a virtual machine for its sandbox" "Fix: "
}

@test "the node's kernel alone is enough to fail, though a virtual machine bears the sandbox's name" {
    container aaaa c1 cat "$NODE_BOOT" "6.12.0-node" "agent.x"
    prove
    failing "NOT isolated" "the kernel is the node's own"
    says_not "no process"
}

@test "a boot id that lies does not help a pod that has no virtual machine" {
    rm -r "$ROOT/proc/500"
    prove
    failing "NOT isolated" "no process on the node holds a virtual machine for its sandbox"
    says_not "node's own"
}

@test "a process with the sandbox's name but no virtual machine does not count, nor does another sandbox's virtual machine" {
    rm "$ROOT/proc/500/fd/11"
    prove
    failing "no process on the node holds a virtual machine"
    vmm 500 "qemu-system-x86_64 -name sandbox-cccc" qemu-system-x86_64
    prove
    failing "no process on the node holds a virtual machine"
}

@test "a boot id that is none is not believed" {
    container aaaa c1 cat "hello" "6.18" "agent.x"
    prove
    failing "NOT isolated" 'no boot id could be read ("hello")'
}

@test "a VMM that does not name the sandbox is found below the shim that does" {
    rm -r "$ROOT/proc/500"
    process 700 1 "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2 -namespace k8s.io -id aaaa" containerd-shim-kata-v2
    process 701 700 "helper" helper
    vmm 702 "cloud-hypervisor --api-socket fd=3" cloud-hypervisor 701
    prove
    succeed
    found '.vmProcess == {pid: 702, command: "cloud-hypervisor"}'
}

@test "a shim with a VMM inside itself, as with Dragonball" {
    rm -r "$ROOT/proc/500"
    vmm 700 "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2 -namespace k8s.io -id aaaa" containerd-shim-kata-v2
    prove
    succeed
    found '.vmProcess == {pid: 700, command: "containerd-shim-kata-v2"}'
}

@test "every container of the pod is judged" {
    container aaaa c9 cat "$NODE_BOOT" "6.12.0-node" "x"
    prove
    failing "NOT isolated: in container default/web/c9-name"
    container aaaa c9 cat "$GUEST_BOOT" "6.18.35" "agent.x"
    prove
    succeed
    found '.pod.containers == 2'
}

@test "images without cat: busybox, then a shell; with nothing at all the error says so" {
    for reader in "/bin/cat" "busybox cat" "sh -c" "/bin/sh -c"; do
        container aaaa c1 "$reader" "$GUEST_BOOT" "6.18.35" "agent.x"
        prove
        succeed
    done
    container aaaa c1 none "$GUEST_BOOT" "6.18.35" "agent.x"
    prove
    failing "container default/web/c1-name of pod default/web has no program to read /proc with, so nothing is proved. Fix: use an image with cat, busybox or sh"
}

@test "the shell loop reads as cat does, even a last line without an end" {
    loop=$(grep -oE "'for f; do .*; done'" "$HOST/isolation.sh")
    printf one >"$TEST/1"
    printf 'two  spaced\n' >"$TEST/2"
    run sh -c "${loop:1:-1}" sh "$TEST/1" "$TEST/2"
    [ "$output" = $'one\ntwo  spaced' ]
}

@test "a pod by containerd's annotation has the handler untrusted" {
    pod aaaa 1-2-3 default web - true
    prove
    succeed
    found '.runtimeHandler == "untrusted"'
}

@test "on CRI-O the handler is found in its own annotations, and the guide's annotation means nothing" {
    cp "$GOLDEN/node-crio.env" "$BUNDLE/node.env"
    export CRIO=1
    pod dddd 7-8-9 kube-system aa-sandboxed kata
    container dddd c4 cat "$GUEST_BOOT" "6.18.35" "agent.x"
    vmm 800 "qemu-system-x86_64 -name sandbox-dddd" qemu-system-x86_64
    prove
    succeed
    found '.runtimeHandler == "kata" and .control.container == "kube-system/proxy/c2-name"'
    called "crictl --runtime-endpoint unix:///var/run/crio/crio.sock"
    pod aaaa 1-2-3 default web - true
    container aaaa c1 cat "$NODE_BOOT" "6.12.0-node" "root=/dev/vda1"
    prove
    failing "NOT isolated" "look at its runtimeClassName and its handler ()"
    unset CRIO
    cp "$GOLDEN/node.env" "$BUNDLE/node.env"
    prove
    failing "look at its annotation or runtimeClassName and its handler (untrusted)"
}

@test "a pod that is only starting, as after a change of runtime, is waited for" {
    mv "$WORLD/aaaa" "$TEST/later"
    stub sleep <<<'[[ ! -e "$WORLD/../later" ]] || mv "$WORLD/../later" "$WORLD/aaaa"'
    READY_SECONDS=60 prove
    succeed
    found '.isolated'
}

@test "a control without cat is read through the node's view of its process, and the findings say so" {
    container bbbb c2 none "" "" ""
    echo 601 >"$WORLD/bbbb/c2/pid"
    mkdir -p "$ROOT/proc/601/root/proc/sys/kernel/random"
    cp "$ROOT/proc/sys/kernel/random/boot_id" "$ROOT/proc/601/root/proc/sys/kernel/random"
    cp "$ROOT/proc/sys/kernel/osrelease" "$ROOT/proc/601/root/proc/sys/kernel"
    echo root=/dev/vda1 >"$ROOT/proc/601/root/proc/cmdline"
    prove
    succeed
    found '.control.rejected and .control.bootId == .node.bootId and (.control.how | startswith("the node'"'"'s view"))'
    # One that reads by itself is preferred.
    pod dddd 7-8-9 kube-system zz-flannel -
    container dddd c4 "/bin/cat" "$NODE_BOOT" "6.12.0-node" "x"
    prove
    succeed
    found '.control.how == "exec" and .control.container == "kube-system/zz-flannel/c4-name"'
}

@test "the node's view is no way to read a Kata container" {
    container aaaa c1 none "" "" ""
    echo 601 >"$WORLD/aaaa/c1/pid"
    mkdir -p "$ROOT/proc/601/root/proc/sys/kernel/random"
    echo "$GUEST_BOOT" >"$ROOT/proc/601/root/proc/sys/kernel/random/boot_id"
    prove
    failing "nothing is proved"
}

@test "a control that passes the test makes the proof worthless, and it says so" {
    container bbbb c2 cat 33333333-3333-4333-8333-333333333333 "6.12.0-node" "x"
    vmm 601 "qemu-system-x86_64 -name sandbox-bbbb" qemu-system-x86_64
    prove
    failing "the test takes kube-system/proxy/c2-name, which runs on runc, for isolated; it proves nothing here"
}

@test "no control at all fails; one on Kata in kube-system is none" {
    rm -r "$WORLD/bbbb"
    pod eeee 7-8-9 kube-system sandboxed kata
    container eeee c5 cat "$GUEST_BOOT" "6.18.35" "agent.x"
    prove
    failing "no container in kube-system runs on runc, so the test could not be tested"
}

@test "a pod that is not here, or of another name than its uid's, is named" {
    run_script isolation prove default web 9-9-9
    failing "pod default/web (uid 9-9-9) has no running sandbox on this node"
    run_script isolation prove default other 1-2-3
    failing "pod default/other (uid 1-2-3) has no running sandbox on this node"
    rm -r "$WORLD/aaaa/c1"
    prove
    failing "pod default/web has no running container"
}

@test "inspect shows what one container is judged by" {
    run_script isolation inspect c2
    succeed
    found '.isolated == false and .sandbox == "bbbb" and (.reasons | length) == 2'
    run_script isolation inspect c1
    succeed
    found '.isolated and .vmProcess.pid == 500'
    run_script isolation inspect nothing
    failing "container nothing is not known here"
    run_script isolation show
    failing 'there is no "show"'
}
