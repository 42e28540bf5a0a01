#!/usr/bin/env bash
# Downloads files, one after the other or all at once: download.sh serial|parallel URL...
set -euo pipefail

how=$1
shift
folder=$(mktemp -d /var/tmp/bench.XXXXXX)
trap 'rm -rf "$folder"' EXIT
jobs=()
for url in "$@"; do
    curl --fail --silent --show-error --location --output "$folder/${url##*/}" "$url" &
    jobs+=($!)
    if [[ $how == serial ]]; then
        wait $!
    fi
done
if [[ $how == parallel ]]; then
    for job in "${jobs[@]}"; do
        wait "$job"
    done
fi
