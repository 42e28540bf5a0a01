#!/usr/bin/env bats
# Every shell file and systemd unit of the project.

setup() {
    load node
    cd "$REPOSITORY" || return
}

scripts() {
    git ls-files --cached --others --exclude-standard 'components/*.sh' 'stacks/*.sh' 'tests/*.sh' 'tests/*.bash' '.ci/*' |
        while read -r file; do
            [[ ! -f "$file" ]] || ! head -n 1 "$file" | grep -q bash || echo "$file"
        done
}

bats_files() {
    git ls-files --cached --others --exclude-standard 'tests/*.bats'
}

@test "shellcheck has nothing to say" {
    (($(scripts | wc -l) > 10))
    scripts | xargs shellcheck --external-sources
    bats_files | xargs shellcheck --shell=bats --external-sources
}

@test "shfmt has nothing to change" {
    scripts | xargs shfmt -i 4 -ci -d
    bats_files | xargs shfmt -ln bats -i 4 -ci -d
}

@test "every script is strict, and none prints its commands or edits a vendor's file in place" {
    for file in $(scripts); do
        grep -qE '^set -E?euo pipefail$' "$file" || grep -qE '^source .*lib\.sh"$' "$file" || [[ "$file" == *.bash || "$file" == */downloads.sh ]] || {
            echo "$file is not strict"
            return 1
        }
    done
    found=$(scripts | xargs grep -nE 'set -[a-z]*x|sed -i' -- || true)
    echo "$found"
    [ -z "$found" ]
}

@test "scripts have at most 400 lines" {
    long=$({
        scripts
        bats_files
    } | xargs awk 'FNR == 401 { print FILENAME }')
    echo "$long"
    [ -z "$long" ]
}

@test "systemd takes the units" {
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/usr/local/bin" "$root/usr/local/libexec/crio" "$root/sbin" "$root/usr/sbin"
    cp -r components/node/host/files/. "$root"
    for file in usr/local/bin/containerd usr/local/libexec/crio/crio usr/local/bin/kubelet sbin/modprobe usr/sbin/nft; do
        cp /bin/true "$root/$file"
    done
    # The targets that the units name.
    mkdir -p "$root/usr/lib/systemd"
    cp -r /usr/lib/systemd/system "$root/usr/lib/systemd/system"
    for unit in containerd crio kubelet kata-cluster-metadata; do
        run systemd-analyze verify --root="$root" "$unit.service"
        echo "$output"
        [[ ! "$output" =~ $unit|10-kubeadm ]]
    done
}
