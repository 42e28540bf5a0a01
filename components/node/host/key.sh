#!/usr/bin/env bash
# The key that this node joins its cluster with, and the request for a certificate of it. The key never leaves the node;
# the request is public. Both stay as they are for as long as the node is ours: by the key the control plane tells this
# machine from another one that gets its name.
STEP=key
# shellcheck source=components/node/host/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh"

directory=$STATE/join
key=$directory/key.pem
request=$directory/request.pem

downloads() { :; }

apply() {
    install -d -m 0700 "$directory"
    [[ -s "$key" ]] || make "$key" openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    fits || make "$request" openssl req -new -key "$key" -subj "/O=system:nodes/CN=system:node:$NODE_NAME"
    status request "$(cat "$request")"
}

# The join step's reset leaves the cluster, and the kernel step's removes all of our state, this too.
reset() {
    rm -rf "$directory"
    status removed true
}

# Whether the request is this node's and of this key.
fits() {
    [[ -s "$request" ]] &&
        [[ "$(openssl req -in "$request" -noout -pubkey)" == "$(openssl pkey -in "$key" -pubout)" ]] &&
        [[ "$(openssl req -in "$request" -noout -subject -nameopt RFC2253)" == *"CN=system:node:$NODE_NAME,O=system:nodes" ]]
}

# make FILE COMMAND...: what the command prints becomes the file, for root only, whole or not at all.
make() {
    local file=$1 temporary
    shift
    beside "$file"
    (
        umask 077
        "$@" >"$temporary"
    )
    sync "$temporary"
    mv -f "$temporary" "$file"
    sync "${file%/*}"
    changed=true
}

dispatch "$@"
