#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A keyfile that was copied to .bak, .orig or .rpmsave is a live NetworkManager profile, and x.backup is not.
#
# Versions: network-manager 1.42.4-1+deb12u1 (Debian 12).
# Believed: profiles are the files *.nmconnection of system-connections; with anything else behind the name they rest.
# True: a name needs no ending at all, so a copy beside the original is one more profile, or, with the same uuid= in
#   it, stands for the original where it is the newer file. What is left out are hidden files, a "~" at the end,
#   .rpmnew, .swp and the like, and each name that ends in a dot and exactly six letters or digits, for such are the
#   temporary files that programs write: x.backup and x.abc123 are no profiles, x.backups is one. So a copy has to go
#   into another folder.
# Seen: "live: lan lan.2024 lan.OLD lan.backups lan.bak lan.dpkg-old lan.nmconnection lan.orig lan.rpmsave lan.save",
#   "resting: lan.abc123 lan.backup lan.bak~ lan.rpmnew", and "with the same uuid: newer.bak".
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
live='lan lan.2024 lan.OLD lan.backups lan.bak lan.dpkg-old lan.nmconnection lan.orig lan.rpmsave lan.save'
resting='lan.abc123 lan.backup lan.bak~ lan.rpmnew'
for name in $live $resting; do
    (umask 077 && printf '%s\n' '[connection]' "id=$name" type=ethernet autoconnect=false \
        '[ipv4]' method=manual address1=192.0.2.5/24 >"$profiles/$name")
done
for name in newer newer.bak; do
    (umask 077 && printf '%s\n' '[connection]' id=newer uuid=11111111-1111-4111-8111-111111111111 type=ethernet \
        autoconnect=false '[ipv4]' method=auto >"$profiles/$name")
done
touch -d '1 hour ago' "$profiles/newer"
chroot "$root" NetworkManager --version
chroot "$root" NetworkManager --debug --log-level=INFO >"$log" 2>&1 &
in_time running
in_time grep -q 'startup complete' "$log"
nm -f FILENAME connection show | sed -n 's|^/etc/.*/||p' | LC_ALL=C sort >"$root/run/all"
sed '/newer/d' "$root/run/all" >"$root/run/read"
find "$profiles" -type f ! -name 'newer*' -printf '%f\n' | LC_ALL=C sort >"$root/run/files"
echo "live: $(paste -sd' ' "$root/run/read")"
echo "resting: $(LC_ALL=C comm -23 "$root/run/files" "$root/run/read" | paste -sd' ')"
[ "$(paste -sd' ' "$root/run/read")" = "$live" ] || differs "expected $live"
same=$(sed -n '/newer/p' "$root/run/all" | paste -sd' ')
echo "with the same uuid: $same"
[ "$same" = newer.bak ] || differs 'the newer copy does not stand for the original'
echo 'as described: copies of a keyfile are profiles, unless six letters or digits follow the last dot'
