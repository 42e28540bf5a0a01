#!/usr/bin/env bash
# Body of a stand-in for kubectl. Nodes and requests for certificates are files of $CLUSTER, which all hosts of a cluster
# share: that is quick, and no kubelet has to be there. All else is asked of the cluster's real API by the real $KUBECTL.
set -euo pipefail
all=("$@")
while [[ "${1:-}" == --* ]]; do shift 2; done
nodes=$CLUSTER/nodes requests=$CLUSTER/requests authority=$ROOT/etc/kubernetes/pki/ca

case "$*" in
    "create --raw /apis/certificates.k8s.io/"*)
        new=$(mktemp "$CLUSTER/new.XXXXXXXX")
        cat >"$new"
        mv "$new" "$requests/$(jq -r .metadata.name "$new")"
        ;;
    "get --raw "* | "create --raw "*) ;;
    "get node "*)
        if [[ ! -f "$nodes/$3" ]]; then
            [[ "$*" == *--ignore-not-found* ]] || {
                echo "Error from server (NotFound): nodes \"$3\" not found" >&2
                exit 1
            }
        elif [[ "$*" == *"--output name"* ]]; then
            echo "node/$3"
        else
            cat "$nodes/$3"
        fi
        ;;
    "get nodes --selector !"*) (cd "$nodes" && grep -LF node-role ./*) | sed 's|^\./|node/|' ;;
    "get nodes --selector "*) (cd "$nodes" && grep -lF node-role ./*) | sed 's|^\./|node/|' ;;
    "delete node "*) rm -f "$nodes/$3" ;;
    "taint node"* | "label node "* | "cordon "* | "certificate approve "*) ;;
    "exec etcd-"*" -- etcdctl "*)
        # Its members are the control planes, but for those that were let go.
        case "$*" in
            *" member list")
                for node in $(cd "$nodes" && grep -lF node-role ./*); do
                    grep -qsx "${node#./}" "$CLUSTER/etcd-left" || echo "id-${node#./}, started, ${node#./}, peers, clients, false"
                done
                ;;
            *" member remove id-"*) echo "${all[-1]#id-}" >>"$CLUSTER/etcd-left" ;;
        esac
        ;;
    "delete csr "*) rm -f "$requests/$3" ;;
    "get csr --output json") echo '{"items":[]}' ;;
    "get csr "*)
        jq -r .spec.request "$requests/$3" | base64 -d |
            openssl x509 -req -CA "$authority.crt" -CAkey "$authority.key" -set_serial 0x"$(openssl rand -hex 16)" -days 365 2>/dev/null |
            jq -Rs '{status: {certificate: @base64}}'
        ;;
    *) exec "$KUBECTL" "${all[@]}" ;;
esac
