#!/usr/bin/env bash
# A node for the tests of the scripts: the real scripts with the files that the components render, below a root
# directory of their own, with stand-ins for the tools that change a machine. Every call of a stand-in is in $CALLS.
# shellcheck disable=SC2016,SC2034,SC2154 # bodies of stand-ins, variables of bats and for it

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/support/fakeMachine/machine.bash
source "$REPOSITORY/tests/support/fakeMachine/machine.bash"
HOST=$REPOSITORY/components/node/host
GOLDEN=$REPOSITORY/tests/unit/golden

make_node() {
    TEST=$BATS_TEST_TMPDIR
    export ROOT=$TEST/root CALLS=$TEST/calls SERVICES=$TEST/services RETRY_DELAY=0
    STUBS=$TEST/stubs WWW=$TEST/www MADE=$TEST/made
    BUNDLE=$TEST/bundle
    STATE=$ROOT/var/lib/kata-cluster
    mkdir -p "$ROOT" "$SERVICES" "$STUBS" "$BUNDLE" "$WWW"
    PATH=$STUBS:$PATH
    : >"$CALLS"
    cp -r "$HOST/." "$REPOSITORY/tests/host/fixtures/files" "$BUNDLE"
    rm "$BUNDLE/bundle.sh"
    cp "$GOLDEN/node.env" "$BUNDLE"
    echo NODE_NAME=lab-0 >"$BUNDLE/name.env"
    : >"$BUNDLE/downloads"
    mkdir -p "$BUNDLE/files/etc/containerd" "$BUNDLE/files/etc/kata-cluster"
    cp "$GOLDEN/config.toml" "$BUNDLE/files/etc/containerd"
    cp "$GOLDEN/kubeadm.yaml" "$BUNDLE/files/etc/kata-cluster"
    printf 'runtime-endpoint: unix:///run/containerd/containerd.sock\n' >"$BUNDLE/files/etc/crictl.yaml"
    make_root
    make_stubs
}

# use_crio: the bundle of a node that is to have CRI-O, and a CRI-O release. The stand-in shows its settings as CRI-O
# does: those that have its default's value as comments, and of the running one all, indented.
use_crio() {
    local name made=$TEST/made/crio/cri-o
    cp "$GOLDEN/node-crio.env" "$BUNDLE/node.env"
    rm -rf "$BUNDLE/files/etc/containerd"
    mkdir -p "$BUNDLE/files/etc/crio/crio.conf.d" "$BUNDLE/files/etc/containers/registries.conf.d"
    cp "$GOLDEN/50-kata.conf" "$BUNDLE/files/etc/crio/crio.conf.d"
    echo '{ "default": [{ "type": "insecureAcceptAnything" }] }' >"$BUNDLE/files/etc/crio/policy.json"
    cp "$GOLDEN/registries.conf" "$BUNDLE/files/etc/containers/registries.conf.d/50-kata-cluster.conf"
    cp "$GOLDEN/kubeadm-crio.yaml" "$BUNDLE/files/etc/kata-cluster/kubeadm.yaml"
    printf 'runtime-endpoint: unix:///var/run/crio/crio.sock\n' >"$BUNDLE/files/etc/crictl.yaml"
    for name in pinns conmon conmonrs runc crun crictl; do
        program "$made/bin/$name" "echo $name"
    done
    program "$made/bin/crio" 'echo "crio $*" >>"$CALLS"
show() { grep -hvE "${LOST:-no such line}" "$1"; }
case "$*" in
    *" config-dir"* | "--config  --config-dir "*" config") echo "# comment"; show "$4/50-kata.conf" | sed "s/^cgroup_manager/# &/; /^container_create_timeout/d" ;;
    "status --socket /var/run/crio/crio.sock config") printf "[crio.nri]\n  enable_nri = true\n"; LOST=${LOST_LIVE:-} show "$ROOT/etc/crio/crio.conf.d/50-kata.conf" | sed "s/^/  /; s/\[ /[/; s/ \]/]/" ;;
    *) exit 1 ;;
esac'
    program "$made/install" 'exit 1'
    program "$made/cni-plugins/bridge" ':'
    mkdir -p "$made/etc"
    echo 'default_runtime = "crun"' >"$made/etc/10-crio.conf"
    # As in upstream's archive, where it is executable.
    program "$made/completions/bash/crio" 'echo "this is no program to install" >&2; exit 1'
    tar -czf "$TEST/www/cri-o.tar.gz" -C "$TEST/made/crio" cri-o
    list crio 1.36.3 cri-o.tar.gz
}

# run_script SCRIPT ARGUMENT...: runs a script of the bundle as the bundle does.
run_script() {
    local script=$1
    shift
    run bash "$BUNDLE/$script.sh" "$@"
}

# succeed, failing: what the last `run` must have been, with its output when it was not.
succeed() {
    ((status == 0)) || {
        printf 'status %s\n%s\n' "$status" "$output"
        return 1
    }
}

# failing PART...: it failed and its output holds each part.
failing() {
    ((status != 0)) || {
        printf 'it succeeded\n%s\n' "$output"
        return 1
    }
    says "$@"
}

