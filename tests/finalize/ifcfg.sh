#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Red Hat's ifcfg files on trees, as initscripts' sysconfig.txt, Red Hat's guides and nm-settings-ifcfg-rh(5) describe
# them: RHEL 6, CentOS 7 by the network service and by NetworkManager, RHEL 8, Amazon Linux 2. No reader of them can be
# run here; expected files stand in full.
# shellcheck source=tests/finalize/ifcfg_trees.sh
. "$(dirname "$0")/ifcfg_trees.sh"
umask 022

static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]'
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
named='"match": {"name": "eth0"}'

# ---- CentOS 7, the network service ---------------------------------------------------------------
centos7
put "$n/ifcfg-eth0" <<'EOF'
# the office
DEVICE=eth0
HWADDR=52:54:00:AB:00:01
TYPE=Ethernet
ONBOOT='yes'
BOOTPROTO=static
IPADDR="192.0.2.10"   # web
NETMASK=255.255.255.0
NETWORK=192.0.2.0
BROADCAST=192.0.2.255
GATEWAY=192.0.2.1
MTU=1400
DNS1=192.0.2.53
DNS2=192.0.2.54
DOMAIN="example.org corp.example.org"
ETHTOOL_OPTS="-K ${DEVICE} tso off"
ZONE=public
EOF
cp "$n/ifcfg-eth0" "$n/ifcfg-eth0.bak"
put "$n/route-eth0" <<'EOF'
# by hand
default via 192.0.2.1 dev eth0
10.0.0.0/8 via 192.0.2.254 dev eth0
default via 192.0.2.1 dev eth0 table 7
EOF
put "$n/rule-eth0" <<<"from 192.0.2.10/32 table 7"
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:ab:00:01\"}, \"mac\": \"52:54:00:cd:00:02\", $static}"
cycle "CentOS 7"
check "CentOS 7: rewritten in place" is "$n/ifcfg-eth0" <<'EOF'
# the office
DEVICE=eth0
HWADDR=52:54:00:CD:00:02
TYPE=Ethernet
ONBOOT='yes'
BOOTPROTO=static
IPADDR="203.0.113.5"   # web
NETMASK=255.255.255.0
GATEWAY=203.0.113.1
MTU=1400
DNS1=203.0.113.53
DOMAIN="example.org corp.example.org"
ETHTOOL_OPTS="-K ${DEVICE} tso off"
ZONE=public
EOF
check "CentOS 7: bash reads the address" reads "$n/ifcfg-eth0" IPADDR 203.0.113.5
check "CentOS 7: bash reads what is kept" reads "$n/ifcfg-eth0" ETHTOOL_OPTS "-K eth0 tso off"
check "CentOS 7: a default route goes, others stay" is "$n/route-eth0" <<'EOF'
# by hand
10.0.0.0/8 via 192.0.2.254 dev eth0
default via 192.0.2.1 dev eth0 table 7
EOF
check "CentOS 7: a rule stays" has "$n/rule-eth0" "from 192.0.2.10/32 table 7"
back "CentOS 7"
plan_of "{$named, $static}"
check "CentOS 7: by name" run
check "CentOS 7: the route that is left behind is said" says "line 3: the route to 10.0.0.0/8 by 192.0.2.254 stays"
check "CentOS 7: the rule that is left behind is said" says "line 1: the rule for 192.0.2.10 stays"
back "CentOS 7, by name"

plan_of "{$named, \"dhcp\": true}"
cycle "to DHCP"
check "to DHCP: no address is left" is "$n/ifcfg-eth0" <<'EOF'
# the office
DEVICE=eth0
HWADDR=52:54:00:AB:00:01
TYPE=Ethernet
ONBOOT='yes'
BOOTPROTO=dhcp
MTU=1400
ETHTOOL_OPTS="-K ${DEVICE} tso off"
ZONE=public
EOF
back "to DHCP"

# Several addresses, both numberings; the gateway's network comes first.
centos7
put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
ONBOOT=yes
IPADDR0=192.0.2.10
PREFIX0=24
GATEWAY0=192.0.2.1
IPADDR1=192.0.2.11
PREFIX1=24
IPADDR2=192.0.2.12
PREFIX2=24
EOF
before=$(snapshot "$r")
plan_of "{$named, \"addresses\": [\"198.51.100.7/25\", \"203.0.113.5/24\"], \"gateway\": \"203.0.113.1\"}"
cycle "numbered from 0"
check "numbered from 0: goes on so" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
ONBOOT=yes
IPADDR0=203.0.113.5
PREFIX0=24
IPADDR1=198.51.100.7
PREFIX1=25
GATEWAY=203.0.113.1
EOF
back "numbered from 0"
sed -i 's/0=/=/; /^GATEWAY/d' "$n/ifcfg-eth0"
put "$r/etc/sysconfig/network" <<'EOF'
NETWORKING=yes
HOSTNAME=old.example.org
GATEWAY=192.0.2.1 # all
EOF
before=$(snapshot "$r")
cycle "numbered from 1"
check "numbered from 1: goes on so" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
ONBOOT=yes
IPADDR=203.0.113.5
PREFIX=24
IPADDR1=198.51.100.7
PREFIX1=25
EOF
check "the gateway of /etc/sysconfig/network follows" is "$r/etc/sysconfig/network" <<'EOF'
NETWORKING=yes
HOSTNAME=old.example.org
GATEWAY=203.0.113.1 # all
EOF
back "numbered from 1"

