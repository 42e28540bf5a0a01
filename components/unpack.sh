#!/usr/bin/env bash
# A part of every bundle: what unpacks its files.
# shellcheck disable=SC2154 # staging is the bundle's
set -euo pipefail

# files DIRECTORY...: what is on stdin becomes files of the bundle, in these directories of it. Each stands between a line
# file 'PATH' <<'END' and its END. One program does it, for on a slow node each that is started takes its time.
files() {
    (cd "$staging" && mkdir -p "$@" && awk '
        end == "" && /^file / { split($0, part, "\047"); target = part[2]; end = part[4]; printf "" >target; next }
        end == "" { next }
        $0 == end { close(target); end = ""; next }
        { print >target }')
}
