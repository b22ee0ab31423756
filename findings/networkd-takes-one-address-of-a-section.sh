#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two Address= in one [Address] section of systemd-networkd are one address, and two in [Network] are two.
#
# Versions: systemd 252.39-1~deb12u2 (Debian 12).
# Believed: Address= may be repeated, as the manual says of it in [Network]; [Address] is the long form of the same.
# True: a section [Address] is one address. The last Address= in it replaces those before, without a word in the log,
#   and an empty one makes the whole section count for nothing; in [Network], an empty one changes nothing.
# Seen: "in [Address]: 192.0.2.6/24", "in [Network]: 192.0.2.5/24 192.0.2.6/24".
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
begin=$(printf '%s\n' '[Match]' Name=ens3 '[Network]' IPv6AcceptRA=no LinkLocalAddressing=no)
printf '%s\n' "$begin" '[Address]' Address=192.0.2.5/24 Address=192.0.2.6/24 >"$files/lan.network"
run 30
echo "in [Address]: $addresses"
[ "$addresses" = 192.0.2.6/24 ] || differs 'it is not the last one alone'
! grep -F lan.network: "$root/run/log" || differs 'it says something of the file'

printf '%s\n' "$begin" Address=192.0.2.5/24 Address=192.0.2.6/24 >"$files/lan.network"
run 30
echo "in [Network]: $addresses"
[ "$addresses" = '192.0.2.5/24 192.0.2.6/24' ] || differs 'they are not two in [Network]'

printf '%s\n' "$begin" Address=192.0.2.5/24 '[Address]' Address=192.0.2.6/24 Address= >"$files/lan.network"
run 30
echo "emptied in [Address]: $addresses"
[ "$addresses" = 192.0.2.5/24 ] || differs 'an empty one does not drop the section'

printf '%s\n' "$begin" Address=192.0.2.5/24 Address= Address=192.0.2.6/24 >"$files/lan.network"
run 30
echo "emptied in [Network]: $addresses"
[ "$addresses" = '192.0.2.5/24 192.0.2.6/24' ] || differs 'an empty one resets the list in [Network]'
echo 'as described: a section is one address'