# A gateway of IPv6 for all: it names its device, or lies in the device's network.
six_global() { # GATEWAY
    centos7
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nIPV6INIT=yes\nIPV6ADDR=2001:db8::10/64'
    put "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nIPV6_DEFAULTGW='"$1"
    before=$(snapshot "$r")
}
linklocal='"addresses": ["2001:db8:5::5/64"], "gateway": "fe80::1"'
for gateway in 2001:db8::1%eth0 2001:db8::1 fe80::9%eth0; do
    six_global "$gateway"
    plan_of "{$named, $linklocal}"
    cycle "to a link-local gateway from $gateway"
    check "to a link-local gateway from $gateway: with its device" is "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nIPV6_DEFAULTGW=fe80::1%eth0'
    back "to a link-local gateway from $gateway"
    for plan in "$static" '"addresses": ["2001:db8:5::5/64"]' '"dhcp": true'; do
        plan_of "{$named, $plan}"
        check "no gateway of IPv6 after $gateway, $plan" run
        check "no gateway of IPv6 after $gateway, $plan: gone" is "$r/etc/sysconfig/network" <<<"NETWORKING=yes"
        back "no gateway of IPv6 after $gateway, $plan"
    done
done
six_global fe80::9%eth1
plan_of "{$named, $linklocal}"
cycle "another device's link-local gateway"
check "another device's link-local gateway stays" has "$r/etc/sysconfig/network" "IPV6_DEFAULTGW=fe80::9%eth1"
six_global fe80::9
cycle "a link-local gateway of no device"
check "a link-local gateway of no device is said" says "line 2: the gateway fe80::9 stays, which names no interface"
echo "IPV6_DEFAULTDEV=eth0" >>"$r/etc/sysconfig/network"
check "a link-local gateway by IPV6_DEFAULTDEV" run
refute "a link-local gateway by IPV6_DEFAULTDEV goes" grep -q fe80::9 "$r/etc/sysconfig/network"

# A MAC address that a file gives its NIC: the plan says it now. One of a bond may be the bond's own.
for release in centos7 centos7_nm rhel8; do
    $release
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nIPADDR=192.0.2.20\nPREFIX=24\nMACADDR=52:54:00:AB:00:01'
    before=$(snapshot "$r")
    plan_of "{$named, \"mac\": \"52:54:00:cd:00:09\", $static}"
    cycle "MACADDR, $release"
    check "MACADDR, $release: is the plan's" has "$n/ifcfg-eth0" "MACADDR=52:54:00:CD:00:09"
    back "MACADDR, $release"
    printf 'DEVICE=eth0\nMASTER=bond0\nSLAVE=yes\n' >"$n/ifcfg-eth0"
    put "$n/ifcfg-bond0" <<<$'DEVICE=bond0\nTYPE=Bond\nBONDING_MASTER=yes\nIPADDR=192.0.2.20\nPREFIX=24\nMACADDR=52:54:00:AB:00:77'
    before=$(snapshot "$r")
    check "MACADDR of a bond, $release" run
    check "MACADDR of a bond, $release: stays" has "$n/ifcfg-bond0" "MACADDR=52:54:00:AB:00:77"
    check "MACADDR of a bond, $release: said" says "line 6: MACADDR gives bond0 the MAC address 52:54:00:AB:00:77, which stays"
    back "MACADDR of a bond, $release"
done

# The scripts' files of routes for all devices.
for release in rhel6 centos7; do
    $release
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0\nIPV6INIT=yes\nIPV6ADDR=2001:db8::10/64'
    put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nIPADDR=198.51.100.10\nNETMASK=255.255.255.0'
    put "$r/etc/sysconfig/static-routes-ipv6" <<'EOF'
# device network gateway
eth0 2001:db8:a::/48 2001:db8::fe
eth0 ::/0 2001:db8::1
eth1 ::/0 2001:db8:1::1
EOF
    put "$r/etc/sysconfig/static-routes" <<'EOF'
eth0 net default gw 192.0.2.1
any net default gw 192.0.2.1
any net 0.0.0.0 netmask 0.0.0.0 gw 192.0.2.1
any net 10.0.0.0 netmask 255.0.0.0 gw 192.0.2.254
any net 0.0.0.0/0 gw 203.0.113.1 dev eth0
any net default gw 198.51.100.1
eth1 net default gw 198.51.100.1
EOF
    before=$(snapshot "$r")
    plan_of "{$named, $both}"
    cycle "static-routes, $release"
    check "static-routes, $release: the device's default routes go" is "$r/etc/sysconfig/static-routes" <<'EOF'
any net 10.0.0.0 netmask 255.0.0.0 gw 192.0.2.254
any net default gw 198.51.100.1
eth1 net default gw 198.51.100.1
EOF
    check "static-routes-ipv6, $release: the device's default route goes" is "$r/etc/sysconfig/static-routes-ipv6" <<'EOF'
