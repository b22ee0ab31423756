#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `renderer:` in the middle of netplan's `ethernets:` counts for the definitions behind it, and not for those before.
#
# Versions: netplan.io 0.106-2+deb12u1 (Debian 12).
# Believed: keys of a YAML mapping have no order, so that one renderer holds for all of `ethernets:`.
# True: netplan goes through the mapping once, and each definition takes the renderer that is known until then. A tool
#   that sorts keys, as most YAML writers do, moves interfaces from one daemon to the other: the same file, sorted,
#   leaves ens3 to NetworkManager or to networkd. The `renderer:` of `network:` itself is read in time.
# Seen: ens3 in 10-netplan-ens3.network, ens4 in netplan-ens4.nmconnection; with the key first, both in
#   NetworkManager's.
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=netplan.io=0.106-2+deb12u1,coreutils bookworm "$T/tree"
mkdir -p "$T/tree/etc/netplan"
# generates FILES: what the YAML of the standard input becomes.
generates() {
    local files
    (umask 077 && tee "$T/tree/etc/netplan/50-it.yaml")
    rm -rf "$T/tree"/run/{systemd/network,NetworkManager}
    unshare --map-root-user chroot "$T/tree" /usr/libexec/netplan/generate
    files=$(cd "$T/tree/run" && find . \( -name '*.network' -o -name '*.nmconnection' \) -printf '%f\n' |
        sort | paste -sd' ')
    echo "=> $files"
    [ "$files" = "$1" ] || differs "it becomes $files"
}
generates '10-netplan-ens3.network netplan-ens4.nmconnection' <<'END'
network:
  version: 2
  ethernets:
    ens3: {addresses: [192.0.2.5/24]}
    renderer: NetworkManager
    ens4: {addresses: [198.51.100.5/24]}
END
generates 'netplan-ens3.nmconnection netplan-ens4.nmconnection' <<'END'
network:
  version: 2
  ethernets:
    renderer: NetworkManager
    ens3: {addresses: [192.0.2.5/24]}
    ens4: {addresses: [198.51.100.5/24]}
END
generates 'netplan-ens3.nmconnection netplan-ens4.nmconnection' <<'END'
network:
  version: 2
  ethernets:
    ens3: {addresses: [192.0.2.5/24]}
    ens4: {addresses: [198.51.100.5/24]}
  renderer: NetworkManager
END
echo 'as described: where the key stands decides which daemon an interface gets'
