#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# With an empty /etc/machine-id, DHCP=yes costs an interface of systemd-networkd its static address.
#
# Versions: systemd 252.39-1~deb12u2 (Debian 12).
# Believed: an empty machine-id is the way to hand on an image (machine-id(5)); at worst a DHCP client lacks its
#   identifier, and what is written down as Address= is set in any case.
# True: the DUID of DHCPv4 and DHCPv6 comes from the machine-id. systemd as first process fills it in time; where
#   nothing has (another init, a container, a rescue system), the client cannot be set up: "No medium found", which is
#   the word for a missing machine-id and speaks of no cable. Before any address is set the whole link has failed, so
#   the static one is missing too. The same file without DHCP= works, and so does it with a machine-id.
# Seen: "failed; addresses: ; routes:" and "ens3: Failed to configure DHCPv4 client: No medium found".
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
static=$(printf '%s\n' '[Match]' Name=ens3 '[Network]' IPv6AcceptRA=no LinkLocalAddressing=no Address=192.0.2.5/24)
: >"$root/etc/machine-id"
printf '%s\n' "$static" >"$files/lan.network"
run 30
[ "$admin $addresses" = 'configured 192.0.2.5/24' ] || differs 'the static address alone is not set'

printf '%s\n' "$static" DHCP=yes >"$files/lan.network"
run 30
[ "$admin" = failed ] || differs "the link is $admin"
[ -z "$addresses" ] || differs "it has $addresses"
grep -q 'DHCPv[46] client: No medium found' "$root/run/log" || differs 'it says something else'

echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
run 5
[ "$addresses" = 192.0.2.5/24 ] || differs 'with a machine-id the address is not set'
echo 'as described: DHCP without a machine-id takes the static address away'