# device network gateway
eth0 2001:db8:a::/48 2001:db8::fe
eth1 ::/0 2001:db8:1::1
EOF
    back "static-routes, $release"
    check "static-routes, $release: once more" run
    check "static-routes, $release: what is left behind is said" says "line 4: the route to 10.0.0.0 by 192.0.2.254 stays"
    check "static-routes, $release: a default route of no device is said" says "line 6: the default route by 198.51.100.1 stays"
    check "static-routes-ipv6, $release: what is left behind is said" says "line 2: the route to 2001:db8:a::/48 by 2001:db8::fe stays"
done

# An alias that is kept down is no place for a planned address; one that NetworkManager does not take is left and said.
two='"addresses": ["203.0.113.5/24", "203.0.113.6/24"]'
for release in rhel6 rhel8; do
    $release
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0'
    put "$n/ifcfg-eth0:1" <<<$'DEVICE=eth0:1\nIPADDR=192.0.2.11\nNETMASK=255.255.255.0\nONPARENT=no'
    before=$(snapshot "$r")
    plan_of "{$named, $two}"
    cycle "ONPARENT=no, $release"
    refute "ONPARENT=no, $release: no planned address in it" grep -qs 203.0.113 "$n/ifcfg-eth0:1"
    check "ONPARENT=no, $release: the address stands elsewhere" grep -rq 203.0.113.6 "$n"
    back "ONPARENT=no, $release"
done
rhel8
put "$n/ifcfg-bond" <<<$'DEVICE=nm-bond\nTYPE=Bond\nBONDING_MASTER=yes\nIPADDR=192.0.2.10\nPREFIX=24'
put "$n/ifcfg-bond:1" <<<$'DEVICE=nm-bond:1\nIPADDR=192.0.2.11\nPREFIX=24'
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"nm-bond\"}, $two}"
cycle "an alias of a profile's name"
check "an alias of a profile's name: no place for an address" has "$n/ifcfg-bond" "IPADDR1=203.0.113.6"
check "an alias of a profile's name: stays" has "$n/ifcfg-bond:1" "IPADDR=192.0.2.11"
back "an alias of a profile's name"
check "an alias of a profile's name: once more" run
check "an alias of a profile's name: said" says "is not read at boot, and keeps its address of nm-bond"

# What a reader assumes: /64, and advertisements before DHCPv6.
inspected() { "$FINALIZE" --root "$r" --inspect --report "$work/report" && grep -q -- "$1" "$work/report"; }
for release in centos7 rhel8; do
    $release
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nBOOTPROTO=none\nIPV6INIT=yes\nIPV6ADDR=2001:db8::10'
    check "an address of IPv6 without a length, $release" inspected 2001:db8::10/64
    check "an address of IPv6 alone: its line, $release" inspected '"line": 4'
done
echo DHCPV6C=yes >>"$n/ifcfg-eth0"
check "DHCPV6C beside advertisements" inspected '"dhcp": false'
echo IPV6_AUTOCONF=no >>"$n/ifcfg-eth0"
check "DHCPV6C without advertisements" inspected '"dhcp": true'

# Aliases and ranges.
centos7
put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
ONBOOT=yes
IPADDR=192.0.2.10
NETMASK=255.255.255.0
EOF
put "$n/ifcfg-eth0:1" <<'EOF'
DEVICE=eth0:1
IPADDR=192.0.2.11
ONPARENT=yes
EOF
put "$n/ifcfg-eth0:2" <<'EOF'
DEVICE=eth0:2
IPADDR=192.0.2.12
NETMASK=255.255.255.255
EOF
put "$n/ifcfg-eth0-range0" <<'EOF'
IPADDR_START=192.0.2.20
IPADDR_END=192.0.2.29
CLONENUM_START=10
EOF
before=$(snapshot "$r")
check "aliases are read" "$FINALIZE" --root "$r" --inspect --report "$work/report"
check "aliases: addresses have their interface's mask" grep -q '"192.0.2.11/24"' "$work/report"
check "aliases: addresses have their own mask" grep -q '"192.0.2.12/32"' "$work/report"
check "ranges are read" grep -q '"192.0.2.29/24"' "$work/report"
plan_of "{$named, \"addresses\": [\"203.0.113.5/24\", \"203.0.113.6/24\"], \"gateway\": \"203.0.113.1\"}"
cycle "aliases"
check "aliases: the first address" has "$n/ifcfg-eth0" "IPADDR=203.0.113.5"
refute "aliases: the second is not set twice" grep -q 203.0.113.6 "$n/ifcfg-eth0"
check "aliases: the second address" is "$n/ifcfg-eth0:1" <<'EOF'
DEVICE=eth0:1
IPADDR=203.0.113.6
PREFIX=24
ONPARENT=yes
EOF
refute "aliases: one more than planned goes" test -e "$n/ifcfg-eth0:2"
refute "ranges go" test -e "$n/ifcfg-eth0-range0"
back "aliases"