says() {
    local part
    for part in "$@"; do
        [[ "$output" == *"$part"* ]] || {
            printf 'not said: %s\n%s\n' "$part" "$output"
            return 1
        }
    done
}

says_not() {
    [[ "$output" != *"$1"* ]] || {
        printf 'said: %s\n%s\n' "$1" "$output"
        return 1
    }
}

# called PART...: stand-ins were called with these, in this order.
called() {
    local part line=0 found
    for part in "$@"; do
        found=$(tail -n +$((line + 1)) "$CALLS" | grep -nF -m 1 -- "$part" | cut -d : -f 1)
        [[ -n "$found" ]] || {
            printf 'not called (after line %s): %s\n' "$line" "$part"
            cat "$CALLS"
            return 1
        }
        line=$((line + found))
    done
}

called_not() {
    ! grep -F -- "$1" "$CALLS"
}

# serve: starts the download server; $URL is its address, $REQUESTS its log.
serve() {
    REQUESTS=$TEST/requests
    : >"$REQUESTS"
    bash "$REPOSITORY/stacks/node.sh" "$REPOSITORY/tests/host/server.ts" "$TEST/www" "$REQUESTS" "$TEST/port" >"$TEST/server.log" 2>&1 3>&- &
    SERVER=$!
    for _ in {1..300}; do
        [[ ! -f "$TEST/port" ]] || break
        sleep 0.1
    done
    URL=http://127.0.0.1:$(cat "$TEST/port")
}

stop_server() {
    [[ -z "${SERVER:-}" ]] || kill "$SERVER"
}

# list NAME VERSION FILE [FAULT]: puts a file of www on the bundle's list of downloads.
list() {
    local digest
    digest=$(sha256sum "$TEST/www/$3" | cut -d ' ' -f 1)
    sed "/^$1\t/d" "$BUNDLE/downloads" >"$TEST/downloads"
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" amd64 "$digest" "$URL/${4:+$4/}$3" >>"$TEST/downloads"
    mv "$TEST/downloads" "$BUNDLE/downloads"
}

# names DIRECTORY: what is in it, on one line.
names() {
    find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd ' '
}

# tree: what a run left on the node, but for times and what only this run was called.
tree() {
    (
        cd "$ROOT" || exit
        find . -path ./proc -prune -o \( -type f -o -type l \) ! -path ./var/lib/kata-cluster/lock -print | sort | while read -r file; do
            if [[ -L "$file" ]]; then
                echo "$file -> $(readlink "$file")"
            else
                echo "$file $(/usr/bin/stat -c %a "$file") $(sha256sum <"$file" | cut -c1-16)"
            fi
        done
    )
}

# kill_each SCRIPT VERB: kills the script with all its children before each of its changes to the disk in turn, once
# more after the last; each time a second run must succeed and leave what an undisturbed run leaves. $1 is a function
# that puts the node back to how it was. $KILL_BEFORE names the tools that count as a change.
kill_each() {
    local before=$1 script=$2 verb=$3 name clean number=0 kills=0
    "$before"
    bash "$BUNDLE/$script.sh" "$verb" >"$TEST/clean.out" 2>&1 || {
        cat "$TEST/clean.out"
        return 1
    }
    clean=$(tree)
    for name in ${KILL_BEFORE:-mv rm ln touch kubeadm kubectl}; do
        hook_stub "$name"
    done
    while true; do
        number=$((number + 1))
        "$before"
        echo 0 >"$TEST/count"
        # In a shell of its own, which says "Killed" to nobody.
        if (KILL_AT=$number setsid --wait bash "$BUNDLE/$script.sh" "$verb") >"$TEST/killed.out" 2>&1; then
            break
        fi
        (($(<"$TEST/count") == number)) || {
            echo "it failed by itself:"
            cat "$TEST/killed.out"
            return 1
        }
        kills=$((kills + 1))
        KILL_AT=0 bash "$BUNDLE/$script.sh" "$verb" >"$TEST/again.out" 2>&1 || {
            echo "killed at $number, the next run failed:"
            cat "$TEST/again.out"
            return 1
        }
        [[ "$(tree)" == "$clean" ]] || {
            echo "killed at $number, the next run left something else:"
            diff <(echo "$clean") <(tree)
            return 1
        }
    done
    echo "# killed at $kills points" >&3
    ((kills > 5))
}

# hook_stub NAME: lets a tool count its calls, and kill the whole run before the one numbered $KILL_AT.
hook_stub() {
    local real
    real=$(PATH=${PATH#"$STUBS":} command -v "$1" || true)
    if [[ -e "$STUBS/$1" ]]; then
        real=$STUBS/$1.real
        [[ -e "$real" ]] || mv "$STUBS/$1" "$real"
    fi
    [[ -n "$real" ]] || return 0
    cat >"$STUBS/$1" <<BODY
#!/usr/bin/env bash
if [[ "\${KILL_AT:-0}" != 0 ]]; then
    # Some calls are made at once.
    exec 7>>"$TEST/count.lock"
    flock 7
    count=\$((\$(<"$TEST/count") + 1))
    echo "\$count" >"$TEST/count"
    ((count != KILL_AT)) || kill -KILL 0
    exec 7>&-
fi
exec "$real" "\$@"
BODY
    chmod +x "$STUBS/$1"
}
