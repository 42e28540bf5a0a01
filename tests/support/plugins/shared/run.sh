#!/usr/bin/env bash
# Starts the stand-in whose folder is named as first argument; the other arguments come from the Pulumi engine.
# Needs Node.js 22: the one on PATH if it is new enough, else the one that KATA_CLUSTER_NODE names.
set -euo pipefail

plugin=$1
shift
plugins=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

node_is_new_enough() {
    local major
    major=$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && ((major >= 22))
}

for node in node "${KATA_CLUSTER_NODE:-}"; do
    if [[ -n $node ]] && node_is_new_enough "$node"; then
        # The engine starts plugins in the program's folder, so ts-node needs to be told where it and its settings are.
        export TS_NODE_TRANSPILE_ONLY=true TS_NODE_PROJECT="$plugins/../../../tsconfig.json"
        exec "$node" -r "$plugins/../../../node_modules/ts-node/register" "$plugins/$plugin/main.ts" "$@"
    fi
done
echo "kata-cluster: the stand-in $plugin of tests/support/plugins: found node $(node --version 2>/dev/null || echo none) on PATH" \
    "and KATA_CLUSTER_NODE='${KATA_CLUSTER_NODE:-}'. Node.js 22 or newer is needed." \
    "Fix: put it on PATH or name its binary in KATA_CLUSTER_NODE." >&2
exit 1
