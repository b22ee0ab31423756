#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A route whose gateway cannot be reached keeps systemd-networkd "configuring" for ever, and says nothing.
#
# Versions: systemd 252.39-1~deb12u2 (Debian 12).
# Believed: the kernel refuses such a route, so networkd fails, or warns and goes on.
# True: networkd does not ask the kernel. It waits until an address makes the gateway reachable, for as long as it
#   runs, without a line in its log; the address works, and the link never becomes configured, which
#   systemd-networkd-wait-online (network-online.target) waits for, until its time limit, at each boot. One route that
#   is left from an old network is enough. GatewayOnLink=yes ends it.
# Seen: "configuring; addresses: 192.0.2.5/24; routes: 192.0.2.0/24 proto kernel scope link src 192.0.2.5" after 15 s.
#
# This script succeeds as long as that is so. It needs mmdebstrap, and root for a network namespace and a chroot, but
# not Bootferry. The daemon runs in a folder of its own, on a veth.
set -euo pipefail
if [ $# = 0 ]; then
    T=$(mktemp -d)
    trap 'rm -rf --one-file-system "$T"' EXIT
    mmdebstrap --quiet --mode=root --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
        --include=systemd=252.39-1~deb12u2 bookworm "$T/tree"
    unshare --net --mount --pid --fork --kill-child bash "$0" "$T/tree"
    exit
fi

# ---- In the namespaces --------------------------------------------------------------------------

root=$1 files=$1/etc/systemd/network state=$1/run/systemd/netif
differs() { echo "it is different now: $*"; exit 1; }
mkdir -p "$root"/{proc,sys,dev} "$files" "$state"/{links,leases,lldp}
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" # read-only as in a container: the daemon does not wait for udev
mount --rbind /dev "$root/dev"
printf '%s\n' root:x:0:0:root:/:/bin/sh systemd-network:x:998:998::/:/bin/sh >"$root/etc/passwd"
printf '%s\n' root:x:0: systemd-network:x:998: >"$root/etc/group"
chown -R 998:998 "$state"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
ip link set lo up

# run SECONDS: networkd with a new ens3, for that long or until it has done with it; $admin is how it calls the link.
run() {
    local link daemon end=$((SECONDS + $1))
    ip link add ens3 type veth peer name far
    ip link set far up
    link=$state/links/$(cut -d: -f1 <<<"$(ip -o link show ens3)")
    SYSTEMD_LOG_TARGET=console chroot "$root" /lib/systemd/systemd-networkd >"$root/run/log" 2>&1 &
    daemon=$!
    until grep -qE '^ADMIN_STATE=(configured|failed)' "$link" 2>/dev/null || [ $SECONDS -ge $end ]; do sleep 0.1; done
    admin=$(sed -n 's/^ADMIN_STATE=//p' "$link")
    addresses=$(ip -4 -br addr show dev ens3 | awk '{ $1 = $2 = ""; print }' | xargs)
    routes=$(ip -4 route show dev ens3 | xargs)
    echo "$admin; addresses: $addresses; routes: $routes"
    grep -iE 'fail|could not|invalid|warn' "$root/run/log" || true
    kill "$daemon"
    wait "$daemon" || true
    ip link delete ens3
}
chroot "$root" /lib/systemd/systemd-networkd --version | head -n 1
printf '%s\n' '[Match]' Name=ens3 '[Network]' IPv6AcceptRA=no LinkLocalAddressing=no Address=192.0.2.5/24 \
    '[Route]' Destination=198.51.100.0/24 Gateway=203.0.113.1 >"$files/lan.network"
run 15
[ "$admin $addresses" = 'configuring 192.0.2.5/24' ] || differs "it is $admin, with $addresses"
[[ $routes != *198.51.100.0* ]] || differs 'the route is there'
! grep -iE 'route|gateway|203\.0\.113\.1|198\.51\.100' "$root/run/log" || differs 'it says something of the route'

echo GatewayOnLink=yes >>"$files/lan.network"
run 30
[[ "$admin $routes" == configured*198.51.100.0/24* ]] || differs 'GatewayOnLink= does not help'
echo 'as described: an unreachable gateway, and the link is configuring as long as one looks'
