#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network stacks of which one plain interface is adapted (netifrc, netctl, dhcpcd), and those that are recognised only.
# Expected files stand here in full.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
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
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
# What bash, which is the reader, makes of the file.
bash_says() { # FILE EXPRESSION VALUE
    [ "$(bash -c '. "$1"; eval "echo \"$2\""' - "$1" "$2")" = "$3" ]
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
check "netifrc: a bridge" refused_with "netifrc: /etc/conf.d/net, line 1: more than plain interfaces"
gentoo <<<$'\nconfig_eth0="$ADDRESS"'
check "netifrc: a variable" refused_with "netifrc: /etc/conf.d/net, line 2: more than plain interfaces"
gentoo <<<'config_eth0="192.0.2.2/24'
check "netifrc: a quote that is not closed" refused_with "netifrc: /etc/conf.d/net, line 1"
gentoo <<<'config_eth0=(192.0.2.2/24'
check "netifrc: a bracket that is not closed" refused_with "netifrc: /etc/conf.d/net, line 1"

gentoo <<<'config_eth0="192.0.2.2/24 192.0.2.3/24 dhcp"'
plan_of '{"match": {"address": "192.0.2.3"}, "addresses": ["203.0.113.5/24", "203.0.113.6/24"], "gateway": "203.0.113.1"}'
check "netifrc: a list in one line" run
check "netifrc: what the list had" grep -qF '"192.0.2.3/24"' "$work/report"
check "netifrc: a list in one line, bash reads the result" bash_says "$r/etc/conf.d/net" '$config_eth0 $routes_eth0' \
    $'203.0.113.5/24\n203.0.113.6/24 default via 203.0.113.1'
check "netifrc: a list in one line, second run" again
gentoo <<<$'config_eth0="192.0.2.2"\nroutes_eth0="-6 ::/0 via 2001:db8::1\ndefault gw 192.0.2.1\n-net 10.0.0.0/8 gw 192.0.2.9"'
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "netifrc: no length, and default routes in other words" run
check "netifrc: an address without a length is a host's" grep -qF '"192.0.2.2/32"' "$work/report"
check "netifrc: only the other route stays" bash_says "$r/etc/conf.d/net" '$routes_eth0' \
    $'default via 203.0.113.1\n-net 10.0.0.0/8 gw 192.0.2.9'
gentoo <<<$'config_eth0="192.0.2.2/24"\nconfig_eth0=""'
plan_of '{"match": {"address": "192.0.2.2"}, "dhcp": true}'
check "netifrc: the last assignment counts" refused_with "no interface here has the address 192.0.2.2"
gentoo <<<'config_eth0="192.0.2.2/24"'
put "$r/etc/conf.d/net.eth0" <<<$'# beside\nconfig_eth0="192.0.2.3/24"'
check "netifrc: a file of the service's own" refused_with "netifrc: /etc/conf.d/net.eth0, line 2: settings beside /etc/conf.d/net"
gentoo <<<'config_eth0="adsl"'
check "netifrc: what is no address" refused_with "netifrc: /etc/conf.d/net, line 1: a way to configure eth0"
systemd gentoo net@eth0.service
put "$r/etc/conf.d/net" <<<'config_eth0="192.0.2.2/24"'
plan_of "{\"match\": {\"address\": \"192.0.2.2\"}, $static}"
check "netifrc: with systemd" run
check "netifrc: with systemd, bash reads the result" bash_says "$r/etc/conf.d/net" '$config_eth0' 203.0.113.5/24

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
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, $both, \"dns\": [\"203.0.113.53\"], \"search\": [\"example.net\", \"example.org\"]}"
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
DNSSearch='example.net example.org'
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
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp\nRoutes=(\'default via 192.0.2.1\')'
check "netctl: a default route beside Gateway" refused_with "netctl: /etc/netctl/office, line 4: a default route"
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp\nExecUpPost=\'ip addr add 192.0.2.9/24 dev eth0\''
check "netctl: a command afterwards" refused_with "netctl: /etc/netctl/office, line 4: settings beyond addresses"
arch <<<$'Interface=eth0\nConnection=wireguard\nIP=static'
check "netctl: a tunnel" refused_with "netctl: /etc/netctl/office is no profile of a connection that is rewritten"
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=$(choose)'
check "netctl: a command" refused_with "netctl: /etc/netctl/office, line 3"

arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp'
put "$r/etc/netctl/interfaces/eth0" <<<'IP=static'
check "netctl: a script that is not executable is not read" run
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp'
put "$r/etc/netctl/interfaces/eth0" <<<'IP=static'
chmod 755 "$r/etc/netctl/interfaces/eth0"
check "netctl: a script for the interface" refused_with "netctl: /etc/netctl/interfaces/eth0 is read as a part of profiles"
arch <<<$'Interface=eth0\nConnection=ethernet\nIP=dhcp\nAddress=(192.0.2.9/24)\nIP6=static\nAddress6=\'2001:db8::9/64 nodad\''
plan_of '{"match": {"address": "192.0.2.9"}, "dhcp": true}'
check "netctl: an address that does not count" refused_with "no interface here has the address 192.0.2.9"
plan_of '{"match": {"address": "2001:db8::9"}, "dhcp": true}'
check "netctl: one of IPv6 with a word" run
check "netctl: what is left of it" is "$r/etc/netctl/office" <<'EOF'
Interface=eth0
Connection=ethernet
IP=dhcp
EOF
stack() { # OVS or BRIDGE, with a VLAN below
    systemd arch 'netctl@br\x2doffice.service'
    ln -s /usr/lib/systemd/system/netctl@.service "$r/etc/systemd/system/multi-user.target.wants/netctl@vlan.service"
    put "$r/etc/netctl/vlan" <<<$'Interface=vlan5\nConnection=vlan\nBindsToInterfaces=eth0\nVLANID=5\nIP=no'
    put "$r/etc/netctl/br-office" <<EOF
Interface=br0
Connection=$1
MACAddress=52:54:00:00:00:01
BindsToInterfaces=(vlan5)
IP=static
Address=192.0.2.10/24
Gateway=192.0.2.1
Routes=('10.0.0.0/8 via 192.0.2.9')
SkipForwardingDelay=yes
EOF
}
for connection in bridge openvswitch; do
    stack $connection
    before=$(snapshot "$r")
    plan_of "{\"match\": {\"name\": \"eth0\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
    check "netctl: $connection on a VLAN" run
    check "netctl: $connection on a VLAN, the profile" is "$r/etc/netctl/br-office" <<EOF
Interface=br0
Connection=$connection
MACAddress="52:54:00:00:00:02"
BindsToInterfaces=(vlan5)
IP=static
Address=('203.0.113.5/24')
Gateway='203.0.113.1'
DNS=('203.0.113.53')
Routes=('10.0.0.0/8 via 192.0.2.9')
SkipForwardingDelay=yes
EOF
    check "netctl: $connection on a VLAN, second run" again
    check "netctl: $connection on a VLAN, undo" undone "$before"
done
if judge_beside netctl; then
    arch <<<$'Interface=eth0\nConnection=ethernet\nIP=static\nAddress=(192.0.2.10/24 192.0.2.11/24)\nGateway=192.0.2.1'
    plan_of "{\"match\": {\"name\": \"eth0\"}, $both}"
    check "netctl: both families, for the judge" run
    judge_netctl eth0:52:54:00:00:00:01 office >"$work/judged"
    check "netctl brings up the addresses" grep -qE 'eth0@p0 +UP +203.0.113.5/24 2001:db8:5::5/64 ' "$work/judged"
    check "netctl sets the gateway" grep -qE '^default via 203.0.113.1 dev eth0' "$work/judged"
    check "netctl sets the gateway of IPv6" grep -qE '^default via 2001:db8:5::1 dev eth0' "$work/judged"
else
    skip "netctl itself: no judge"
fi

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
check "dhcpcd: a gateway of IPv6" refused_with "dhcpcd: /etc/dhcpcd.conf cannot have a gateway of IPv6"
pi <<<$'interface eth0\nfallback home\nprofile home'
check "dhcpcd: a profile to fall back to" refused_with "dhcpcd: /etc/dhcpcd.conf, line 2: fallback"

pi <<'EOF'
option rapid_commit
 static domain_name_servers=192.0.2.53 # for all
interface eth0 # the office
static ip_address=192.0.2.9/24
static ip_address=192.0.2.10/24#the last one counts
static ip6_address=2001:db8::10/64
interface eth1
static ip_address=198.51.100.4/24
interface eth0
	static routers=192.0.2.1
nodhcp
metric 100
EOF
before=$(snapshot "$r")
plan_of '{"match": {"address": "192.0.2.9"}, "dhcp": true}'
check "dhcpcd: an address that does not count" refused_with "no interface here has the address 192.0.2.9"
plan_of '{"match": {"address": "192.0.2.10"}, "addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": "203.0.113.1", "search": ["example.net", "example.org"], "dns": ["203.0.113.53"]}'
check "dhcpcd: two blocks of an interface" run
check "dhcpcd: two blocks of an interface, the file" is "$r/etc/dhcpcd.conf" <<'EOF'
option rapid_commit
 static domain_name_servers=192.0.2.53 # for all
interface eth0 # the office
static ip_address=203.0.113.5/24
static ip6_address=2001:db8:5::5/64
static routers=203.0.113.1
static domain_name_servers=203.0.113.53
static domain_search=example.net example.org
interface eth1
static ip_address=198.51.100.4/24
interface eth0
metric 100
EOF
check "dhcpcd: two blocks of an interface, second run" again
if judge_beside dhcpcd-base; then
    judge_dhcpcd eth0:52:54:00:00:00:01,eth1:52:54:00:00:00:02 >"$work/judged"
    check "dhcpcd sets the addresses" grep -qE '^eth0@p0 +UP +203.0.113.5/24 2001:db8:5::5/64 ' "$work/judged"
    check "dhcpcd sets the gateway" grep -qE '^default via 203.0.113.1 dev eth0' "$work/judged"
    check "dhcpcd leaves the other interface" grep -qE '^eth1@p1 +UP +198.51.100.4/24 ' "$work/judged"
    check "dhcpcd passes the name server on" has "$work/judged" "nameserver 203.0.113.53"
    check "dhcpcd asks no server" refute grep -q soliciting "$work/judged"
    check "dhcpcd complains of nothing" refute grep -qE 'invalid|unknown' "$work/judged"
fi
check "dhcpcd: two blocks of an interface, undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "dhcpcd: two blocks to DHCP" run
if judge_beside dhcpcd-base; then
    judge_dhcpcd eth0:52:54:00:00:00:01,eth1:52:54:00:00:00:02 >"$work/judged"
    check "dhcpcd asks a server" grep -qE '^eth0: soliciting a DHCP lease' "$work/judged"
fi
pi <<<$'interface eth0\nnodhcp\nstatic ip_address=192.0.2.10/24'
plan_of '{"match": {"name": "eth0"}, "addresses": ["2001:db8:5::5/64"]}'
check "dhcpcd: to IPv6 only" run
check "dhcpcd: to IPv6 only, the file" is "$r/etc/dhcpcd.conf" <<'EOF'
interface eth0
static ip6_address=2001:db8:5::5/64
noipv4
nodhcp
EOF
check "dhcpcd: to IPv6 only, second run" again
if judge_beside dhcpcd-base; then
    judge_dhcpcd eth0:52:54:00:00:00:01 >"$work/judged"
    check "dhcpcd sets IPv6 only" grep -qE '^eth0@p0 +UP +2001:db8:5::5/64 ' "$work/judged"
    check "dhcpcd asks for no IPv4" refute grep -q soliciting "$work/judged"
else
    skip "dhcpcd itself: no judge"
fi
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
pi <<<$'static ip_address=192.0.2.10/24'
check "dhcpcd: an address for all interfaces" refused_with "dhcpcd: /etc/dhcpcd.conf, line 1: static for all interfaces"
pi <<<$'denyinterfaces wlan* eth[0-3]'
check "dhcpcd: an interface that is denied" refused_with "cannot have an interface that allowinterfaces or denyinterfaces leaves out"
pi <<<$'allowinterfaces eth1,eth0\ninterface eth0'
check "dhcpcd: an interface that is allowed" run
pi <<<$'noipv6\ninterface eth0'
plan_of '{"match": {"name": "eth0"}, "addresses": ["2001:db8:5::5/64"]}'
check "dhcpcd: IPv6 that is off for all" refused_with "which a line for all interfaces turns off"
void() { # LINK
    bare void
    mkdir -p "$r/etc/runit/runsvdir/default"
    put "$r/etc/runit/1" <<<"#!/bin/sh"
    ln -s runit-init "$r/sbin/init"
    put "$r/sbin/runit-init" <<<x
    ln -s "/etc/sv/$1" "$r/etc/runit/runsvdir/default/$1"
    put "$r/etc/dhcpcd.conf"
}
void dhcpcd <<<duid
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "Void: DHCP to static" run
check "Void: the file" is "$r/etc/dhcpcd.conf" <<'EOF'
duid

interface eth0
static ip_address=203.0.113.5/24
static routers=203.0.113.1
static domain_name_servers=203.0.113.53
EOF
check "Void: second run" again
check "Void: undo" undone "$before"
systemd arch dhcpcd@eth0.service
put "$r/etc/dhcpcd.conf" <<<duid
check "Arch: dhcpcd for one interface" run
check "Arch: its block" has "$r/etc/dhcpcd.conf" "static ip_address=203.0.113.5/24"

# ---- ConnMan -----------------------------------------------------------------------------------
cable=ethernet_525400000001_cable
connman() {
    systemd debian connman.service
    put "$r/var/lib/connman/$cable/settings"
}
connman_office() {
    connman <<EOF
[$cable]
Name=Wired
AutoConnect=true
Modified=2026-01-01T00:00:00.000000Z
IPv4.method=manual
IPv4.netmask_prefixlen=24
IPv4.local_address=192.0.2.10
IPv4.gateway=192.0.2.1
IPv6.method=off
IPv6.privacy=disabled
Nameservers=192.0.2.53;192.0.2.54;
Domains=example.net;
EOF
}
own=$r/var/lib/connman/bootferry.config
here='"match": {"mac": "52:54:00:00:00:01"}'
moved=$here', "mac": "52:54:00:00:00:02"'
connman_office
before=$(snapshot "$r")
plan_of "{$moved, $both}"
check "ConnMan: static to both families, with another card" run
check "ConnMan: what it had" grep -qF '"192.0.2.10/24"' "$work/report"
check "ConnMan: a section of its own" is "$own" <<'EOF'
[service_525400000002]
Type=ethernet
MAC=52:54:00:00:00:02
IPv4=203.0.113.5/24/203.0.113.1
IPv6=2001:db8:5::5/64/2001:db8:5::1
Nameservers=192.0.2.53,192.0.2.54
SearchDomains=example.net
EOF
check "ConnMan: second run" again
if judge_beside connman; then
    judge_connman eth0:52:54:00:00:00:02 >"$work/judged"
    check "ConnMan sets the addresses" grep -qE '^eth0@p0 +UP +203.0.113.5/24 2001:db8:5::5/64 ' "$work/judged"
    check "ConnMan sets the gateway" grep -qE '^default via 203.0.113.1 dev eth0' "$work/judged"
    check "ConnMan sets the gateway of IPv6" grep -qE '^default via 2001:db8:5::1 dev eth0' "$work/judged"
fi
check "ConnMan: undo" undone "$before"
plan_of "{$moved}"
check "ConnMan: another card that keeps its addresses" run
check "ConnMan: another card, its section" is "$own" <<'EOF'
[service_525400000002]
Type=ethernet
MAC=52:54:00:00:00:02
IPv4=192.0.2.10/24/192.0.2.1
IPv6=off
Nameservers=192.0.2.53,192.0.2.54
SearchDomains=example.net
EOF
connman_office
plan_of "{$here, $static}"
check "ConnMan: static to static with the same card" run
check "ConnMan: the section comes before the settings" has "$own" "IPv4=203.0.113.5/24/203.0.113.1"
check "ConnMan: the section, second run" again
if judge_beside connman; then
    judge_connman eth0:52:54:00:00:00:01 >"$work/judged"
    check "ConnMan takes the section before the settings" grep -qE '^eth0@p0 +UP +203.0.113.5/24 ' "$work/judged"
else
    skip "ConnMan itself: no judge"
fi
connman_office
plan_of "{\"match\": {\"address\": \"192.0.2.10\"}, \"dhcp\": true}"
check "ConnMan: to DHCP" run
check "ConnMan: to DHCP, the section" is "$own" <<'EOF'
[service_525400000001]
Type=ethernet
MAC=52:54:00:00:00:01
IPv4=dhcp
IPv6=off
EOF
connman <<<$'['$cable$']\nIPv4.method=dhcp\nIPv6.method=auto'
plan_of "{\"match\": {\"name\": \"eth0\", \"mac\": \"52:54:00:00:00:01\"}, \"addresses\": [\"2001:db8:5::5/64\"]}"
check "ConnMan: DHCP to IPv6 only, with a name" run
check "ConnMan: IPv6 only" has "$own" "IPv6=2001:db8:5::5/64"
check "ConnMan: no IPv4" has "$own" "IPv4=off"
provisioned() {
    connman_office
    put "$r/var/lib/connman/office.config"
}
provisioned <<'EOF'
[global]
Name = Office
# the uplink
[service_home]
Type = ethernet
IPv4 = 192.0.2.20/255.255.255.0/192.0.2.1
MAC = 52:54:00:00:00:01
Nameservers = 192.0.2.53
Timeservers = 192.0.2.123
[service_wifi]
Type = wifi
Name = example
IPv4 = 198.51.100.4/24
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"address\": \"192.0.2.20\"}, \"mac\": \"52:54:00:00:00:02\", $both}"
check "ConnMan: a section" run
check "ConnMan: a section, the file" is "$r/var/lib/connman/office.config" <<'EOF'
[global]
Name = Office
# the uplink
[service_home]
IPv6=2001:db8:5::5/64/2001:db8:5::1
Type = ethernet
IPv4 = 203.0.113.5/24/203.0.113.1
MAC = 52:54:00:00:00:02
Nameservers = 192.0.2.53
Timeservers = 192.0.2.123
[service_wifi]
Type = wifi
Name = example
IPv4 = 198.51.100.4/24
EOF
check "ConnMan: a section, second run" again
check "ConnMan: a section, undo" undone "$before"
provisioned <<<$'[service_a]\nType=ethernet\nDeviceName=eth0\nIPv4=192.0.2.20/24'
rm -r "$r/var/lib/connman/$cable"
plan_of "{$moved, $static}"
check "ConnMan: a section by name" run
check "ConnMan: a section by name, the file" is "$r/var/lib/connman/office.config" <<'EOF'
[service_a]
Nameservers=203.0.113.53
Type=ethernet
DeviceName=eth0
IPv4=203.0.113.5/24/203.0.113.1
EOF
provisioned <<<$'[service_a]\nType=ethernet\nIPv4=192.0.2.20/24'
rm -r "$r/var/lib/connman/$cable"
check "ConnMan: a section for any card" run
check "ConnMan: a section for any card gets the address of one" has "$r/var/lib/connman/office.config" "MAC=52:54:00:00:00:02"
check "ConnMan: a section for any card, second run" again
provisioned <<<$'[service_a]\nType=ethernet\nMAC=52:54:00:00:00:01\n[service_b]\nType=ethernet\nMAC=52:54:00:00:00:01'
check "ConnMan: two sections" refused_with "ConnMan: /var/lib/connman/office.config, line 1, and /var/lib/connman/office.config, line 4, are for one card"
provisioned <<<$'[service_a]\nType=ethernet\nMAC=52:54:00:00:00:01\nIPv4=office'
check "ConnMan: an address that is none" refused_with "ConnMan: /var/lib/connman/office.config, line 4: an address that is not understood"
connman_office
plan_of "{$here, \"addresses\": [\"203.0.113.5/24\", \"203.0.113.6/24\"]}"
check "ConnMan: two addresses" refused_with "ConnMan: /var/lib/connman/bootferry.config cannot have several addresses of a family"
plan_of "{\"match\": {\"name\": \"eth0\", \"mac\": \"52:54:00:00:00:01\"}, $static}"
put "$r/etc/connman/main.conf" <<<$'[General]\nNetworkInterfaceBlacklist=wlan,eth'
check "ConnMan: a card that it leaves alone" refused_with "cannot have a card that NetworkInterfaceBlacklist of /etc/connman/main.conf names"

# ---- Open vSwitch ------------------------------------------------------------------------------
record() { # a record of the database: its length, a sum that is not read here, and the text
    local text
    text=$(cat)
    echo "OVSDB JSON $((${#text} + 1)) 0000000000000000000000000000000000000000"
    echo "$text"
}
# As ovsdb-tool writes it: eth0 is a port of br0 with vlan5 inside, eth1 and eth2 are a bond that was added later, and
# eth3 was a port.
vswitch() {
    systemd debian openvswitch-switch.service
    mkdir -p "$r/sbin"
    put "$r/etc/openvswitch/conf.db" < <(
        record <<<'{"cksum":"1 2","name":"Open_vSwitch","tables":{},"version":"8.3.1"}'
        record <<<'{"Interface":{"i0":{"name":"br0","type":"internal"},"i1":{"name":"eth0"},"i2":{"name":"vlan5","type":"internal"},"i5":{"name":"eth3"}},"Port":{"p0":{"name":"br0","interfaces":["uuid","i0"]},"p1":{"name":"eth0","interfaces":["uuid","i1"]},"p2":{"name":"vlan5","tag":5,"interfaces":["uuid","i2"]},"p4":{"name":"eth3","interfaces":["uuid","i5"]}},"Bridge":{"b0":{"name":"br0","ports":["set",[["uuid","p0"],["uuid","p1"],["uuid","p2"],["uuid","p4"]]]}},"_is_diff":true}'
        record <<<'{"Interface":{"i3":{"name":"eth1"},"i4":{"name":"eth2"}},"Port":{"p3":{"name":"bond0","interfaces":["set",[["uuid","i3"],["uuid","i4"]]]}},"Bridge":{"b0":{"ports":["uuid","p3"]}},"_is_diff":true}'
        record <<<'{"Port":{"p4":null},"Bridge":{"b0":{"ports":["uuid","p4"]}},"_is_diff":true}'
    )
}
with_ifupdown() {
    vswitch
    ln -s /usr/lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/networking.service"
    put "$r/sbin/ifup" <<<x
    put "$r/etc/network/interfaces"
}
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
vswitch
check "Open vSwitch: no other stack" refused_with "Open vSwitch (/etc/openvswitch/conf.db) is, which is not adapted"
with_ifupdown <<<$'auto lo\niface lo inet loopback'
check "Open vSwitch: a bridge that only the database has" refused_with "br0 is configured by Open vSwitch (/etc/openvswitch/conf.db) (/etc/openvswitch/conf.db), which is not adapted"
plan_of "{\"match\": {\"name\": \"eth2\"}, $static}"
check "Open vSwitch: a bond that only the database has" refused_with "br0 is configured by Open vSwitch"
plan_of "{\"match\": {\"name\": \"eth3\"}, $static}"
with_ifupdown <<<$'auto eth3\niface eth3 inet dhcp'
check "Open vSwitch: what is no port any more" run
check "Open vSwitch: its address" has "$r/etc/network/interfaces" "    address 203.0.113.5/24"
plan_of "{\"match\": {\"name\": \"eth1\"}, $static}"
with_ifupdown <<<$'auto br0\niface br0 inet static\n\taddress 192.0.2.10/24\n\tgateway 192.0.2.1'
before=$(snapshot "$r")
check "Open vSwitch: a bridge of the database with an address in a file" run
check "Open vSwitch: the file" is "$r/etc/network/interfaces" <<'EOF'
auto br0
iface br0 inet static
	address 203.0.113.5/24
	gateway 203.0.113.1
	dns-nameservers 203.0.113.53
EOF
check "Open vSwitch: second run" again
check "Open vSwitch: undo" undone "$before"
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
with_ifupdown <<<$'auto vlan5\niface vlan5 inet static\n\taddress 192.0.2.10/24'
check "Open vSwitch: an internal port with the address" run
check "Open vSwitch: the internal port's address" has "$r/etc/network/interfaces" "	address 203.0.113.5/24"
ovs_stanzas() {
    with_ifupdown <<'EOF'
allow-ovs br1
iface br1 inet static
	address 192.0.2.10/24
	ovs_type OVSBridge
	ovs_ports eth5
	ovs_extra set bridge br1 other-config:hwaddr=52:54:00:00:00:01

allow-br1 eth5
iface eth5 inet manual
	ovs_bridge br1
	ovs_type OVSPort
EOF
}
ovs_stanzas
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "Open vSwitch: stanzas of its own" run
check "Open vSwitch: the bridge has the address" has "$r/etc/network/interfaces" "	address 203.0.113.5/24"
check "Open vSwitch: its options stay" has "$r/etc/network/interfaces" "	ovs_ports eth5"
check "Open vSwitch: stanzas of its own, second run" again
systemd ubuntu systemd-networkd.service
put "$r/usr/sbin/netplan" <<<x
put "$r/etc/netplan/a.yaml" <<'EOF'
network:
  version: 2
  ethernets:
    eth5: {}
  bridges:
    br1:
      interfaces: [eth5]
      openvswitch: {}
      addresses: [192.0.2.10/24]
EOF
check "Open vSwitch: netplan" run
check "Open vSwitch: netplan, the bridge has the address" grep -q 203.0.113.5/24 "$r/etc/netplan/a.yaml"
check "Open vSwitch: netplan, its mapping stays" grep -q 'openvswitch: {}' "$r/etc/netplan/a.yaml"
check "Open vSwitch: netplan, second run" again
systemd centos network.service
put "$r/etc/sysconfig/network" <<<NETWORKING=yes
put "$r/etc/sysconfig/network-scripts/ifcfg-br1" <<<$'DEVICE=br1\nDEVICETYPE=ovs\nTYPE=OVSBridge\nONBOOT=yes\nBOOTPROTO=static\nIPADDR=192.0.2.10\nPREFIX=24'
put "$r/etc/sysconfig/network-scripts/ifcfg-eth5" <<<$'DEVICE=eth5\nDEVICETYPE=ovs\nTYPE=OVSPort\nOVS_BRIDGE=br1\nONBOOT=yes\nBOOTPROTO=none'
check "Open vSwitch: ifcfg" run
check "Open vSwitch: ifcfg, the bridge has the address" has "$r/etc/sysconfig/network-scripts/ifcfg-br1" "IPADDR=203.0.113.5"
check "Open vSwitch: ifcfg, second run" again
vswitch
put "$r/etc/openvswitch/conf.db" <<<"OVSDB CLUSTER 10"
check "Open vSwitch: another kind of database" refused_with "Open vSwitch: /etc/openvswitch/conf.db is no database of one machine"

# ---- Teams -------------------------------------------------------------------------------------
systemd centos network.service
put "$r/etc/sysconfig/network" <<<NETWORKING=yes
put "$r/etc/sysconfig/network-scripts/ifcfg-team0" <<<$'DEVICE=team0\nDEVICETYPE=Team\nTEAM_CONFIG=\'{"runner": {"name": "activebackup"}}\'\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24'
put "$r/etc/sysconfig/network-scripts/ifcfg-eth5" <<<$'DEVICE=eth5\nDEVICETYPE=TeamPort\nTEAM_MASTER=team0\nONBOOT=yes\nBOOTPROTO=none'
check "a team of ifcfg files" run
check "a team of ifcfg files has the address" has "$r/etc/sysconfig/network-scripts/ifcfg-team0" "IPADDR=203.0.113.5"
check "a team of ifcfg files, second run" again
teamd() { # a team that only teamd's file has, with its address in interfaces(5)
    systemd debian teamd@team0.service
    ln -s /usr/lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/networking.service"
    put "$r/sbin/ifup" <<<x
    put "$r/etc/teamd/team0.conf" <<<'{"device": "team0", "runner": {"name": "lacp"}, "ports": {"eth5": {"prio": 10}, "eth6": {}}, "hwaddr": "52:54:00:00:00:01"}'
    put "$r/etc/network/interfaces"
}
teamd <<<$'auto team0\niface team0 inet static\n\taddress 192.0.2.10/24'
check "teamd: the address is the team's" run
check "teamd: the file" has "$r/etc/network/interfaces" "	address 203.0.113.5/24"
check "teamd: second run" again
teamd <<<$'auto eth7\niface eth7 inet dhcp'
check "teamd: a team without a file for its addresses" refused_with "team0 is configured by teamd (/etc/teamd) (/etc/teamd/team0.conf), which is not adapted"
plan_of "{\"match\": {\"name\": \"eth7\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
teamd <<<$'auto eth7\niface eth7 inet dhcp'
check "teamd: another interface" run
check "teamd: an old MAC address in its file is said" says /etc/teamd/team0.conf

# ---- InfiniBand --------------------------------------------------------------------------------
# Its hardware addresses have 20 bytes, of which the first change: names are what finds a card.
hardware=80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1
no_links() { [ -z "$(find "$r/etc" -name '*.link')" ]; }
ib_adapted() { # WHAT FILE LINE
    check "InfiniBand: $1" run
    check "InfiniBand: $1, the address" grep -qE "$3" "$2"
    check "InfiniBand: $1, the hardware's address stays" grep -qF "${hardware^^}" "$2"
    check "InfiniBand: $1, nothing ties the name to an address" no_links
    check "InfiniBand: $1, second run" again
}
plan_of "{\"match\": {\"name\": \"ib0\"}, $static}"
systemd centos network.service
put "$r/etc/sysconfig/network" <<<NETWORKING=yes
put "$r/etc/sysconfig/network-scripts/ifcfg-ib0" <<<$'DEVICE=ib0\nTYPE=InfiniBand\nCONNECTED_MODE=yes\nMTU=65520\nHWADDR='${hardware^^}$'\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24'
ib_adapted ifcfg "$r/etc/sysconfig/network-scripts/ifcfg-ib0" '^IPADDR=203.0.113.5$'
systemd fedora NetworkManager.service
put "$r/etc/NetworkManager/system-connections/ib0.nmconnection" <<EOF
[connection]
id=ib0
uuid=00000000-0000-0000-0000-00000000000a
type=infiniband
interface-name=ib0

[infiniband]
mac-address=${hardware^^}
transport-mode=datagram

[ipv4]
method=manual
address1=192.0.2.10/24
EOF
chmod 600 "$r/etc/NetworkManager/system-connections/ib0.nmconnection"
ib_adapted NetworkManager "$r/etc/NetworkManager/system-connections/ib0.nmconnection" '^address1=203.0.113.5/24'
systemd ubuntu systemd-networkd.service
put "$r/usr/sbin/netplan" <<<x
put "$r/etc/netplan/a.yaml" <<EOF
# ${hardware^^}
network:
  version: 2
  ethernets:
    ib0:
      infiniband-mode: connected
      addresses: [192.0.2.10/24]
EOF
ib_adapted netplan "$r/etc/netplan/a.yaml" '203.0.113.5/24'
check "InfiniBand: netplan, the mode stays" has "$r/etc/netplan/a.yaml" "      infiniband-mode: connected"

# ---- Slackware ---------------------------------------------------------------------------------
slackware() { # SCRIPT'S KEYS
    bare slackware
    put "$r/etc/rc.d/rc.inet1" <<<"#!/bin/bash"$'\n'"echo \"$1\""
    chmod 755 "$r/etc/rc.d/rc.inet1"
    put "$r/etc/rc.d/rc.inet1.conf"
    put "$r/etc/resolv.conf" <<<"nameserver 192.0.2.53"
}
conf=$r/etc/rc.d/rc.inet1.conf
fourteen='${IPADDR[$i]}' fifteen='${IPADDRS[$i]}'
office() {
    slackware "$1" <<'EOF'
# Config information for eth0:
IPADDR[0]="192.0.2.10"   # the office
NETMASK[0]="255.255.255.0"
USE_DHCP[0]=""
DHCP_HOSTNAME[0]=""

# Config information for eth1:
IPADDR[1]="198.51.100.4"
NETMASK[1]="255.255.255.0"
MTU[1]="1400"

# Default gateway IP address:
GATEWAY="192.0.2.1"
EOF
}
office "$fourteen"
before=$(snapshot "$r")
plan_of "{\"match\": {\"address\": \"192.0.2.10\"}, $static}"
check "Slackware 14: static to static" run
check "Slackware 14: the file" is "$conf" <<'EOF'
# Config information for eth0:
IPADDR[0]="203.0.113.5"   # the office
NETMASK[0]="255.255.255.0"
USE_DHCP[0]=""
DHCP_HOSTNAME[0]=""

# Config information for eth1:
IPADDR[1]="198.51.100.4"
NETMASK[1]="255.255.255.0"
MTU[1]="1400"

# Default gateway IP address:
GATEWAY="203.0.113.1"
EOF
check "Slackware 14: bash reads it" bash_says "$conf" '${IPADDR[0]}/${NETMASK[0]} $GATEWAY' "203.0.113.5/255.255.255.0 203.0.113.1"
check "Slackware 14: the name server" has "$r/etc/resolv.conf" "nameserver 203.0.113.53"
check "Slackware 14: second run" again
check "Slackware 14: undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "Slackware 14: to DHCP" run
check "Slackware 14: to DHCP, bash reads it" bash_says "$conf" '${IPADDR[0]}.${USE_DHCP[0]}.$GATEWAY.${IPADDR[1]}' ".yes..198.51.100.4"
check "Slackware 14: to DHCP, second run" again
office "$fourteen"
plan_of "{\"match\": {\"name\": \"eth0\"}, $both}"
check "Slackware 14: IPv6" refused_with "rc.inet1: /etc/rc.d/rc.inet1.conf cannot have an address of IPv6"
plan_of '{"match": {"name": "eth1"}, "addresses": ["203.0.113.5/24", "203.0.113.6/24"]}'
check "Slackware 14: two addresses" refused_with "cannot have several addresses"
plan_of '{"match": {"name": "eth1"}, "addresses": ["203.0.113.5/24"]}'
check "Slackware 14: the second interface" run
check "Slackware 14: the first one's gateway stays" bash_says "$conf" '${IPADDR[0]} ${IPADDR[1]} $GATEWAY' "192.0.2.10 203.0.113.5 192.0.2.1"
office "$fifteen"
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"eth0\"}, $both}"
check "Slackware 15: to both families" run
check "Slackware 15: the file" is "$conf" <<'EOF'
# Config information for eth0:
IPADDR[0]="203.0.113.5"   # the office
NETMASK[0]="255.255.255.0"
USE_DHCP[0]=""
DHCP_HOSTNAME[0]=""

# Config information for eth1:
IPADDR[1]="198.51.100.4"
NETMASK[1]="255.255.255.0"
MTU[1]="1400"

# Default gateway IP address:
GATEWAY="203.0.113.1"
IP6ADDRS[0]="2001:db8:5::5/64"
GATEWAY6="2001:db8:5::1"
EOF
check "Slackware 15: second run" again
check "Slackware 15: undo" undone "$before"
bridge() {
    slackware "$fifteen" <<'EOF'
IFNAME[0]="br0"
BRNICS[0]="eth0"
# IPv4 config options:
IPADDRS[0]="192.0.2.10/24 192.0.2.11/24"
USE_DHCP[0]=""
# IPv6 config options:
IP6ADDRS[0]="2001:db8::10"
USE_SLAAC[0]=""
USE_DHCP6[0]=""
HWADDR[0]="52:54:00:00:00:01"
IPALIASES[0]="192.0.2.12"
GATEWAY="192.0.2.1"
GATEWAY6=""
EOF
    put "$r/etc/udev/rules.d/70-persistent-net.rules" <<<'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="52:54:00:00:00:01", NAME="eth0"'
}
bridge
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $both}"
check "Slackware 15: a bridge" run
check "Slackware 15: a bridge, the file" is "$conf" <<'EOF'
IFNAME[0]="br0"
BRNICS[0]="eth0"
# IPv4 config options:
IPADDRS[0]="203.0.113.5/24"
USE_DHCP[0]=""
# IPv6 config options:
IP6ADDRS[0]="2001:db8:5::5/64"
USE_SLAAC[0]=""
USE_DHCP6[0]=""
HWADDR[0]="52:54:00:00:00:02"
IPALIASES[0]=""
GATEWAY="203.0.113.1"
GATEWAY6="2001:db8:5::1"
EOF
check "Slackware 15: a bridge, what it had" grep -qF '"192.0.2.12/24"' "$work/report"
check "Slackware 15: a length that is left out" grep -qF '"2001:db8::10/64"' "$work/report"
check "Slackware 15: a bridge, second run" again
check "Slackware 15: a bridge, undo" undone "$before"
plan_of '{"match": {"name": "eth0"}, "dhcp": true}'
check "Slackware 15: a bridge to DHCP" run
check "Slackware 15: a bridge to DHCP, bash reads it" bash_says "$conf" '${IPADDRS[0]}.${IP6ADDRS[0]}.${USE_DHCP[0]}.$GATEWAY' "..yes."
slackware "$fifteen" <<<'USE_DHCP[0]="yes"'
plan_of '{"match": {"name": "eth0"}, "addresses": ["2001:db8:5::5/64"], "gateway": "2001:db8:5::1"}'
check "Slackware 15: DHCP to IPv6 only" run
check "Slackware 15: DHCP to IPv6 only, bash reads it" bash_says "$conf" '${USE_DHCP[0]}.${IP6ADDRS[0]}.$GATEWAY6.' ".2001:db8:5::5/64.2001:db8:5::1."
check "Slackware 15: DHCP to IPv6 only, second run" again
slackware "$fifteen" <<<$'IFNAME[0]="eth0.5"\nIPADDRS[0]="192.0.2.10/24"\nGATEWAY="192.0.2.1"'
plan_of "{\"match\": {\"name\": \"eth0\"}, $static}"
check "Slackware 15: a VLAN" run
check "Slackware 15: a VLAN, bash reads it" bash_says "$conf" '${IFNAME[0]} ${IPADDRS[0]} $GATEWAY' "eth0.5 203.0.113.5/24 203.0.113.1"
slackware "$fifteen" <<<$'IFNAME[0]="bond0"\nBONDNICS[0]="eth0 eth1"\nUSE_DHCP[0]="yes"'
check "Slackware 15: a bond" run
check "Slackware 15: a bond, bash reads it" bash_says "$conf" '${IFNAME[0]} ${IPADDRS[0]}${IPADDR[0]} ${USE_DHCP[0]}' "bond0 203.0.113.5/24 "
slackware "$fifteen" <<<$'IPADDR[0]="192.0.2.10"\nfor i in 1 2; do\nIPADDR[$i]="192.0.2.1$i"\ndone'
check "Slackware: a loop" refused_with "rc.inet1: /etc/rc.d/rc.inet1.conf, line 2: more than an assignment"
slackware "$fifteen" <<<$'IPADDR[0]="192.0.2."10'
check "Slackware: a value of two parts" refused_with "rc.inet1: /etc/rc.d/rc.inet1.conf, line 1: more than an assignment"
slackware "$fifteen" <<<$'IPADDR=("192.0.2.10" "192.0.2.11")'
check "Slackware: a list" refused_with "rc.inet1: /etc/rc.d/rc.inet1.conf, line 1: a list"
slackware "$fifteen" <<<$'IFNAME[0]="eth0:1"\nIPADDR[0]="192.0.2.10"'
check "Slackware: an alias" refused_with "rc.inet1: /etc/rc.d/rc.inet1.conf, line 1: an alias"
slackware "$fifteen" <<<'USE_DHCP[0]="yes"'
chmod 644 "$r/etc/rc.d/rc.inet1"
check "Slackware: a script that is not executed" refused_with "is in use here"
finish
