#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh [LIST]: installs the Debian packages of a list (third_party/packages unless given) that are missing, as root or
# through sudo.
# A machine that has them all is left alone, and the network is not touched.
set -euo pipefail

list=${1:-$(dirname "$0")/packages}
mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$list")

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not a Debian system; please see to these packages yourself:" >&2
    printf '  %s\n' "${wanted[@]}" >&2
    exit 0
fi

# Prints the packages of the list that are not installed.
missing() {
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
}

mapfile -t todo < <(missing)
[ ${#todo[@]} -gt 0 ] || exit 0

echo "setup: installing ${todo[*]}"
run=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: run this as root, or install sudo: apt-get install ${todo[*]}" >&2
        exit 1
    }
    run=(sudo)
fi
apt=("${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q
    -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)

# A stale index is the usual reason for a failure, so the second attempt starts with a new one.
if ! "${apt[@]}" install --no-install-recommends "${todo[@]}"; then
    echo "setup: refreshing the package index and trying once more"
    "${apt[@]}" update
    "${apt[@]}" install --no-install-recommends "${todo[@]}"
fi

mapfile -t todo < <(missing)
if [ ${#todo[@]} -gt 0 ]; then
    echo "setup: still missing: ${todo[*]}" >&2
    exit 1
fi