# /32 with a gateway outside: the scripts compare networks and set no gateway, a route file does.
centos7
put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=dhcp
ONBOOT=yes
EOF
put "$n/route-eth0" <<'EOF'
ADDRESS0=0.0.0.0
NETMASK0=0.0.0.0
GATEWAY0=192.0.2.1
ADDRESS1=10.0.0.0
NETMASK1=255.0.0.0
GATEWAY1=192.0.2.254
EOF
before=$(snapshot "$r")
plan_of "{$named, \"addresses\": [\"203.0.113.5/32\", \"2001:db8::5/128\"], \"gateway\": [\"198.51.100.1\", \"2001:db8:1::1\"]}"
cycle "/32"
check "/32: the address" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
IPADDR=203.0.113.5
PREFIX=32
IPV6INIT=yes
IPV6ADDR=2001:db8::5/128
IPV6_AUTOCONF=no
ONBOOT=yes
EOF
check "/32: the route to the gateway and by it" is "$n/route-eth0" <<'EOF'
ADDRESS0=10.0.0.0
NETMASK0=255.0.0.0
GATEWAY0=192.0.2.254
ADDRESS1=198.51.100.1
NETMASK1=255.255.255.255
ADDRESS2=0.0.0.0
NETMASK2=0.0.0.0
GATEWAY2=198.51.100.1
EOF
check "/32: of IPv6" is "$n/route6-eth0" <<'EOF'
2001:db8:1::1 dev eth0
default via 2001:db8:1::1 dev eth0
EOF
plan_of "{$named, $static}"
cycle "/32, given up again"
check "/32, given up again: routes" is "$n/route-eth0" <<'EOF'
ADDRESS0=10.0.0.0
NETMASK0=255.0.0.0
GATEWAY0=192.0.2.254
EOF
refute "/32, given up again: nothing of IPv6 is left" test -e "$n/route6-eth0"
back "/32"

# Bridge, bond and VLAN above one another; the address is on the top.
centos7
for port in em1 em2; do
    put "$n/ifcfg-$port" <<EOF
DEVICE=$port
HWADDR=52:54:00:ab:00:0${port#em}
MASTER=bond0
SLAVE=yes
ONBOOT=yes
EOF
done
put "$n/ifcfg-bond0" <<'EOF'
DEVICE=bond0
MACADDR=52:54:00:AB:00:01
BONDING_OPTS="mode=active-backup miimon=100 primary=em1"
ONBOOT=yes
BOOTPROTO=none
EOF
put "$n/ifcfg-bond0.10" <<'EOF'
DEVICE=bond0.10
VLAN=yes
REORDER_HDR=yes
BRIDGE=br10
ONBOOT=yes
EOF
put "$n/ifcfg-br10" <<'EOF'
DEVICE=br10
TYPE=Bridge
DELAY=0
STP=off
BOOTPROTO=none
ONBOOT=yes
IPADDR=192.0.2.10
PREFIX=24
GATEWAY=192.0.2.1
IPV6INIT=no
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:ab:00:01\"}, \"mac\": \"52:54:00:cd:00:02\", $both}"
cycle "bridge on VLAN on bond"
check "bridge: has the addresses" is "$n/ifcfg-br10" <<'EOF'
DEVICE=br10
TYPE=Bridge
DELAY=0
STP=off
BOOTPROTO=none
ONBOOT=yes
IPADDR=203.0.113.5
PREFIX=24
GATEWAY=203.0.113.1
IPV6INIT=yes
IPV6ADDR=2001:db8:5::5/64
IPV6_DEFAULTGW=2001:db8:5::1
IPV6_AUTOCONF=no
EOF
check "port: HWADDR follows, in its letters" has "$n/ifcfg-em1" "HWADDR=52:54:00:cd:00:02"
check "other port: stays" has "$n/ifcfg-em2" "HWADDR=52:54:00:ab:00:02"
check "bond: the port's MAC address that it was given follows" has "$n/ifcfg-bond0" "MACADDR=52:54:00:CD:00:02"
back "bridge on VLAN on bond"

centos7
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
ONBOOT=yes
BOOTPROTO=none"
put "$n/ifcfg-vlan7" <<'EOF'
DEVICE=vlan7
PHYSDEV=eth0
VLAN=yes
ONBOOT=yes
IPADDR=192.0.2.10
NETMASK=255.255.255.0
EOF
before=$(snapshot "$r")
plan_of "{$named, $static}"
cycle "VLAN"
check "VLAN: has the address" has "$n/ifcfg-vlan7" "IPADDR=203.0.113.5"
refute "VLAN: its port has none" grep -q IPADDR "$n/ifcfg-eth0"
back "VLAN"

# Interfaces that are not brought up, that have no file, and several in one plan.
centos7
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
ONBOOT=no
BOOTPROTO=dhcp"
before=$(snapshot "$r")
plan_of "{$named, $static}, {\"match\": {\"name\": \"eth1\"}, \"dhcp\": true}"
cycle "two interfaces"
check "an interface that was down is brought up" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
ONBOOT=yes
BOOTPROTO=none
IPADDR=203.0.113.5
PREFIX=24
GATEWAY=203.0.113.1
DNS1=203.0.113.53
EOF
check "an interface without a file gets one" is "$n/ifcfg-eth1" <<'EOF'
DEVICE=eth1
TYPE=Ethernet
ONBOOT=yes
BOOTPROTO=dhcp
EOF
back "two interfaces"

# MAC addresses that two interfaces exchange.
centos7
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
HWADDR=52:54:00:AB:00:01
BOOTPROTO=dhcp"
put "$n/ifcfg-eth1" <<<"DEVICE=eth1
HWADDR=52:54:00:AB:00:02
BOOTPROTO=dhcp"
before=$(snapshot "$r")
plan_of '{"match": {"mac": "52:54:00:ab:00:01"}, "mac": "52:54:00:ab:00:02"},
    {"match": {"mac": "52:54:00:ab:00:02"}, "mac": "52:54:00:ab:00:01"}'
cycle "exchanged MAC addresses"
check "exchanged: eth0" has "$n/ifcfg-eth0" "HWADDR=52:54:00:AB:00:02"
check "exchanged: eth1" has "$n/ifcfg-eth1" "HWADDR=52:54:00:AB:00:01"
back "exchanged MAC addresses"

# ---- CentOS 7 and RHEL 8, NetworkManager ---------------------------------------------------------
centos7_nm
put "$n/ifcfg-ens192" <<'EOF'
TYPE="Ethernet"
PROXY_METHOD="none"
BROWSER_ONLY="no"
BOOTPROTO="none"
DEFROUTE="yes"
IPV4_FAILURE_FATAL="no"
IPV6INIT="yes"
IPV6_AUTOCONF="yes"
IPV6_DEFROUTE="yes"
IPV6_FAILURE_FATAL="no"
IPV6_ADDR_GEN_MODE="stable-privacy"
NAME="ens192"
UUID="5d7b5bb6-1d6f-4a5c-9d1b-1f8f0c6a2b11"
DEVICE="ens192"
ONBOOT="yes"
IPADDR="192.0.2.10"
PREFIX="24"
GATEWAY="192.0.2.1"
DNS1="192.0.2.53"
DOMAIN="example.org"
IPV6_PRIVACY="no"
EOF
before=$(snapshot "$r")
plan_of '{"match": {"name": "ens192"}, "addresses": ["203.0.113.5/24", "2001:db8:5::5/64", "2001:db8:5::6/64"],
    "gateway": ["203.0.113.1", "fe80::1"], "dns": ["203.0.113.53", "2001:db8::53"], "search": ["a.example.net", "b.example.net"]}'
