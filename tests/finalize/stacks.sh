#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shapes of ifupdown on trees, beside those of ifupdown.sh. Expected files stand here in full.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022

# ---- ifupdown, further shapes ------------------------------------------------------------------
ifup() {
    bare "$r"
    echo x >"$r/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/network/interfaces"
}
ifup <<'EOF'
auto br0
iface enp1s0 inet manual
iface br0 inet static
    bridge_ports enp1s0
    address 192.0.2.10
    netmask 255.255.255.0
    gateway 192.0.2.1
    post-up ip route add 10.0.0.0/8 via 192.0.2.254
EOF
put "$r/etc/udev/rules.d/70-persistent-net.rules" <<'EOF'
SUBSYSTEM=="net", ATTR{address}=="52:54:00:00:00:01", NAME="enp1s0"
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "ifupdown: a bridge, found by an old udev rule" run
check "ifupdown: the bridge has the address and keeps its ports" is "$r/etc/network/interfaces" <<'EOF'
auto br0
iface enp1s0 inet manual
iface br0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    dns-nameservers 203.0.113.53
    bridge_ports enp1s0
    post-up ip route add 10.0.0.0/8 via 192.0.2.254
EOF
check "ifupdown: the udev rule follows" has "$r/etc/udev/rules.d/70-persistent-net.rules" 'SUBSYSTEM=="net", ATTR{address}=="52:54:00:00:00:02", NAME="enp1s0"'
check "ifupdown: a script with a route is said" says "a script line of br0"
check "ifupdown: a bridge, second run" again

ifup <<'EOF'
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    hwaddress ether 52:54:00:00:00:01
iface eth0 inet6 auto
EOF
plan_of '{"match": {"mac": "52:54:00:00:00:01"}, "mac": "52:54:00:00:00:02", "dhcp": true}'
check "ifupdown: to DHCP" run
check "ifupdown: to DHCP, IPv6 stays automatic, the spoofed address goes" is "$r/etc/network/interfaces" <<'EOF'
auto eth0
iface eth0 inet dhcp
iface eth0 inet6 auto
EOF
check "ifupdown: to DHCP, second run" again

# Two interfaces whose MAC addresses change places.
ifup <<'EOF'
auto lan0 lan1
iface lan0 inet dhcp
iface lan1 inet dhcp
EOF
put "$r/etc/systemd/network/10-lan0.link" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:01
[Link]
Name=lan0
EOF
put "$r/etc/systemd/network/10-lan1.link" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:02
[Link]
Name=lan1
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:03\", $static},
         {\"match\": {\"mac\": \"52:54:00:00:00:02\"}, \"mac\": \"52:54:00:00:00:01\", \"dhcp\": true}"
check "two interfaces" run
check "two interfaces: the first" has "$r/etc/systemd/network/10-lan0.link" "MACAddress=52:54:00:00:00:03"
check "two interfaces: the second has what was the first's" has "$r/etc/systemd/network/10-lan1.link" "MACAddress=52:54:00:00:00:01"
check "two interfaces, second run" again
check "two interfaces: the address went to the right one" sh -c "grep -A1 'iface lan0' '$r/etc/network/interfaces' | grep -q 203.0.113.5"

# ---- Two stacks for one interface ----------------------------------------------------------------
ifup <<'EOF'
auto ens3
iface ens3 inet static
    address 192.0.2.10/24
EOF
ln -s /usr/lib/systemd/system/systemd-networkd.service "$r/etc/systemd/system/multi-user.target.wants/"
printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' | put "$r/etc/systemd/network/a.network"
before=$(snapshot "$r")
for match in '"mac": "52:54:00:00:00:01"' '"name": "ens3"'; do
    plan_of "{\"match\": {$match}, \"mac\": \"52:54:00:00:00:02\", $static}"
    refute "ifupdown, and a pattern of networkd that means the interface, too: refused ($match)" run
    check "with both and what to do ($match)" matches 'is configured by .*systemd-networkd.*out of one of them' "$(cat "$work/err")"
    check "and nothing is changed ($match)" equal "$before" "$(snapshot "$r")"
done
printf '[Match]\nName=eth*\n[Network]\nDHCP=yes\n' | put "$r/etc/systemd/network/a.network"
check "a pattern of networkd that means others is none of its business" run
check "nor at the second run" again
finish
