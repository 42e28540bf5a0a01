#!/usr/bin/env bash
# Prints the host key that an SSH server shows: hostKey.sh ADDRESS PORT
set -euo pipefail

key=$(ssh-keyscan -T 15 -t ed25519,ecdsa,rsa -p "$2" "$1" 2>/dev/null | awk '!/^#/ { print $2, $3; exit }')
if [[ -z "$key" ]]; then
    echo "kata-cluster: no SSH server answers at $1, port $2. Fix: check the address, the port and the firewall" >&2
    exit 1
fi
echo "$key"