cycle "NetworkManager"
check "NetworkManager: rewritten in place" is "$n/ifcfg-ens192" <<'EOF'
TYPE="Ethernet"
PROXY_METHOD="none"
BROWSER_ONLY="no"
BOOTPROTO="none"
DEFROUTE="yes"
IPV4_FAILURE_FATAL="no"
IPV6INIT="yes"
IPV6_AUTOCONF="no"
IPV6_DEFROUTE="yes"
IPV6_FAILURE_FATAL="no"
IPV6_ADDR_GEN_MODE="stable-privacy"
NAME="ens192"
UUID="5d7b5bb6-1d6f-4a5c-9d1b-1f8f0c6a2b11"
DEVICE="ens192"
ONBOOT="yes"
IPADDR="203.0.113.5"
PREFIX="24"
GATEWAY="203.0.113.1"
DNS1="203.0.113.53"
DOMAIN="a.example.net b.example.net"
IPV6ADDR=2001:db8:5::5/64
IPV6ADDR_SECONDARIES=2001:db8:5::6/64
IPV6_DEFAULTGW=fe80::1%ens192
DNS2=2001:db8::53
IPV6_PRIVACY="no"
EOF
check "NetworkManager: bash reads the search list" reads "$n/ifcfg-ens192" DOMAIN "a.example.net b.example.net"
back "NetworkManager"
plan_of '{"match": {"name": "ens192"}, "addresses": ["203.0.113.5/32"], "gateway": "198.51.100.1"}'
cycle "NetworkManager, /32"
check "NetworkManager, /32: it reaches a gateway by itself" has "$n/ifcfg-ens192" 'GATEWAY="198.51.100.1"'
refute "NetworkManager, /32: it needs no route file" test -e "$n/route-ens192"
back "NetworkManager, /32"

cp "$n/ifcfg-ens192" "$n/ifcfg-ens192.rpmsave"
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"ens192\"}, $static}"
check "NetworkManager: .rpmsave is a live profile to it" refused "ifcfg-ens192.rpmsave, which are both read"
mv "$n/ifcfg-ens192.rpmsave" "$n/ifcfg-ens192.bak"
check "NetworkManager: .bak is none" run

centos7_nm
network_service
put "$n/ifcfg-eth0" <<<'DEVICE=eth0
NM_CONTROLLED=no
IPADDR=192.0.2.10
NETMASK=255.255.255.0'
cp "$n/ifcfg-eth0" "$n/ifcfg-eth0.rpmsave"
before=$(snapshot "$r")
plan_of "{$named, \"addresses\": [\"203.0.113.5/32\"], \"gateway\": \"198.51.100.1\"}"
check "both daemons: NM_CONTROLLED=no is the scripts'" run
check "both daemons: so a route file reaches the gateway" has "$n/route-eth0" "default via 198.51.100.1 dev eth0"
back "both daemons"
rm "$r/etc/rc.d/rc3.d/S10network"
before=$(snapshot "$r")
check "NM_CONTROLLED=no, and no network service" refused "nothing reads /etc/sysconfig/network-scripts/ifcfg-eth0"

