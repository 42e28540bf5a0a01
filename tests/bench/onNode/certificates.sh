#!/usr/bin/env bash
# Makes all keys, certificates and kubeconfigs of a control plane in a scratch folder: certificates.sh ALGORITHM
# The configuration is the node's own but for the algorithm and the folder.
set -euo pipefail

folder=$(mktemp -d /var/tmp/bench.XXXXXX)
trap 'rm -rf "$folder"' EXIT
sed -e "s/^encryptionAlgorithm: .*/encryptionAlgorithm: $1\ncertificatesDir: ${folder//\//\\/}\/pki/" /etc/kata-cluster/kubeadm.yaml >"$folder/kubeadm.yaml"
grep -q "^certificatesDir: " "$folder/kubeadm.yaml"
kubeadm init phase certs all --config "$folder/kubeadm.yaml" >/dev/null
kubeadm init phase kubeconfig all --config "$folder/kubeadm.yaml" --kubeconfig-dir "$folder" >/dev/null
