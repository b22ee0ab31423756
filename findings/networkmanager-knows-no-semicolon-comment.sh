#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A comment behind ";" costs a NetworkManager profile, while autoconnect=no in it costs nothing but means yes.
#
# Versions: network-manager 1.42.4-1+deb12u1 (Debian 12).
# Believed: keyfiles are what systemd's unit files are: comments begin with "#" or ";", and yes, no, on and off are
#   booleans. networkd, whose files look the same, reads both.
# True: they are GLib's key files. A line with ";" refuses the whole file, with a warning in the journal only; the
#   interface then gets another profile, or DHCP. A boolean that GLib does not know (no, off) leaves the key at its
#   default with a warning, and that of autoconnect is true: the profile that was to rest comes up.
# Seen: "read: rests", "ens3 has rests", and the two warnings.
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
(
    umask 077
    printf '%s\n' '[connection]' id=commented type=ethernet interface-name=ens3 '; the office' \
        '[ipv4]' method=manual address1=192.0.2.5/24 >"$profiles/commented.nmconnection"
    printf '%s\n' '[connection]' id=rests type=ethernet interface-name=ens3 autoconnect=no \
        '[ipv4]' method=manual address1=192.0.2.6/24 >"$profiles/rests.nmconnection"
)
chroot "$root" NetworkManager --version
chroot "$root" NetworkManager --debug --log-level=INFO >"$log" 2>&1 &
in_time running
in_time grep -q 'startup complete' "$log"
read=$(nm -f NAME,FILENAME connection show | sed -n 's|:/etc/.*||p' | sort | paste -sd' ')
has=$(nm -f DEVICE,STATE,CONNECTION device | sed -n 's/^ens3:connected://p')
echo "read: $read"
echo "ens3 has $has"
grep '<warn>.* keyfile: ' "$log" || true
[ "$read" = rests ] || differs 'the profile with the comment is read'
[ "$has" = rests ] || differs 'autoconnect=no is understood'
[ "$(nm -g connection.autoconnect connection show rests)" = yes ] || differs 'autoconnect is not the default'
echo 'as described: the comment costs the profile, and "no" is not no'
