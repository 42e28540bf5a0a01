#!/usr/bin/env bash
# Proves on the node that a pod runs in a virtual machine: isolation.sh prove NAMESPACE POD UID
# and shows what one container is judged by: isolation.sh inspect CONTAINER-ID
# One judge looks at both the pod and a control, a container on runc that it must reject: so the test itself is tested.
STEP=isolation
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

seen=(/proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease /proc/cmdline)

# What tells the runtime that a pod is to be isolated. CRI-O has no annotation for it.
chosen_by=runtimeClassName
annotated=false
if [[ " $RUNTIME_HANDLERS " == *" untrusted "* ]]; then
    chosen_by="annotation or runtimeClassName"
    annotated=true
fi

cri() {
    timeout 300 crictl --runtime-endpoint "$CRI_SOCKET" --timeout 120s "$@"
}

prove() {
    local namespace=$1 pod=$2 uid=$3 sandbox='' container verdict control findings='' containers='' node
    # After a change of runtime the pod is there, and its containers only begin again.
    retry "${READY_SECONDS:-900}" pod_runs || true
    [[ -n "$sandbox" ]] ||
        fail "pod $namespace/$pod (uid $uid) has no running sandbox on this node" "wait until the pod is Ready: kubectl -n $namespace describe pod $pod"
    [[ -n "$containers" ]] ||
        fail "pod $namespace/$pod has no running container" "wait until the pod is Ready: kubectl -n $namespace describe pod $pod"
    for container in $containers; do
        verdict=$(inspect_in "$sandbox" "$container")
        jq -e '.bootId != ""' <<<"$verdict" >/dev/null ||
            fail "container $(jq -r .container <<<"$verdict") of pod $namespace/$pod has no program to read /proc with, so nothing is proved" \
                "use an image with cat, busybox or sh, or prove with another pod of the same RuntimeClass"
        jq -e '.isolated' <<<"$verdict" >/dev/null ||
            fail "pod $namespace/$pod is NOT isolated: in container $(jq -r .container <<<"$verdict") $(jq -r '.reasons | join(", and ")' <<<"$verdict")" \
                "look at its $chosen_by and its handler ($(jq -r .runtimeHandler <<<"$verdict")): crictl inspectp $sandbox"
        # The first one speaks for the pod; all have been judged.
        findings=${findings:-$verdict}
    done
    control=$(find_control)
    node=$(jq -n --arg name "$NODE_NAME" --arg bootId "$(node_boot_id)" --arg kernel "$(<"$ROOT/proc/sys/kernel/osrelease")" \
        --argjson emulated "$(emulated && echo true || echo false)" '$ARGS.named')
    jq -cn --arg namespace "$namespace" --arg pod "$pod" --arg uid "$uid" --argjson findings "$findings" \
        --argjson control "$control" --argjson node "$node" --arg kata "$(head -n 1 "$ROOT/opt/kata/VERSION" 2>/dev/null || true)" \
        --argjson count "$(wc -w <<<"$containers")" --arg runtime "$(cri version | awk '/^RuntimeName|^RuntimeVersion/ { print $2 }' | paste -sd ' ')" '
        {
            namespace: $namespace,
            pod: ({ name: $pod, uid: $uid, containers: $count } + ($findings | { bootId, kernel, agent })),
            node: $node,
            sandbox: $findings.sandbox,
            runtimeHandler: $findings.runtimeHandler,
            vmProcess: $findings.vmProcess,
            control: ($control | { container, bootId, how, reasons, rejected: (.isolated | not) }),
            kata: { version: $kata },
            containerRuntime: $runtime,
            isolated: $findings.isolated
        }'
}

# Sets sandbox and containers of prove's pod.
pod_runs() {
    local sandboxes
    sandboxes=$(cri pods --label "io.kubernetes.pod.uid=$uid" --state ready --output json |
        jq -r --arg namespace "$namespace" --arg pod "$pod" '.items[] | select(.metadata.namespace == $namespace and .metadata.name == $pod) | .id')
    sandbox=$(head -n 1 <<<"$sandboxes")
    [[ -n "$sandbox" ]] || return 1
    containers=$(cri ps --pod "$sandbox" --state running --output json | jq -r '.containers[].id')
    [[ -n "$containers" ]]
}

inspect() {
    local sandbox
    sandbox=$(cri inspect --output json "$1" | jq -r '.info.sandboxID // .status.sandboxId // empty') || true
    [[ -n "$sandbox" ]] || fail "container $1 is not known here" "take an id from: crictl ps"
    inspect_in "$sandbox" "$1"
}

# inspect_in SANDBOX CONTAINER: everything that one container is judged by, and the verdict, as one JSON object.
inspect_in() {
    local sandbox=$1 container=$2 handler name kernel='' how='' vm
    handler=$(cri inspectp --output json "$sandbox" | handler_of)
    name=$(cri inspect --output json "$container" | jq -r '.status.labels["io.kubernetes.pod.namespace"] + "/" + .status.labels["io.kubernetes.pod.name"] + "/" + .status.metadata.name')
    if read_inside "$container"; then
        how="exec"
    elif [[ "$handler" =~ ^(|runc|crun)$ ]] && read_from_node "$container"; then
        how="the node's view of its /proc, for its image has no program to read it with"
    fi
    vm=$(vm_process "$sandbox")
    judge "$(sed -n 1p <<<"$kernel")" "$vm"
    jq -cn --arg container "$name" --arg sandbox "$sandbox" --arg runtimeHandler "$handler" --arg how "$how" \
        --arg bootId "$(sed -n 1p <<<"$kernel")" --arg kernel "$(sed -n 2p <<<"$kernel")" --arg cmdline "$(sed -n 3p <<<"$kernel")" \
        --arg vm "$vm" --arg reasons "$reasons" '
        ($vm | if . == "" then null else split(" ") | { pid: (.[0] | tonumber), command: .[1] } end) as $vmProcess |
        ($reasons | split("\n") | map(select(. != ""))) as $reasons |
        {
            $container, $sandbox, $runtimeHandler, $how, $bootId, $kernel,
            agent: ($cmdline | test("(^| )agent\\.")),
            $vmProcess, $reasons, isolated: ($reasons == [])
        }'
}

