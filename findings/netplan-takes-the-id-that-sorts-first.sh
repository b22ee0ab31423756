#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Of two netplan definitions that fit an interface, the id that sorts first wins: "all-en" beats "ens3".
#
# Versions: netplan.io 0.106-2+deb12u1, systemd 252.39-1~deb12u2 (Debian 12).
# Believed: the definition that names the interface goes before one with a pattern, or the later file before the
#   earlier, as for all else in netplan: 99-mine.yaml overrides 50-cloud-init.yaml.
# True: definitions with different ids are not merged. Each becomes a file 10-netplan-ID.network, and networkd takes
#   the first one that matches by the sorting of their names. The number of the YAML file does not matter, nor which
#   is more exact; a definition for ens3 in 99-mine.yaml has no effect beside the pattern "all-en" of 50-image.yaml.
#   netplan says nothing of it.
# Seen: "ens3 is set up by 10-netplan-all-en.network"; with the id "a-mine" instead of "ens3" it is the other one.
#
# This script succeeds as long as that is so. It needs mmdebstrap, and root for a network namespace and a chroot, but
# not Bootferry. The daemon runs in a folder of its own, on a veth.
set -euo pipefail
if [ $# = 0 ]; then
    T=$(mktemp -d)
    trap 'rm -rf --one-file-system "$T"' EXIT
    mmdebstrap --quiet --mode=root --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
        --include=netplan.io=0.106-2+deb12u1,systemd=252.39-1~deb12u2 bookworm "$T/tree"
    unshare --net --mount --pid --fork --kill-child bash "$0" "$T/tree"
    exit
fi

# ---- In the namespaces --------------------------------------------------------------------------

root=$1 state=$1/run/systemd/netif
differs() { echo "it is different now: $*"; exit 1; }
mkdir -p "$root"/{proc,sys,dev,etc/netplan} "$state"/{links,leases,lldp}
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" # read-only as in a container: the daemon does not wait for udev
mount --rbind /dev "$root/dev"
printf '%s\n' root:x:0:0:root:/:/bin/sh systemd-network:x:998:998::/:/bin/sh >"$root/etc/passwd"
printf '%s\n' root:x:0: systemd-network:x:998: >"$root/etc/group"
chown -R 998:998 "$state"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
ip link set lo up

# takes ID: which file networkd takes for ens3 when the definition for it is called ID; $file and $addresses.
takes() {
    local link daemon end=$((SECONDS + 30))
    cat >"$root/etc/netplan/50-image.yaml" <<'END'
network:
  version: 2
  ethernets:
    all-en:
      match: {name: "en*"}
      accept-ra: false
      addresses: [192.0.2.99/24]
END
    cat >"$root/etc/netplan/99-mine.yaml" <<END
network:
  version: 2
  ethernets:
    $1:
      match: {name: ens3}
      accept-ra: false
      addresses: [192.0.2.5/24]
END
    chmod 600 "$root"/etc/netplan/*
    rm -f "$root"/run/systemd/network/*
    chroot "$root" /usr/libexec/netplan/generate 2>&1 | tee "$root/run/said"
    [ ! -s "$root/run/said" ] || differs 'netplan says something'
    ip link add ens3 type veth peer name far
    ip link set far up
    link=$state/links/$(cut -d: -f1 <<<"$(ip -o link show ens3)")
    SYSTEMD_LOG_TARGET=console chroot "$root" /lib/systemd/systemd-networkd >"$root/run/log" 2>&1 &
    daemon=$!
    until grep -q '^ADMIN_STATE=configured' "$link" 2>/dev/null; do
        [ $SECONDS -lt $end ] || differs "ens3 is not configured: $(cat "$root/run/log")"
        sleep 0.1
    done
    file=$(sed -n 's/^NETWORK_FILE=.*\///p' "$link")
    addresses=$(ip -4 -o addr show dev ens3 | awk '{ print $4 }' | paste -sd' ')
    kill "$daemon"
    wait "$daemon" || true
    ip link delete ens3
    echo "called $1: ens3 is set up by $file, with $addresses"
}
takes ens3
[ "$file $addresses" = '10-netplan-all-en.network 192.0.2.99/24' ] || differs 'the pattern does not win'
takes a-mine
[ "$file $addresses" = '10-netplan-a-mine.network 192.0.2.5/24' ] || differs 'the id does not decide'
echo 'as described: only the id of the definition decides'
