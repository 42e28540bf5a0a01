#!/usr/bin/env bash
# Prints the host key that a virtual machine on Google Cloud has told by its guest attributes: MACHINE is its name,
# HOST_KEY the key, and PROBLEM why there is none.
set -euo pipefail

if [[ ! "${HOST_KEY:-}" =~ ^ssh-ed25519\ AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$ ]]; then
    cause=${PROBLEM:-"'${HOST_KEY:-}' is not an ssh-ed25519 key"}
    fix='see in its serial output whether it has booted (gcloud compute instances get-serial-port-output)'
    fix+='; the organization policy constraints/compute.disableGuestAttributesAccess must not be enforced for its project'
    fix+='; whoever runs pulumi needs the permission compute.instances.getGuestAttributes. Then run up again'
    printf 'kata-cluster: machine %s has not told its host key by its guest attributes: %s. Fix: %s\n' \
        "${MACHINE:-?}" "$cause" "$fix" >&2
    exit 1
fi
echo "$HOST_KEY"
