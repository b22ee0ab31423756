#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NetworkManager adds a route to a gateway that lies in no network of its addresses by itself.
#
# Versions: network-manager 1.42.4-1+deb12u1 (Debian 12).
# Believed: "address1=192.0.2.5/32,203.0.113.1" is an error, or needs a second route, to the gateway
#   (route1=203.0.113.1/32), as with `ip route`; systemd-networkd needs GatewayOnLink= for it.
# True: the daemon sees that the gateway is in none of its networks and adds a route to it by itself, scope link, with
#   the same metric. A route of that kind in the kernel is therefore no trace of a setting, and nothing has to be
#   added to the file for a /32.
# Seen: "default via 203.0.113.1 proto static metric 100" and "203.0.113.1 proto static scope link metric 100", no
#   warning.
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
(umask 077 && printf '%s\n' '[connection]' id=hosted type=ethernet interface-name=ens3 \
    '[ipv4]' method=manual address1=192.0.2.5/32,203.0.113.1 >"$profiles/hosted.nmconnection")
chroot "$root" NetworkManager --version
chroot "$root" NetworkManager --debug --log-level=INFO >"$log" 2>&1 &
in_time running
in_time grep -q 'startup complete' "$log"
nm -f DEVICE,STATE,CONNECTION device | grep ens3
ip -4 route show dev ens3 | tee "$root/run/routes"
grep -q '^default via 203.0.113.1 ' "$root/run/routes" || differs 'there is no default route'
grep -q '^203.0.113.1 .*scope link' "$root/run/routes" || differs 'there is no route to the gateway'
[ -z "$(nm -g ipv4.routes connection show hosted)" ] || differs 'the profile has a route'
! grep '<warn>.*\(route\|gateway\)' "$log" || differs 'it warns'
echo 'as described: a /32 and a gateway outside it, and nothing else, are enough'
