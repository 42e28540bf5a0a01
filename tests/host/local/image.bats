#!/usr/bin/env bats
# Image downloads, from a server on 127.0.0.1 that resumes, cuts and alters.

setup() {
    load machine
    machine_settings "$BATS_TEST_TMPDIR"
    stub_qemu
    SITE=$BATS_TEST_TMPDIR/site
    mkdir "$SITE"
    head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
    qemu-img create -q -f raw "$SITE/image.raw" 64M
    dd if="$BATS_TEST_TMPDIR/noise" of="$SITE/image.raw" conv=notrunc status=none
    qemu-img convert -O qcow2 "$SITE/image.raw" "$SITE/image.qcow2"
    # Serves $SITE with ranges, logs to requests, and cuts a body after as many bytes as the file `cut` says, once.
    cat >"$BATS_TEST_TMPDIR/server.py" <<'PYTHON'
import http.server, os, re, sys
site = sys.argv[1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(site + self.path, "rb").read()
        start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(start[1]) if start else 0
        print(self.path, start, file=open(site + "/requests", "a"))
        if start >= len(body) > 0:
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        end = len(body)
        if os.path.exists(site + "/cut"):
            end = start + int(open(site + "/cut").read())
            os.remove(site + "/cut")
        self.wfile.write(body[start:end])
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, file=open(site + "/port.new", "w"))
os.rename(site + "/port.new", site + "/port")
server.serve_forever()
PYTHON
    python3 "$BATS_TEST_TMPDIR/server.py" "$SITE" 3>&- &
    SERVER=$!
    until [[ -s "$SITE/port" ]]; do sleep 0.1; done
    VM_IMAGE_URL=http://127.0.0.1:$(cat "$SITE/port")/image.qcow2
    VM_IMAGE_SHA512=$(sha512sum <"$SITE/image.qcow2" | cut -d ' ' -f 1)
    export VM_IMAGE='' VM_IMAGE_URL VM_IMAGE_SHA512 VM_IMAGE_SHA256=''
    IMAGES=$XDG_CACHE_HOME/kata-cluster/images
    CACHED=$IMAGES/${VM_IMAGE_SHA512:0:16}-image.qcow2
}

teardown() {
    vm delete
    kill "$SERVER"
}

@test "an image is downloaded once, verified, and outlives the machine" {
    vm apply
    cmp "$SITE/image.qcow2" "$CACHED"
    vm delete
    vm apply
    [ "$(wc -l <"$SITE/requests")" -eq 1 ]
    [ "$(ls "$IMAGES")" = "${CACHED##*/}" ]
}

@test "SHA-256 does as well" {
    VM_IMAGE_SHA256=$(sha256sum <"$SITE/image.qcow2" | cut -d ' ' -f 1)
    VM_IMAGE_SHA512='' vm apply
    [ -f "$IMAGES/${VM_IMAGE_SHA256:0:16}-image.qcow2" ]
}

@test "a body that is cut off is retried, and the image is whole" {
    echo 100000 >"$SITE/cut"
    vm apply
    cmp "$SITE/image.qcow2" "$CACHED"
    [ "$(wc -l <"$SITE/requests")" -ge 2 ]
}

@test "a download that a former run left is resumed, not begun again" {
    mkdir -p "$IMAGES"
    head -c 200000 "$SITE/image.qcow2" >"$CACHED.part"
    vm apply
    [ "$(cat "$SITE/requests")" = '/image.qcow2 200000' ]
    cmp "$SITE/image.qcow2" "$CACHED"
}

@test "a part that is whole, or is another file's, is no obstacle" {
    mkdir -p "$IMAGES"
    cp "$SITE/image.qcow2" "$CACHED.part"
    vm apply
    vm delete
    rm -f "$CACHED"
    head -c 1000 /dev/zero >"$CACHED.part"
    vm apply
    cmp "$SITE/image.qcow2" "$CACHED"
}

@test "a wrong digest: one download, both digests named, nothing left" {
    right=$VM_IMAGE_SHA512
    wrong=$(printf '%0128d' 7)
    VM_IMAGE_SHA512=$wrong run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *"has SHA-512 $right, not $wrong. Fix:"* ]]
    [ "$(wc -l <"$SITE/requests")" -eq 1 ]
    ls "$IMAGES"
    [ -z "$(find "$IMAGES" -type f ! -name '*.lock')" ]
    [ ! -e "$STUBS/started" ]
}

@test "a server that is not there is named" {
    kill "$SERVER"
    wait "$SERVER" || true
    VM_IMAGE_URL=${VM_IMAGE_URL/image/other} run vm apply
    [ "$status" -eq 1 ]
    [[ "$output" == *'cannot download http://127.0.0.1'*'Fix: check the network, or set machines.local.image'* ]]
    python3 -c pass 3>&- &
    SERVER=$!
}

@test "two machines that want the same image at once download it once" {
    VM_DIRECTORY=$BATS_TEST_TMPDIR/second VM_SSH_PORT=$(free_port) VM_API_PORT=$(free_port) vm apply 3>&- &
    second=$!
    vm apply
    wait "$second"
    VM_DIRECTORY=$BATS_TEST_TMPDIR/second vm delete
    [ "$(wc -l <"$SITE/requests")" -eq 1 ]
}
