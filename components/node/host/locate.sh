#!/usr/bin/env bash
# Where a pod runs: locate.sh find NAMESPACE POD UID [LEAVING] prints {node, uid}; locate.sh prove NAMESPACE POD UID
# [LEAVING] proves its isolation at once, for a cluster that has no node but this. LEAVING is the node that it was last
# known to be on, where that one is no longer in the program: it is drained now, not when its machine goes, so that what
# comes after this finds the pod where it stays. The uid makes it run again for a pod that was made anew.
STEP=locate
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=components/node/host/api.sh
source "$BUNDLE/api.sh"
# shellcheck source=components/node/host/drain.sh
source "$BUNDLE/drain.sh"
# shellcheck source=components/node/host/members.sh
source "$BUNDLE/members.sh"

locate() {
    local namespace=$1 pod=$2 leaving=${4:-}
    wait_for_api || {
        diagnose
        fail "the API does not serve, so pod $namespace/$pod cannot be looked for" "look at the containers and lines of kubelet above, then run up again"
    }
    # Only what we have admitted is ours to drain.
    if [[ -n "$leaving" && -f "$(record "$leaving")" ]] && is_there "$leaving"; then
        log "$leaving leaves the cluster; its pods go elsewhere first"
        one_at_a_time
        make_room "$leaving"
        empty "$leaving"
    fi
    retry "${READY_SECONDS:-900}" runs ||
        fail "pod $namespace/$pod is not Ready on any node" "look at: kubectl -n $namespace describe pod $pod; then run up again"
}

# Sets found.
runs() {
    found=$(control_plane get pod "$pod" --namespace "$namespace" --output json 2>/dev/null | jq -c '
        select(.metadata.deletionTimestamp == null) |
        select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) |
        {node: .spec.nodeName, uid: .metadata.uid}') && [[ -n "$found" ]]
}

(($# == 4 || $# == 5)) || fail "a pod is needed" "say find or prove, NAMESPACE POD UID [LEAVING]"
verb=$1 found=''
shift
locate "$@"
case $verb in
    find) echo "$found" ;;
    prove) bash "$BUNDLE/isolation.sh" prove "$1" "$2" "$(jq -r .uid <<<"$found")" ;;
    *) fail "there is no \"$verb\"" "say find or prove" ;;
esac