rhel8
put "$n/ifcfg-Wired_connection_1" <<'EOF'
HWADDR=52:54:00:AB:00:01
TYPE=Ethernet
BOOTPROTO=dhcp
NAME="Wired connection 1"
UUID=0b1f3a0c-6c7f-4a3e-a5f1-0a1b2c3d4e5f
ONBOOT=yes
PREFIX=24
EOF
before=$(snapshot "$r")
plan_of '{"match": {"mac": "52:54:00:ab:00:01"}, "mac": "52:54:00:cd:00:02", "addresses": ["2001:db8:5::5/64"],
    "gateway": "2001:db8:5::1", "dns": ["2001:db8::53"], "search": ["example.net"]}'
cycle "RHEL 8, IPv6 only"
check "RHEL 8, IPv6 only" is "$n/ifcfg-Wired_connection_1" <<'EOF'
HWADDR=52:54:00:CD:00:02
TYPE=Ethernet
BOOTPROTO=none
NAME="Wired connection 1"
UUID=0b1f3a0c-6c7f-4a3e-a5f1-0a1b2c3d4e5f
ONBOOT=yes
IPV6INIT=yes
IPV6ADDR=2001:db8:5::5/64
IPV6_DEFAULTGW=2001:db8:5::1
IPV6_AUTOCONF=no
DNS1=2001:db8::53
IPV6_DOMAIN=example.net
EOF
back "RHEL 8, IPv6 only"

# A file that means the hardware by its MAC address, which a rule has a name for.
centos7
put "$n/ifcfg-office" <<<'HWADDR="52:54:00:AB:00:01"
TYPE=Ethernet
IPADDR=192.0.2.10'
put "$r/etc/udev/rules.d/70-persistent-net.rules" <<<'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="52:54:00:ab:00:01", ATTR{type}=="1", KERNEL=="eth*", NAME="lan0"'
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"lan0\"}, \"mac\": \"52:54:00:cd:00:02\", $static}"
cycle "by MAC and rule"
check "by MAC and rule" is "$n/ifcfg-office" <<'EOF'
HWADDR="52:54:00:CD:00:02"
TYPE=Ethernet
IPADDR=203.0.113.5
DEVICE=lan0
PREFIX=24
GATEWAY=203.0.113.1
DNS1=203.0.113.53
EOF
back "by MAC and rule"

# A team whose port names its profile by UUID.
rhel8
put "$n/ifcfg-team0" <<'EOF'
DEVICE=team0
DEVICETYPE=Team
TEAM_CONFIG='{"runner": {"name": "activebackup"}}'
UUID=7aa7a1f2-0a3c-4f0f-8f65-b6ed7a1f2a3c
BOOTPROTO=dhcp
ONBOOT=yes
EOF
put "$n/ifcfg-team0-port1" <<'EOF'
DEVICE=eth0
DEVICETYPE=TeamPort
TEAM_MASTER_UUID=7aa7a1f2-0a3c-4f0f-8f65-b6ed7a1f2a3c
HWADDR=52:54:00:AB:00:01
ONBOOT=yes
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:ab:00:01\"}, $static}"
cycle "team"
check "team: has the address" has "$n/ifcfg-team0" IPADDR=203.0.113.5
check "team: the rest stays" has "$n/ifcfg-team0" "TEAM_CONFIG='{\"runner\": {\"name\": \"activebackup\"}}'"
back "team"

# ---- RHEL 6 and Amazon Linux 2 -------------------------------------------------------------------
rhel6
put "$r/etc/sysconfig/network" <<<"NETWORKING=yes
NETWORKING_IPV6=no
HOSTNAME=old"
put "$n/ifcfg-eth0" <<'EOF'
DEVICE="eth0"
BOOTPROTO="static"
HWADDR="52:54:00:AB:00:01"
NM_CONTROLLED="yes"
ONBOOT="yes"
IPADDR="192.0.2.10"
PREFIX="24"
GATEWAY="192.0.2.1"
EOF
put "$n/ifcfg-eth0:5" <<<"DEVICE=eth0:5
IPADDR=192.0.2.11
NETMASK=255.255.255.0"
before=$(snapshot "$r")
plan_of "{$named, \"addresses\": [\"203.0.113.5/24\", \"203.0.113.6/24\", \"203.0.113.7/28\", \"2001:db8:5::5/64\"],
    \"gateway\": [\"203.0.113.1\", \"2001:db8:5::1\"]}"
