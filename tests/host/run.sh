#!/usr/bin/env bash
# Checks and tests of everything that is shell. Prints TAP, then the counts.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in bats shellcheck shfmt jq zstd curl perl; do
    command -v "$tool" >/dev/null || {
        echo "kata-cluster: $tool is missing. Fix: apt-get install bats shellcheck shfmt jq zstd curl perl" >&2
        exit 1
    }
done

result=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
bats --tap --recursive "${@:-tests/host}" | tee "$output" || result=$?
passed=$(grep -cE '^ok ' "$output" || true)
failed=$(grep -cE '^not ok ' "$output" || true)
skipped=$(grep -cE '^ok .* # skip' "$output" || true)
echo "# shell: $((passed - skipped)) passed, $failed failed, $skipped skipped"
exit "$result"
