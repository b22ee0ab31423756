#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every shape of ifcfg files for each reader, with every kind of plan: what the reader makes of the result
# (ifcfg_readers.py, written from the documentation alone) is what was planned and no more, and the undo restores the
# tree.
# shellcheck source=tests/finalize/ifcfg_trees.sh
. "$(dirname "$0")/ifcfg_trees.sh"
umask 022
here=$(dirname "$0")

# ---- Shapes: each writes its files, and names the device that has the addresses --------------------
static_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
HWADDR=52:54:00:ab:00:01
BOOTPROTO=static
ONBOOT=yes
IPADDR=192.0.2.10
NETMASK=255.255.255.0
NETWORK=192.0.2.0
BROADCAST=192.0.2.255
GATEWAY=192.0.2.1
EOF
}
quoted_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
# quoted, with comments
NAME="System eth0"
DEVICE='eth0' # the only one
BOOTPROTO="none"
ONBOOT="yes"
IPADDR='192.0.2.10'   # office
PREFIX="24"
IPADDR="192.0.2.11"
IPV6INIT="yes"
IPV6ADDR="2001:db8::10/64"
IPV6ADDR_SECONDARIES="2001:db8::11/64 2001:db8::12/64"
IPV6_DEFAULTGW='2001:db8::1'
EOF
    echo "GATEWAY=192.0.2.1" >>"$r/etc/sysconfig/network"
}
dhcp_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
TYPE=Ethernet
BOOTPROTO=dhcp
DHCPV6C=yes
IPV6INIT=yes
ONBOOT=yes
EOF
    put "$n/route-eth0" <<<"10.0.0.0/8 via 192.0.2.254 dev eth0"
}
numbered_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
BOOTPROTO=none
IPADDR0=192.0.2.10
PREFIX0=24
IPADDR1=192.0.2.11
NETMASK1=255.255.255.128
IPADDR2=198.51.100.10
PREFIX2=25
GATEWAY=192.0.2.1
EOF
    put "$n/route-eth0" <<'EOF'
ADDRESS0=10.0.0.0
NETMASK0=255.0.0.0
GATEWAY0=192.0.2.254
ADDRESS1=0.0.0.0
NETMASK1=0.0.0.0
GATEWAY1=192.0.2.2
EOF
}
alias_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
ONBOOT=yes
IPADDR=192.0.2.10
PREFIX=24
EOF
    for i in 0 1; do
        put "$n/ifcfg-eth0:$i" <<EOF
DEVICE=eth0:$i
IPADDR=192.0.2.2$i
NETMASK=255.255.255.0
EOF
    done
    put "$n/route-eth0" <<<"default via 192.0.2.1"
}
down_shape() {
    device=eth0
    put "$n/ifcfg-eth0" <<'EOF'
DEVICE=eth0
ONBOOT=no
DEFROUTE=no
IPV6_DEFROUTE=no
IPV6INIT=no
IPADDR=192.0.2.10
PREFIX=24
EOF
}
vlan_shape() {
    device=eth0.42
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nBOOTPROTO=none\nHWADDR=52:54:00:AB:00:01'
    put "$n/ifcfg-eth0.42" <<'EOF'
VLAN=yes
DEVICE=eth0.42
BOOTPROTO=dhcp
ONBOOT=yes
EOF
}
bond_shape() {
    device=bond0
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nMASTER=bond0\nSLAVE=yes\nHWADDR=52:54:00:AB:00:01'
    put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nONBOOT=yes\nMASTER=bond0\nSLAVE=yes'
    put "$n/ifcfg-bond0" <<'EOF'
DEVICE=bond0
BONDING_OPTS="mode=4 miimon=100"
ONBOOT=yes
IPADDR=192.0.2.10
NETMASK=255.255.255.0
GATEWAY=192.0.2.1
MTU=9000
EOF
}
bridge_shape() {
    device=br0
    put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nBRIDGE=bond0.7\nMASTER=bond0\nSLAVE=yes'
    sed -i '/BRIDGE/d' "$n/ifcfg-eth0"
    put "$n/ifcfg-bond0" <<<$'DEVICE=bond0\nONBOOT=yes\nBONDING_OPTS=mode=1'
    put "$n/ifcfg-bond0.7" <<<$'DEVICE=bond0.7\nONBOOT=yes\nVLAN=yes\nBRIDGE=br0'
    put "$n/ifcfg-br0" <<'EOF'
DEVICE=br0
TYPE=Bridge
ONBOOT=yes
IPV6INIT=yes
IPV6_AUTOCONF=no
IPV6ADDR=2001:db8::10/64
IPV6_DEFAULTGW=fe80::1%br0
EOF
}

# ---- Plans: addresses, gateways ------------------------------------------------------------------
declare -A plans=(
    [dhcp]='"dhcp": true'
    [one]='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1"'
    [many]='"addresses": ["198.51.100.7/28", "203.0.113.5/24", "203.0.113.6/24"], "gateway": "203.0.113.1"'
    [six]='"addresses": ["2001:db8:5::5/64", "2001:db8:5::6/64"], "gateway": "fe80::1"'
    [both]='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
    [alone]='"addresses": ["203.0.113.5/32", "2001:db8:5::5/128"], "gateway": ["198.51.100.1", "2001:db8:9::1"]'
    [none]='"addresses": ["203.0.113.5/24"]'
)
# What a reader has to find.
wanted() { # PLAN
    case $1 in
        dhcp) echo dhcp ;;
        *)
            grep -oE '[0-9a-f.:]+/[0-9]+' <<<"$2" | sed 's/^/address /'
            grep -oE '"gateway".*' <<<"$2" | grep -oE '[0-9a-f]*[.:][0-9a-f.:]+' | sed 's/^/gateway /'
            ;;
    esac
    # A client for IPv6 stays where there is one, and where these scripts start it.
    [ "$shape/$1" != dhcp/dhcp ] || [ "$reader" = old-scripts ] || echo dhcp6
    [ "$shape" != numbered ] && [ "$shape" != dhcp ] || echo "route 10.0.0.0/8 192.0.2.254"
}
planned() { # READER PLAN TEXT
    equal "$(wanted "$2" "$3" | LC_ALL=C sort)" "$("$here/ifcfg_readers.py" "$1" "$n" "$device" | LC_ALL=C sort)"
}

# A plan of what is there already changes nothing, and leaves nothing to undo.
restored() {
    if [ -e "$r/var/lib/bootferry/undo" ]; then undone "$before"; else untouched; fi
}

for release in centos7 rhel6 rhel8; do
    case $release in
        centos7) reader=scripts ;;
        rhel6) reader=old-scripts ;;
        rhel8) reader="nm" ;;
    esac
    for shape in static quoted dhcp numbered alias down vlan bond bridge; do
        # Old scripts have one address a file.
        [ "$release/$shape" != rhel6/numbered ] || continue
        "$release"
        "${shape}_shape"
        before=$(snapshot "$r")
        for plan in dhcp one many six both alone none; do
            plan_of "{\"match\": {\"name\": \"$device\"}, ${plans[$plan]}}"
            check "$release, $shape to $plan: runs" run
            check "$release, $shape to $plan: the reader has what is planned" planned "$reader" "$plan" "${plans[$plan]}"
            check "$release, $shape to $plan: undo" restored
        done
    done
done
finish