# judge BOOT-ID VM: sets reasons, why a container is not isolated, a line each. The kernel's release decides nothing:
# guest and node may run the same one.
judge() {
    reasons=''
    if [[ ! "$1" =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]; then
        reasons+="no boot id could be read (\"$1\")"$'\n'
    elif [[ "$1" == "$(node_boot_id)" ]]; then
        reasons+="the kernel is the node's own (boot id $1)"$'\n'
    fi
    if [[ -z "$2" ]]; then
        reasons+="no process on the node holds a virtual machine for its sandbox"$'\n'
    fi
}

node_boot_id() {
    cat "$ROOT/proc/sys/kernel/random/boot_id"
}

# Out of what inspectp gives. CRI-O has the handler in its own annotations only, and on containerd a pod that came by the
# guide's annotation has none.
handler_of() {
    jq -r --argjson annotated "$annotated" '
        (.status.runtimeHandler // "") as $status |
        (.info.runtimeSpec.annotations["io.kubernetes.cri-o.RuntimeHandler"] // "") as $crio |
        if $status != "" then $status
        elif $crio != "" then $crio
        elif $annotated and .status.annotations["io.kubernetes.cri.untrusted-workload"] == "true" then "untrusted"
        else "" end'
}

# read_inside CONTAINER: sets kernel, a line for each file, by a program of the container's own image.
read_inside() {
    local program
    for program in cat /bin/cat /usr/bin/cat "busybox cat" "/bin/busybox cat"; do
        # shellcheck disable=SC2086 # program and argument
        kernel=$(cri exec --sync "$1" $program "${seen[@]}" 2>/dev/null) && [[ -n "$kernel" ]] && return 0
    done
    # shellcheck disable=SC2016 # for the shell inside
    for program in sh /bin/sh bash; do
        kernel=$(cri exec --sync "$1" "$program" -c 'for f; do read -r line <"$f" || :; printf "%s\n" "$line"; done' sh "${seen[@]}" 2>/dev/null) &&
            [[ -n "$kernel" ]] && return 0
    done
    kernel=''
    return 1
}

# read_from_node CONTAINER: the same through the container's first process. Only for one whose processes are the node's.
read_from_node() {
    local pid
    pid=$(cri inspect --output json "$1" | jq -r '.info.pid // empty')
    [[ -n "$pid" ]] && kernel=$(cd "$ROOT/proc/$pid/root" && cat "${seen[@]/#/.}" 2>/dev/null)
}

# vm_process SANDBOX: prints pid and program of the process that holds a KVM virtual machine for it, or nothing. It is
# the VMM, which names the sandbox in its command line or descends from the shim that does, or, with a built-in VMM, the
# shim itself.
vm_process() {
    local pid ancestor
    # Processes end while find looks at them, which it reports as a failure.
    for pid in $(find "$ROOT"/proc/[0-9]*/fd -maxdepth 1 -lname anon_inode:kvm-vm -printf '%h\n' 2>/dev/null | sort -u | grep -oE '[0-9]+/fd$' | grep -oE '[0-9]+' || true); do
        ancestor=$pid
        while ((ancestor > 1)); do
            if tr '\0' ' ' <"$ROOT/proc/$ancestor/cmdline" 2>/dev/null | grep -qF "$1"; then
                echo "$pid $(basename "$(readlink "$ROOT/proc/$pid/exe")")"
                return 0
            fi
            ancestor=$(awk '/^PPid:/ { print $2 }' "$ROOT/proc/$ancestor/status" 2>/dev/null || true)
        done
    done
}

# A container of kube-system that runs on runc, judged. It must be rejected, on its kernel and for want of a VM.
# kube-proxy is asked first: the others' images hold one program, so each is asked eight times in vain.
find_control() {
    local sandbox container verdict last=''
    for sandbox in $(cri pods --namespace kube-system --state ready --output json | jq -r '
        [.items[]] | sort_by(.metadata.name | startswith("kube-proxy") | not)[].id'); do
        [[ "$(cri inspectp --output json "$sandbox" | handler_of)" =~ ^(|runc|crun)$ ]] || continue
        for container in $(cri ps --pod "$sandbox" --state running --output json | jq -r '.containers[].id'); do
            verdict=$(inspect_in "$sandbox" "$container")
            jq -e '.bootId != ""' <<<"$verdict" >/dev/null || continue
            if jq -e '.isolated' <<<"$verdict" >/dev/null; then
                fail "the test takes $(jq -r .container <<<"$verdict"), which runs on runc, for isolated; it proves nothing here" "report this with the output of: crictl inspectp $sandbox"
            fi
            # One that could read by itself is the better witness.
            [[ "$(jq -r .how <<<"$verdict")" != exec ]] || {
                echo "$verdict"
                return 0
            }
            last=${last:-$verdict}
        done
    done
    [[ -n "$last" ]] || fail "no container in kube-system runs on runc, so the test could not be tested" "wait until kube-system's pods run: kubectl -n kube-system get pods"
    echo "$last"
}

case ${1:-}/$# in
    prove/4) prove "$2" "$3" "$4" ;;
    inspect/2) inspect "$2" ;;
    *) fail "there is no \"${1:-}\"" "say prove NAMESPACE POD UID, or inspect CONTAINER-ID" ;;
esac
