#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Red Hat's ifcfg files on trees, as initscripts' sysconfig.txt, Red Hat's guides and nm-settings-ifcfg-rh(5) describe
# them: RHEL 6, CentOS 7 by the network service and by NetworkManager, RHEL 8, Amazon Linux 2. No reader of them can be
# run here; expected files stand in full.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
r=$work/root
n=$r/etc/sysconfig/network-scripts

# A tree with as little as the network needs: release VERSION of the family.
bare() { # ID VERSION
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,etc/rc.d/rc3.d,var/lib} "$n"
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s ../lib/systemd/systemd "$r/usr/sbin/init"
    put "$r/etc/os-release" <<<"ID=$1
ID_LIKE=\"rhel fedora\"
VERSION_ID=\"$2\""
    put "$r/etc/fstab" <<<"UUID=1 / xfs defaults 0 1"
    put "$r/etc/resolv.conf" <<<"nameserver 192.0.2.53"
    put "$r/etc/sysconfig/network" <<<"# Created by anaconda"
    put "$n/ifcfg-lo" <<'EOF'
DEVICE=lo
IPADDR=127.0.0.1
NETMASK=255.0.0.0
ONBOOT=yes
EOF
}
network_service() { ln -s ../init.d/network "$r/etc/rc.d/rc3.d/S10network"; }
networkmanager() { # VERSION
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/usr/lib64/NetworkManager/$1/libnm-settings-plugin-ifcfg-rh.so" <<<elf
    put "$r/usr/lib64/NetworkManager/$1/libnm-device-plugin-team.so" <<<elf
}
centos7() { bare centos 7 && network_service; }
centos7_nm() { bare centos 7 && networkmanager 1.18.8-1.el7; }
rhel8() { bare rhel 8.9 && networkmanager 1.40.16-9.el8; }
amazon2() { bare amzn 2 && network_service; }
# upstart, no systemd, no os-release; one address a file, as its scripts have it.
rhel6() {
    bare rhel 6
    rm -r "$r/usr/lib/systemd" "$r/etc/os-release" "$r/usr/sbin/init"
    put "$r/sbin/init" <<<elf
    put "$r/etc/redhat-release" <<<"Red Hat Enterprise Linux Server release 6.10 (Santiago)"
    network_service
}

plan_of() { put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"nics\": [$1]}"; }
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err"; }
says_all() { grep -qF -- "$1" "$work/report.txt" || shows "$1" "$work/report.txt"; }
again() {
    local before
    before=$(snapshot "$r")
    run && [ "$(snapshot "$r")" = "$before" ]
}
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" 2>"$work/err" && [ "$(snapshot "$r")" = "$1" ]; }
# cycle TITLE: the plan runs, once more without a change.
cycle() {
    check "$1: runs" run
    check "$1: a second run changes nothing" again
}
back() { check "$1: undo" undone "$before"; }
untouched() { [ "$(snapshot "$r")" = "$before" ]; }
refused() { ! run && untouched && says "$1"; }
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

finish