cycle "RHEL 6"
check "RHEL 6: one address a file, with a mask" is "$n/ifcfg-eth0" <<'EOF'
DEVICE="eth0"
BOOTPROTO="static"
HWADDR="52:54:00:AB:00:01"
NM_CONTROLLED="yes"
ONBOOT="yes"
IPADDR="203.0.113.5"
GATEWAY="203.0.113.1"
NETMASK=255.255.255.0
IPV6INIT=yes
IPV6ADDR=2001:db8:5::5/64
IPV6_DEFAULTGW=2001:db8:5::1
IPV6_AUTOCONF=no
EOF
check "RHEL 6: an alias that is there" is "$n/ifcfg-eth0:5" <<'EOF'
DEVICE=eth0:5
IPADDR=203.0.113.6
NETMASK=255.255.255.0
EOF
check "RHEL 6: a new alias" is "$n/ifcfg-eth0:0" <<'EOF'
DEVICE=eth0:0
ONPARENT=yes
IPADDR=203.0.113.7
NETMASK=255.255.255.240
EOF
check "RHEL 6: IPv6 is switched on" has "$r/etc/sysconfig/network" NETWORKING_IPV6=yes
back "RHEL 6"

# NetworkManager 0.8 there: further addresses begin with IPADDR2.
ln -s ../init.d/NetworkManager "$r/etc/rc.d/rc3.d/S23NetworkManager"
put "$r/usr/lib64/NetworkManager/libnm-settings-plugin-ifcfg-rh.so" <<<elf
rm "$n/ifcfg-eth0:5"
sed -i '$aGATEWAYDEV=eth9' "$r/etc/sysconfig/network"
before=$(snapshot "$r")
cycle "RHEL 6, NetworkManager"
check "RHEL 6, NetworkManager: numbered from 2" is "$n/ifcfg-eth0" <<'EOF'
DEVICE="eth0"
BOOTPROTO="static"
HWADDR="52:54:00:AB:00:01"
NM_CONTROLLED="yes"
ONBOOT="yes"
IPADDR="203.0.113.5"
PREFIX="24"
GATEWAY="203.0.113.1"
IPADDR2=203.0.113.6
PREFIX2=24
IPADDR3=203.0.113.7
PREFIX3=28
IPV6INIT=yes
IPV6ADDR=2001:db8:5::5/64
IPV6_DEFAULTGW=2001:db8:5::1
IPV6_AUTOCONF=no
EOF
back "RHEL 6, NetworkManager"
check "a device that has all default routes: runs" run
check "a device that has all default routes is said" says "line 4: GATEWAYDEV is eth9"

# The scripts that are there tell what they know, whatever the release.
rhel6
put "$n/network-functions" <<<'    ipaddr[$i]=$(eval echo "$"IPADDR$idx)'
put "$n/ifup-ipv6" <<<'is_false "$IPV6INIT" && exit 0'
put "$n/ifcfg-eth0" <<<'DEVICE=eth0
IPADDR=192.0.2.10
IPV6ADDR=2001:db8::10/64'
before=$(snapshot "$r")
check "IPv6 is on by default to these scripts" "$FINALIZE" --root "$r" --inspect --report "$work/report"
check "IPv6 is on by default to these scripts: its address" grep -q '"2001:db8::10/64"' "$work/report"
plan_of "{$named, \"addresses\": [\"203.0.113.5/24\", \"203.0.113.6/24\"]}"
cycle "scripts that number addresses"
check "scripts that number addresses" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
IPADDR=203.0.113.5
PREFIX=24
IPADDR1=203.0.113.6
PREFIX1=24
EOF
back "scripts that number addresses"
put "$n/network-functions" <<<'PARENTCONFIG=$(echo $CONFIG | sed "s/-[^-]*$//g")'
put "$n/ifup-eth" <<<'if [ "${NETWORKING_IPV6}" = "yes" ]; then'
put "$n/ifup-ipv6" <<<'if [ ! "$IPV6INIT" = "yes" ]; then'
put "$n/ifcfg-eth0-home" <<<'ONBOOT=yes
IPADDR=192.0.2.20'
sed -i '1aONBOOT=no' "$n/ifcfg-eth0"
before=$(snapshot "$r")
check "a file that gets variables from another" refused "ifcfg-eth0-home gets variables from"
rm "$n/ifcfg-eth0-home"
plan_of "{$named, \"addresses\": [\"2001:db8:5::5/64\"]}"
cycle "old scripts, IPv6 only"
check "old scripts, IPv6 only" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
ONBOOT=yes
IPV6ADDR=2001:db8:5::5/64
IPV6INIT=yes
IPV6_AUTOCONF=no
EOF
check "old scripts, IPv6 only: it is switched on" has "$r/etc/sysconfig/network" NETWORKING_IPV6=yes
sed -i 's/^NETWORKING_IPV6.*/NETWORKING=no/' "$r/etc/sysconfig/network"
check "the network service is told not to run" "$FINALIZE" --root "$r" --inspect --report "$work/report"
refute "the network service is told not to run: nothing reads the files" grep -q '"ifcfg"' "$work/report"

