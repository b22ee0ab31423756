#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network stacks of which one plain interface is adapted (netifrc, netctl, dhcpcd), and those that are recognised only.
# Expected files stand here in full.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
r=$work/root
bare() { # ID
    rm -rf "$r"
    mkdir -p "$r"/{sbin,usr/sbin,usr/lib,var/lib,etc}
    put "$r/etc/os-release" <<<"ID=$1"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
}
systemd() { # ID UNIT
    bare "$1"
    mkdir -p "$r/usr/lib/systemd" "$r/etc/systemd/system/multi-user.target.wants"
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s "/usr/lib/systemd/system/${2/@*./@.}" "$r/etc/systemd/system/multi-user.target.wants/$2"
}
plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"nics\": [$1]}"; }
static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]'
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err"; }
again() {
    local before
    before=$(snapshot "$r")
    run && [ "$(snapshot "$r")" = "$before" ]
}
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && [ "$(snapshot "$r")" = "$1" ]; }
refused() {
    local before
    before=$(snapshot "$r")
    ! run && says "$1" && [ "$(snapshot "$r")" = "$before" ]
}

# ---- netifrc -----------------------------------------------------------------------------------
gentoo() {
    bare gentoo
    mkdir -p "$r/etc/runlevels/default" "$r/etc/init.d"
    ln -s /etc/init.d/net.lo "$r/etc/init.d/net.eth0"
    ln -s /etc/init.d/net.eth0 "$r/etc/runlevels/default/net.eth0"
    put "$r/etc/conf.d/net"
}
gentoo <<'EOF'
# the office
config_eth0="192.0.2.10/24
2001:db8::10/64"
mtu_eth0="1400"
routes_eth0=( "default via 192.0.2.1" "10.0.0.0/8 via 192.0.2.9" )
dns_servers_eth0="192.0.2.53"
config_eth1="null"
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "netifrc: static to static" run
check "netifrc: the file" is "$r/etc/conf.d/net" <<'EOF'
# the office
config_eth0="203.0.113.5/24"
routes_eth0="default via 203.0.113.1
10.0.0.0/8 via 192.0.2.9"
dns_servers_eth0="203.0.113.53"
mtu_eth0="1400"
config_eth1="null"
EOF
check "netifrc: second run" again
check "netifrc: undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "netifrc: to DHCP" run
check "netifrc: to DHCP, the file" is "$r/etc/conf.d/net" <<'EOF'
# the office
config_eth0="dhcp"
routes_eth0="10.0.0.0/8 via 192.0.2.9"
mtu_eth0="1400"
dns_servers_eth0="192.0.2.53"
config_eth1="null"
EOF
check "netifrc: to DHCP, second run" again
gentoo </dev/null
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, $both}"
check "netifrc: DHCP without a word, to both families" run
check "netifrc: both families" is "$r/etc/conf.d/net" <<'EOF'
config_eth0="203.0.113.5/24
2001:db8:5::5/64"
routes_eth0="default via 203.0.113.1
default via 2001:db8:5::1"
EOF
check "netifrc: both families, second run" again
gentoo <<<'config_eth0="192.0.2.2 netmask 255.255.255.0 brd 192.0.2.255"'
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "netifrc: a netmask" run
check "netifrc: what the interface had" grep -qF '"192.0.2.2/24"' "$work/report"
gentoo <<<'bridge_br0="eth0"'
check "netifrc: a bridge" refused "netifrc: /etc/conf.d/net, line 1: more than plain interfaces"
gentoo <<<$'\nconfig_eth0="$ADDRESS"'
check "netifrc: a variable" refused "netifrc: /etc/conf.d/net, line 2: more than plain interfaces"
gentoo <<<'config_eth0="192.0.2.2/24'
check "netifrc: a quote that is not closed" refused "netifrc: /etc/conf.d/net, line 1"
gentoo <<<'config_eth0=(192.0.2.2/24'
check "netifrc: a bracket that is not closed" refused "netifrc: /etc/conf.d/net, line 1"

