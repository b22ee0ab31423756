#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Of two NetworkManager profiles that fit, the one that was used last wins, even if only the other names the interface.
#
# Versions: network-manager 1.42.4-1+deb12u1 (Debian 12).
# Believed: with the same autoconnect-priority, the profile that names its interface goes before one for any card; and
#   the keyfile's timestamp= says when a profile was used.
# True: what decides is /var/lib/NetworkManager/timestamps, which the daemon keeps itself, by UUID; the keyfile's
#   timestamp= does not count against it, and interface-name= is a condition, not a rank. What a machine gets at its
#   next boot can therefore not be told from its profiles alone: two machines with the same files differ.
# Seen: "the one for any card was used last: ens3 has any", then "the one for ens3 was used last: ens3 has named".
#
# This script succeeds as long as that is so. It needs mmdebstrap, and root for a network namespace and a chroot, but
# not Bootferry. The daemon runs in a folder of its own, on a veth.
set -euo pipefail
if [ $# = 0 ]; then
    T=$(mktemp -d)
    trap 'rm -rf --one-file-system "$T"' EXIT
    mmdebstrap --quiet --mode=root --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
        --include=network-manager=1.42.4-1+deb12u1,dbus-daemon=1.14.10-1~deb12u1 bookworm "$T/tree"
    unshare --net --mount --pid --fork --kill-child bash "$0" "$T/tree"
    exit
fi

# ---- In the namespaces --------------------------------------------------------------------------

root=$1 profiles=$1/etc/NetworkManager/system-connections log=$1/run/log
differs() { echo "it is different now: $*"; exit 1; }
nm() { chroot "$root" nmcli -t "$@"; }
in_time() { # COMMAND...: until it succeeds, within 30 seconds
    local end=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $end ] || differs "no success of: $*"
        sleep 0.1
    done
}
running() { [ "$(nm -f RUNNING general 2>/dev/null)" = running ]; }

mkdir -p "$root"/{proc,sys,dev,run/dbus} "$profiles"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" # read-only as in a container: the daemon does not wait for udev
mount --rbind /dev "$root/dev"
echo root:x:0:0:root:/:/bin/sh >"$root/etc/passwd"
cat >"$root/etc/bus.conf" <<'END'
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/>
    <allow send_requested_reply="true"/><allow receive_type="signal"/><allow receive_type="method_call"/>
    <allow receive_type="method_return"/><allow receive_type="error"/>
  </policy>
</busconfig>
END
cat >"$root/etc/NetworkManager/NetworkManager.conf" <<'END'
[main]
plugins=keyfile
auth-polkit=false
rc-manager=unmanaged
[device-far]
match-device=interface-name:far
managed=0
END
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
chroot "$root" dbus-daemon --config-file=/etc/bus.conf --nofork --nopidfile 2>/dev/null &
in_time [ -S "$root/run/dbus/system_bus_socket" ]
ip link set lo up
ip link add ens3 type veth peer name far
ip link set far up
named=11111111-1111-4111-8111-111111111111 any=22222222-2222-4222-8222-222222222222
(
    umask 077
    printf '%s\n' '[connection]' id=named uuid=$named type=ethernet interface-name=ens3 timestamp=1790000000 \
        '[ipv4]' method=manual address1=192.0.2.5/24 >"$profiles/named.nmconnection"
    printf '%s\n' '[connection]' id=any uuid=$any type=ethernet timestamp=1 \
        '[ipv4]' method=manual address1=192.0.2.6/24 >"$profiles/any.nmconnection"
)
activated() { has=$(nm -f DEVICE,STATE,CONNECTION device | sed -n 's/^ens3:connected://p') && [ -n "$has" ]; }
# boots TIME-OF-NAMED TIME-OF-ANY: a first start of the daemon after those two were used then; $has is what ens3 got.
boots() {
    printf '%s\n' '[timestamps]' "$named=$1" "$any=$2" >"$root/var/lib/NetworkManager/timestamps"
    chroot "$root" NetworkManager --debug --log-level=INFO >"$log" 2>&1 &
    local daemon=$!
    in_time running
    in_time activated
    kill "$daemon"
    wait "$daemon" || true
    ip link delete ens3
    rm -rf "$root/run/NetworkManager"
    ip link add ens3 type veth peer name far
    ip link set far up
}
chroot "$root" NetworkManager --version
mkdir -p "$root/var/lib/NetworkManager"
boots 1600000000 1700000000
echo "the one for any card was used last: ens3 has $has"
[ "$has" = any ] || differs 'the profile that was used last does not win'
boots 1700000000 1600000000
echo "the one for ens3 was used last: ens3 has $has"
[ "$has" = named ] || differs 'the profile that was used last does not win the second time'
echo 'as described: the same two profiles, and the times of their use decide'
