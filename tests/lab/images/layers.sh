#!/usr/bin/env bash
# Makes the layers that the lab's images share, out of Debian packages: OUTPUT/base, OUTPUT/network and OUTPUT/nginx.
# A layer is the programs named below with the libraries they load, and nothing else: on an emulated node every MB
# takes its time to be fetched and unpacked.
# Usage: layers.sh SUITE MIRROR OUTPUT   (as root)
set -euo pipefail

suite=$1 mirror=$2 output=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
debian=$(mktemp -d "${TMPDIR:-/tmp}/kata-cluster-layers.XXXXXX")
trap 'rm -rf "$debian"' EXIT

mmdebstrap --mode=root --variant=extract --format=directory --quiet \
    --include=libc6,busybox-static,iptables,nftables,conntrack,nginx "$suite" "$debian" "$mirror" >&2
# Debian's own scripts did not run, so the links of the merged /usr are not there yet.
for directory in bin lib lib64 sbin; do
    [[ -e $debian/$directory ]] || ln -s "usr/$directory" "$debian/$directory"
done

# take LAYER FILE...: copies files, links and folders of Debian's into a layer, with the libraries that they load.
take() {
    local layer=$1 file library
    shift
    for file in "$@"; do
        mkdir -p "$output/$layer$(dirname "$file")"
        cp -a "$debian$file" "$output/$layer$file"
        [[ $file == /usr/*bin/* && ! -L $debian$file ]] || continue
        # A static program loads nothing, and the loader says so by failing.
        while read -r library; do
            [[ -e $output/base$library ]] || take_library "$layer" "$library"
        done < <(chroot "$debian" /lib64/ld-linux-x86-64.so.2 --list "$file" 2>/dev/null |
            grep -o '/lib/[^ ]*\.so[^ ]*' || true)
    done
}

# take_library LAYER LIBRARY: under the name by which it is loaded, as one file.
take_library() {
    mkdir -p "$output/$1/usr$(dirname "$2")"
    cp -L "$debian$2" "$output/$1/usr$2"
}

# Base: a C library with name lookup, and busybox under the names of its commands.
mkdir -p "$output"/base/usr/{bin,sbin,lib,lib64} "$output"/base/{etc,tmp,run,var/log,var/lib,root}
chmod 1777 "$output/base/tmp"
for directory in bin lib lib64 sbin; do
    ln -s "usr/$directory" "$output/base/$directory"
done
take base /usr/bin/busybox
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 libresolv.so.2 libnss_files.so.2 libnss_dns.so.2; do
    take_library base "/lib/x86_64-linux-gnu/$library"
done
mkdir -p "$output/base/usr/lib64"
cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$output/base/usr/lib64/"
while read -r command; do
    [[ $command == busybox ]] || ln -s busybox "$output/base/usr/bin/$command"
done < <("$output/base/usr/bin/busybox" --list)

# Network: what kube-proxy and flannel call.
take network /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /usr/sbin/nft /usr/sbin/conntrack \
    /usr/lib/x86_64-linux-gnu/xtables
for command in {iptables,ip6tables}{,-save,-restore}; do
    ln -s xtables-nft-multi "$output/network/usr/sbin/$command"
done

take nginx /usr/sbin/nginx /etc/nginx/mime.types /usr/share/nginx/html
mkdir -p "$output"/nginx/var/{lib/nginx,log/nginx}
ln -s /dev/stdout "$output/nginx/var/log/nginx/access.log"
ln -s /dev/stderr "$output/nginx/var/log/nginx/error.log"

for layer in base network nginx; do
    if [[ -d $here/files/$layer ]]; then
        cp -r "$here/files/$layer/." "$output/$layer/"
    fi
    chown -R 0:0 "$output/$layer"
done
