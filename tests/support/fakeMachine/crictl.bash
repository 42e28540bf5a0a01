#!/usr/bin/env bash
# Body of a stand-in for crictl over a world of files, $WORLD: a directory a sandbox, with `pod` (uid, as a pattern,
# namespace, name, handler), and a directory for each container with what a read inside it gives and which program can read.
# shellcheck disable=SC2034 # read gives names to all words of a line
set -euo pipefail
while [[ "$1" == --* ]]; do shift 2; done
verb=$1
shift
option() {
    local name=$1
    shift
    while (($# > 0)); do
        [[ "$1" != "$name" ]] || {
            echo "$2"
            return
        }
        shift
    done
}
container() { echo "$WORLD"/*/"$1"; }
case $verb in
    pods)
        for pod in "$WORLD"/*/pod; do
            [[ -f "$pod" ]] || continue
            read -r uid namespace name handler annotation <"$pod" || true
            label=$(option --label "$@") wanted=$(option --namespace "$@")
            [[ -z "$label" || "$label" == io.kubernetes.pod.uid=$uid ]] || continue
            [[ -z "$wanted" || "$wanted" == "$namespace" ]] || continue
            jq -n --arg id "$(basename "$(dirname "$pod")")" --arg ns "$namespace" --arg name "$name" '{id: $id, metadata: {namespace: $ns, name: $name}}'
        done | jq -s '{items: .}'
        ;;
    ps)
        for directory in "$WORLD/$(option --pod "$@")"/*/; do
            [[ -d "$directory" ]] || continue
            jq -n --arg id "$(basename "$directory")" '{id: $id}'
        done | jq -s '{containers: .}'
        ;;
    inspectp)
        read -r uid namespace name handler annotation <"$WORLD/${*: -1}/pod" || true
        # CRI-O's status has no handler; it is among the annotations of the OCI spec.
        jq -n --arg handler "${handler#-}" --arg untrusted "${annotation:-}" --arg crio "${CRIO:-}" \
            '{status: ({annotations: (if $untrusted == "" then {} else {"io.kubernetes.cri.untrusted-workload": $untrusted} end)} + if $crio == "" then {runtimeHandler: $handler} else {} end)}
            + if $crio == "" then {} else {info: {runtimeSpec: {annotations: {"io.kubernetes.cri-o.RuntimeHandler": $handler}}}} end'
        ;;
    inspect)
        directory=$(container "${*: -1}")
        [[ -d "$directory" ]] || exit 1
        read -r uid namespace name handler <"$directory/../pod" || true
        jq -n --arg sandbox "$(basename "$(dirname "$directory")")" --arg ns "$namespace" --arg pod "$name" --arg name "$(basename "$directory")-name" --argjson pid "$(cat "$directory/pid" 2>/dev/null || echo null)" \
            '{info: {sandboxID: $sandbox, pid: $pid}, status: {labels: {"io.kubernetes.pod.namespace": $ns, "io.kubernetes.pod.name": $pod}, metadata: {name: $name}}}'
        ;;
    exec)
        shift
        directory=$(container "$1")
        shift
        [[ "$*" == "$(cat "$directory/reader") "* ]] || {
            echo "executable file not found" >&2
            exit 1
        }
        cat "$directory/kernel"
        ;;
    info) echo '{"runtimeHandlers":[{"name":""},{"name":"runc"},{"name":"kata"},{"name":"untrusted"}]}' ;;
    version) printf 'Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v2.3.4\nRuntimeApiVersion:  v1\n' ;;
esac