amazon2
put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=dhcp
ONBOOT=yes
TYPE=Ethernet
USERCTL=yes
PEERDNS=yes
DHCPV6C=yes
DHCPV6C_OPTIONS=-nw
PERSISTENT_DHCLIENT=yes
RES_OPTIONS="timeout:2 attempts:5"
DHCP_ARP_CHECK=no
EOF
before=$(snapshot "$r")
plan_of "{$named, $static}"
cycle "Amazon Linux 2"
check "Amazon Linux 2: no client is left" is "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
ONBOOT=yes
TYPE=Ethernet
USERCTL=yes
PEERDNS=yes
DHCPV6C=no
IPADDR=203.0.113.5
PREFIX=24
GATEWAY=203.0.113.1
DNS1=203.0.113.53
DHCPV6C_OPTIONS=-nw
PERSISTENT_DHCLIENT=yes
RES_OPTIONS="timeout:2 attempts:5"
DHCP_ARP_CHECK=no
EOF
back "Amazon Linux 2"

# Quoting, with bash as the judge.
quoted() { # what stands behind IPADDR=
    centos7
    put "$n/ifcfg-eth0" <<<"DEVICE=eth0
IPADDR=198.51.100.1
 IPADDR=$1
PREFIX=24"
    "$FINALIZE" --root "$r" --inspect --report "$work/report" 2>"$work/err" &&
        grep -q "\"$(env -i bash -c '. "$1"; echo "$IPADDR"' - "$n/ifcfg-eth0")/24\"" "$work/report"
}
for value in 192.0.2.7 '"192.0.2.7"' "'192.0.2.7'" "19'2.0'.\"2\".7" "\$'192\\x2e0\\0562.7'" '192\.0.2.7' \
    '192.0.2.7;' '192.0.2.7 ; # note' '192.0.2.7	# note' $'192.0.\\\n2.7' $'"192.0.\\\n2.7"'; do
    check "as bash reads it: ${value@Q}" quoted "$value"
done

# ---- What is not understood ----------------------------------------------------------------------
odd() { # TITLE WORDS, the file on standard input
    centos7
    put "$n/ifcfg-eth0"
    before=$(snapshot "$r")
    plan_of "{$named, $static}"
    check "$1" refused "$2"
}
odd "a condition" "ifcfg-eth0, line 2: is more than one assignment" <<<'DEVICE=eth0
if true; then
IPADDR=192.0.2.10
fi'
odd "a computed address" "line 2: IPADDR is not understood" <<<'DEVICE=eth0
IPADDR=$OFFICE.10'
odd "a computed device" "line 1: the value of DEVICE is computed" <<<'DEVICE=$(hostname)
IPADDR=192.0.2.10'
odd "an unclosed quote" "line 2: is more than one assignment" <<<'DEVICE=eth0
IPADDR="192.0.2.10'
odd "no address" "line 2: IPADDR is not understood" <<<'DEVICE=eth0
IPADDR=192.0.2.256'
odd "a mask with a gap" "line 3: NETMASK is not understood" <<<'DEVICE=eth0
IPADDR=192.0.2.10
NETMASK=255.0.255.0'
odd "lines of another system" "line 1: ends with CR LF" <<<$'DEVICE=eth0\r\nIPADDR=192.0.2.10'
centos7
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
IPADDR=192.0.2.10"
put "$n/ifcfg-office" <<<"DEVICE=eth0
IPADDR=192.0.2.11"
before=$(snapshot "$r")
plan_of "{$named, $static}"
check "two files of a device" refused "ifcfg-eth0 and by /etc/sysconfig/network-scripts/ifcfg-office, which are both read"
sed -i 1iONBOOT=no "$n/ifcfg-office"
check "two files of a device, one brought up" run

centos7_nm
put "$n/ifcfg-eth0" <<<'DEVICE=eth0
BONDING_OPTS="mode=1
IPADDR=192.0.2.10"'
before=$(snapshot "$r")
plan_of "{$named, $static}"
check "NetworkManager takes each line by itself" refused "line 2: BONDING_OPTS goes over several lines"
centos7
put "$n/ifcfg-eth0" <<<'DEVICE=eth0
BOOTPROTO=none'
put "$n/keys-eth0" <<<'KEY=s:secret
IPADDR=192.0.2.10'
before=$(snapshot "$r")
check "an address among keys" refused "keys-eth0, line 2: sets IPADDR"
for i in $(seq 300); do echo "DEVICE=e$i" >"$n/ifcfg-e$i"; done
before=$(snapshot "$r")
check "more files than any system has" refused "has more than 256 files"

# RHEL 10 has the files, and nothing that reads them.
bare rhel 10.0
networkmanager 1.52.0-1.el10
rm "$r"/usr/lib64/NetworkManager/*/libnm-settings-plugin-ifcfg-rh.so
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
IPADDR=192.0.2.10"
check "RHEL 10" "$FINALIZE" --root "$r" --inspect --report "$work/report"
refute "RHEL 10: nothing reads them" grep -q '"ifcfg"' "$work/report"
rhel8
put "$r/etc/NetworkManager/conf.d/10-keyfile.conf" <<<"[main]
plugins=keyfile"
put "$n/ifcfg-eth0" <<<"DEVICE=eth0
IPADDR=192.0.2.10"
check "RHEL 8 without the plugin" "$FINALIZE" --root "$r" --inspect --report "$work/report"
refute "RHEL 8 without the plugin: nothing reads them" grep -q '"ifcfg"' "$work/report"

finish
