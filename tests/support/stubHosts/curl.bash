#!/usr/bin/env bash
# Body of a stand-in for curl, where a node asks the API. Nodes are files of $CLUSTER, as in kubectl.bash. What is asked as
# the administrator is asked of the cluster's real API, by kubectl.
set -euo pipefail
url=${*: -1}

case $url in
    https://127.0.0.1:6443/readyz) exit 7 ;;
    https://*/readyz) ;;
    https://*/api/v1/nodes/*)
        cat "$CLUSTER/nodes/${url##*/}" 2>/dev/null || {
            echo '{"kind": "Status", "reason": "NotFound"}'
            exit 22
        }
        ;;
    https://kubernetes:6443/openapi/*) exit 28 ;;
    https://kubernetes:6443/*)
        while [[ "$1" != --data ]]; do shift; done
        exec "$KUBECTL" --kubeconfig "$ADMIN_CONF" create --raw "${url#https://kubernetes:6443}" --filename - <<<"$2"
        ;;
    *) exec other-curl "$@" ;;
esac