# ---- netctl ------------------------------------------------------------------------------------
arch() {
    systemd arch netctl@office.service
    put "$r/etc/netctl/other" <<<"Interface=eth9"
    put "$r/etc/netctl/office"
}
arch <<'EOF'
Description='the office'
Interface=eth0
Connection=ethernet
IP=static
Address=('192.0.2.10/24' '192.0.2.11/24')
Gateway='192.0.2.1'
DNS=('192.0.2.53')
SkipNoCarrier=yes
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, $both, \"dns\": [\"203.0.113.53\"], \"search\": [\"example.net\"]}"
check "netctl: static to both families" run
check "netctl: the profile" is "$r/etc/netctl/office" <<'EOF'
Description='the office'
Interface=eth0
Connection=ethernet
IP=static
Address=('203.0.113.5/24')
Gateway='203.0.113.1'
IP6=static
Address6=('2001:db8:5::5/64')
Gateway6='2001:db8:5::1'
DNS=('203.0.113.53')
DNSSearch=('example.net')
SkipNoCarrier=yes
EOF
check "netctl: second run" again
check "netctl: undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "netctl: to DHCP" run
check "netctl: to DHCP, the profile" is "$r/etc/netctl/office" <<'EOF'
Description='the office'
Interface=eth0
Connection=ethernet
IP=dhcp
DNS=('192.0.2.53')
SkipNoCarrier=yes
EOF
check "netctl: to DHCP, second run" again
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
arch <<<$'Interface=eth0\nConnection=vlan\nIP=dhcp'
check "netctl: a VLAN" refused "netctl: /etc/netctl/office is no profile of a plain Ethernet interface"
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp\nRoutes=(\'10.0.0.0/8 via 192.0.2.1\')'
check "netctl: routes" refused "netctl: /etc/netctl/office, line 4: settings beyond addresses"
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=$(choose)'
check "netctl: a command" refused "netctl: /etc/netctl/office, line 3"

# ---- dhcpcd ------------------------------------------------------------------------------------
pi() {
    systemd raspbian dhcpcd.service
    put "$r/etc/dhcpcd.conf"
}
pi <<'EOF'
hostname
duid
option rapid_commit

interface eth0
metric 100
static ip_address=192.0.2.10/24
static routers=192.0.2.1
static domain_name_servers=192.0.2.53 192.0.2.54

interface wlan0
nohook wpa_supplicant
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "dhcpcd: static to static" run
check "dhcpcd: the file" is "$r/etc/dhcpcd.conf" <<'EOF'
hostname
duid
option rapid_commit

interface eth0
static ip_address=203.0.113.5/24
static routers=203.0.113.1
static domain_name_servers=203.0.113.53
metric 100

interface wlan0
nohook wpa_supplicant
EOF
check "dhcpcd: second run" again
check "dhcpcd: undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "dhcpcd: to DHCP" run
check "dhcpcd: to DHCP, the file" is "$r/etc/dhcpcd.conf" <<'EOF'
hostname
duid
option rapid_commit

interface eth0
metric 100

interface wlan0
nohook wpa_supplicant
EOF
check "dhcpcd: to DHCP, second run" again
pi <<<"duid"
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "dhcpcd: an interface that had no block" run
check "dhcpcd: its block" is "$r/etc/dhcpcd.conf" <<'EOF'
duid

interface eth0
static ip_address=203.0.113.5/24
static routers=203.0.113.1
static domain_name_servers=203.0.113.53
EOF
check "dhcpcd: its block, second run" again
plan_of "{\"match\": {\"name\": \"eth0\"}, $both}"
check "dhcpcd: a gateway of IPv6" refused "dhcpcd: /etc/dhcpcd.conf cannot have a gateway of IPv6"
pi <<<$'interface eth0\nfallback home\nprofile home'
check "dhcpcd: a profile to fall back to" refused "dhcpcd: /etc/dhcpcd.conf, line 2: fallback"

# ---- Recognised only ---------------------------------------------------------------------------
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
systemd debian connman.service
check "ConnMan" refused "ConnMan (/var/lib/connman) is, which is not adapted"
systemd debian openvswitch-switch.service
put "$r/etc/openvswitch/conf.db" <<<"OVSDB JSON"
check "Open vSwitch" refused "Open vSwitch (/etc/openvswitch/conf.db) is, which is not adapted"
bare slackware
put "$r/etc/rc.d/rc.inet1" <<<"#!/bin/bash"
put "$r/etc/rc.d/rc.inet1.conf" <<<'IPADDR[0]="192.0.2.10"'
check "Slackware" refused "Slackware's rc.inet1 (/etc/rc.d/rc.inet1.conf) is, which is not adapted"
finish
