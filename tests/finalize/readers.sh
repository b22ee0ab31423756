#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Red Hat's and SUSE's ifcfg files before and after a plan, as readers/ifcfg_reader.py reads them, which was written
# from the documentation apart from the program: afterwards the planned device has what is planned, and everything else
# is what it was. The inspection agrees with the reader both times. The trees are from the documentation, too.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
here=$(dirname "$0")/readers
r=$work/root

# ---- Releases: each has a reader and a folder ----------------------------------------------------
release() { # READER FOLDER OS-RELEASE
    reader=$1 n=$r/etc/sysconfig/$2
    rm -rf "$r"
    mkdir -p "$n" "$r"/{sbin,usr/sbin,usr/lib/systemd,var/lib,etc/systemd/system/multi-user.target.wants}
    put "$r/etc/os-release" <<<"$3"
    put "$r/etc/fstab" <<<"UUID=1 / xfs defaults 0 1"
    put "$n/ifcfg-lo" <<<$'DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nSTARTMODE=nfsroot'
}
systemd() {
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s ../lib/systemd/systemd "$r/usr/sbin/init"
}
enabled() { ln -s "/usr/lib/systemd/system/$1.service" "$r/etc/systemd/system/multi-user.target.wants/"; }
scripts() { # OS-RELEASE
    release initscripts network-scripts "$1"
    put "$r/etc/rc.d/init.d/network" <<<x
    mkdir -p "$r/etc/rc.d/rc3.d"
    ln -s ../init.d/network "$r/etc/rc.d/rc3.d/S10network"
    put "$r/etc/sysconfig/network" <<<"NETWORKING=yes"
}
rhel6() {
    scripts ""
    rm "$r/etc/os-release"
    put "$r/etc/redhat-release" <<<"Red Hat Enterprise Linux Server release 6.10 (Santiago)"
    put "$r/sbin/init" <<<x
}
centos7() { scripts $'ID=centos\nVERSION_ID="7"' && systemd; }
amazon2() { scripts $'ID=amzn\nVERSION_ID="2"\nID_LIKE="centos rhel fedora"' && systemd; }
plugin() { # OS-RELEASE VERSION
    release networkmanager network-scripts "$1"
    systemd
    enabled NetworkManager
    put "$r/usr/lib64/NetworkManager/$2/libnm-settings-plugin-ifcfg-rh.so" <<<x
    put "$r/usr/lib64/NetworkManager/$2/libnm-device-plugin-team.so" <<<x
    put "$r/etc/sysconfig/network" <<<"# Created by anaconda"
}
rhel7() { plugin $'ID=rhel\nVERSION_ID="7.9"' 1.18.8-2.el7; }
rhel8() { plugin $'ID=rhel\nVERSION_ID="8.9"' 1.40.16-9.el8; }
suse() { # READER VERSION
    release "$1" network $'ID=sles\nID_LIKE=suse\nVERSION_ID="'"$2\""
    echo x >"$r/sbin/netconfig"
    put "$n/config" <<'END'
# Defines the DNS merge policy.
NETCONFIG_DNS_POLICY="auto"
NETCONFIG_DNS_STATIC_SEARCHLIST="old.example.org"
NETCONFIG_DNS_STATIC_SERVERS="192.0.2.53 192.0.2.54"
END
}
sles11() {
    suse suse11 11.4
    rm "$r/etc/os-release"
    put "$r/etc/SuSE-release" <<<$'SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4'
    put "$r/etc/inittab" <<<"id:3:initdefault:"
    echo x >"$r/sbin/init"
    echo x >"$r/sbin/ifup"
    put "$r/etc/init.d/network" <<<x
    mkdir -p "$r/etc/init.d/rc3.d" "$r/etc/init.d/rc5.d"
    ln -s ../network "$r/etc/init.d/rc3.d/S02network"
    ln -s ../network "$r/etc/init.d/rc5.d/S02network"
}
wicked() { # VERSION
    suse wicked "$1"
    systemd
    enabled wicked
    ln -s /usr/lib/systemd/system/wicked.service "$r/etc/systemd/system/network.service"
    ln -s /run/netconfig/resolv.conf "$r/etc/resolv.conf"
}
sles12() { wicked 12.5; }
sles15() { wicked 15.5; }

# ---- Plans ---------------------------------------------------------------------------------------
declare -A plans=(
    [one]='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53", "203.0.113.54"], "search": ["example.net", "example.com"]'
    [many]='"addresses": ["198.51.100.7/28", "203.0.113.5/24", "203.0.113.6/24"], "gateway": "203.0.113.1", "dns": ["203.0.113.53"]'
    [six]='"addresses": ["2001:db8:5::5/64", "2001:db8:5::6/64"], "gateway": "2001:db8:5::1", "dns": ["2001:db8:5::53"]'
    [link]='"addresses": ["2001:db8:5::5/56"], "gateway": "fe80::1"'
    [both]='"addresses": ["203.0.113.5/25", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"], "dns": ["203.0.113.53", "2001:db8:5::53"]'
    [alone]='"addresses": ["203.0.113.5/32"], "gateway": "198.51.100.1"'
    [none]='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"]'
    [dhcp]='"dhcp": true, "dns": ["203.0.113.53"], "search": ["example.net"]'
    [mixed]='"dhcp": true, "addresses": ["2001:db8:5::5/64"], "gateway": "2001:db8:5::1", "dns": ["203.0.113.53"], "search": ["example.net"]'
    [mac]='"mac": "52:54:00:CD:00:02", "addresses": ["203.0.113.5/24"]'
)
look() { "$here/ifcfg_reader.py" "$reader" "$r" >"$work/$1"; }
run() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report"; }
inspection_agrees() { # VIEW
    "$FINALIZE" --root "$r" --inspect --report "$work/inspected" && "$here/judge.py" agrees "$work/$1" "$work/inspected" "$r"
}
as_planned() { look after && "$here/judge.py" planned "$reader" "$work/before" "$device" "$work/plan" "$work/after"; }
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" && [ "$(snapshot "$r")" = "$before" ]; }

# plans_for NAME DEVICE PLAN...: the reader's view is standard input; then each of the plans is tried on the device.
plans_for() {
    local name plan
    name="$1, $reader" device=$2
    look before
    cat >"$work/view"
    check "$name: the reader's view" diff "$work/view" "$work/before"
    check "$name: inspected" inspection_agrees before
    before=$(snapshot "$r")
    for plan in "${@:3}"; do
        put "$work/plan" <<<"{\"version\": 1, \"target\": {\"kind\": \"kvm\"}, \"nics\": [{\"match\": {\"name\": \"$2\"}, ${plans[$plan]}}]}"
        check "$name to $plan: runs" run
        check "$name to $plan: exactly as planned" as_planned
        check "$name to $plan: inspected" inspection_agrees after
        check "$name to $plan: undo" undone
    done
}
all=(one many six link both alone none dhcp mixed)
some=(many link none mixed)
few=(one dhcp)

# ---- Red Hat's, the scripts of the network service -----------------------------------------------
# sysconfig.txt: NETMASK, PREFIX before it, HWADDR, and what stands in /etc/sysconfig/network.
rhel6
put "$n/ifcfg-eth0" <<'END'
# Intel Corporation 82540EM Gigabit Ethernet Controller
DEVICE="eth0"
BOOTPROTO=none
HWADDR=52:54:00:AB:00:01
IPADDR=192.0.2.10
NETMASK=255.255.255.128
PREFIX=24
GATEWAY=192.0.2.1
ONBOOT="yes"
NM_CONTROLLED=no
DNS1=192.0.2.53 # the first
DNS2='192.0.2.54'
DOMAIN="old.example.org example.org"
END
put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nBOOTPROTO=dhcp\nONBOOT=no\nMTU=9000'
plans_for "RHEL 6, one address" eth0 "${all[@]}" mac <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no mac=52:54:00:ab:00:01 addresses=192.0.2.10/24 gateway4=192.0.2.1 dns=192.0.2.53,192.0.2.54 search=old.example.org,example.org
eth1 kind=ethernet boot=no dhcp4=yes dhcp6=no mtu=9000
END

rhel6
put "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nNETWORKING_IPV6=yes\nHOSTNAME=old\nGATEWAY=192.0.2.1\nIPV6_DEFAULTGW=2001:db8::1%eth0'
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0\nIPV6INIT=yes\nIPV6ADDR=2001:db8::10/64\nIPV6_AUTOCONF=no'
put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nONBOOT=yes\nIPADDR=198.51.100.66\nNETMASK=255.255.255.192'
plans_for "RHEL 6, gateways for all" eth0 "${all[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,2001:db8::10/64 gateway4=192.0.2.1 gateway6=2001:db8::1
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=198.51.100.66/26
END

rhel6
put "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nNETWORKING_IPV6=yes\nIPV6_DEFAULTGW=fe80::1%eth0'
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nIPV6INIT=yes\nIPV6ADDR=2001:db8::10/64'
plans_for "RHEL 6, a link-local gateway for all" eth0 "${all[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=2001:db8::10/64 gateway6=fe80::1
END

rhel6
put "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nGATEWAYDEV=eth1'
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0\nGATEWAY=192.0.2.1'
put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nONBOOT=yes\nIPADDR=198.51.100.66\nNETMASK=255.255.255.192\nGATEWAY=198.51.100.65'
plans_for "RHEL 6, GATEWAYDEV" eth1 "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=198.51.100.66/26 gateway4=198.51.100.65
END

# The guide's aliases.
rhel6
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nBOOTPROTO=static\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0\nGATEWAY=192.0.2.1'
put "$n/ifcfg-eth0:1" <<<$'DEVICE=eth0:1\nIPADDR=192.0.2.11\nNETMASK=255.255.255.0'
put "$n/ifcfg-eth0:web" <<<$'DEVICE=eth0:web\nIPADDR=192.0.2.12\nNETMASK=255.255.255.255\nONPARENT=yes'
plans_for "RHEL 6, aliases" eth0 "${all[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,192.0.2.11/24,192.0.2.12/32 gateway4=192.0.2.1
END

# The guide's channel bonding, without TYPE.
rhel6
put "$n/ifcfg-bond0" <<<$'DEVICE=bond0\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0\nONBOOT=yes\nBOOTPROTO=none\nUSERCTL=no\nNM_CONTROLLED=no\nBONDING_OPTS="mode=1 miimon=100"'
for i in 0 1; do
    put "$n/ifcfg-eth$i" <<<"DEVICE=eth$i"$'\nBOOTPROTO=none\nONBOOT=yes\nMASTER=bond0\nSLAVE=yes\nUSERCTL=no\nNM_CONTROLLED=no'
done
put "$n/route-bond0" <<<$'default via 192.0.2.1 dev bond0\n10.10.10.0/24 via 192.0.2.254 dev bond0\n172.16.1.10/32 via 192.0.2.254'
plans_for "RHEL 6, bond" bond0 "${all[@]}" <<'END'
bond0 kind=bond boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1 routes=10.10.10.0/24 via 192.0.2.254,172.16.1.10/32 via 192.0.2.254
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
END

rhel6
put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nONBOOT=yes\nBOOTPROTO=none'
put "$n/ifcfg-vlan210" <<<$'VLAN=yes\nVLAN_NAME_TYPE=VLAN_PLUS_VID_NO_PAD\nDEVICE=vlan210\nPHYSDEV=eth1\nBOOTPROTO=static\nONBOOT=yes\nTYPE=Ethernet\nIPADDR=192.0.2.10\nNETMASK=255.255.255.0'
plans_for "RHEL 6, VLAN by number" vlan210 "${some[@]}" <<'END'
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no
vlan210 kind=vlan boot=yes dhcp4=no dhcp6=no on=eth1 addresses=192.0.2.10/24
END

# sysconfig.txt: numbers from 0, both families, routes in directives.
centos7
put "$n/ifcfg-ens192" <<'END'
TYPE=Ethernet
DEVICE=ens192
NAME=ens192
UUID=51bb3904-c0fc-4dfe-83b2-0a71e7928c13
ONBOOT=yes
BOOTPROTO=none
IPADDR0=192.0.2.10
PREFIX0=24
IPADDR1=192.0.2.11
PREFIX1=32
IPADDR2=198.51.100.10
NETMASK2=255.255.255.0
GATEWAY0=192.0.2.1
GATEWAY=192.0.2.1
IPV6INIT=yes
IPV6ADDR=2001:db8::10/64
IPV6ADDR_SECONDARIES="2001:db8::11/64 \
2001:db8:7::12/128"
IPV6_DEFAULTGW=2001:db8::1
END
put "$n/route-ens192" <<'END'
ADDRESS0=10.10.10.0
NETMASK0=255.255.255.0
GATEWAY0=192.0.2.254
ADDRESS1=172.16.1.10
NETMASK1=255.255.255.0
GATEWAY1=192.0.2.254
END
put "$n/route6-ens192" <<<$'2001:db8:a::/48 via 2001:db8::fe\n# none\n2001:db8:b::/64 dev ens192'
put "$n/ifcfg-ens192.bak" <<<$'DEVICE=ens192\nIPADDR=192.0.2.99'
plans_for "CentOS 7, numbered" ens192 "${all[@]}" <<'END'
ens192 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,192.0.2.11/32,198.51.100.10/24,2001:db8::10/64,2001:db8::11/64,2001:db8:7::12/128 gateway4=192.0.2.1 gateway6=2001:db8::1 routes=10.10.10.0/24 via 192.0.2.254,172.16.1.0/24 via 192.0.2.254,2001:db8:a::/48 via 2001:db8::fe,2001:db8:b::/64
END

# PEERDNS=no leaves resolv.conf alone.
centos7
put "$r/etc/resolv.conf" <<<$'search by.hand.example\nnameserver 192.0.2.99'
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nTYPE=Ethernet\nBOOTPROTO=dhcp\nONBOOT=yes\nPEERDNS=no\nDNS1=192.0.2.53\nDEFROUTE=no\nIPV6INIT=no\nMTU=1400'
plans_for "CentOS 7, PEERDNS, DEFROUTE and IPV6INIT are no" eth0 "${all[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=yes dhcp6=no mtu=1400 dns=192.0.2.99 search=by.hand.example
END

centos7
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nBOOTPROTO=none\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR="2001:db8::10/64"\nIPV6_DEFAULTGW="fe80::1%eth0"\nDNS1="2001:db8::53"'
plans_for "CentOS 7, IPv6 only" eth0 "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=2001:db8::10/64 gateway6=fe80::1 dns=2001:db8::53
END

centos7
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nBOOTPROTO=dhcp\nIPV6INIT=yes\nDHCPV6C=yes\nIPV6_AUTOCONF=no'
put "$n/ifcfg-eth1" <<<$'DEVICE=eth1\nONBOOT=no\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24\nGATEWAY=192.0.2.1'
plans_for "CentOS 7, DHCP for both families" eth0 "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=yes dhcp6=yes
eth1 kind=ethernet boot=no dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1
END
plans_for "CentOS 7, not up at boot" eth1 "${few[@]}" <"$work/before"

# A bridge on a VLAN on a bond.
centos7
for i in 0 1; do put "$n/ifcfg-em$i" <<<"DEVICE=em$i"$'\nTYPE=Ethernet\nONBOOT=yes\nMASTER=bond0\nSLAVE=yes'; done
put "$n/ifcfg-bond0" <<<$'DEVICE=bond0\nTYPE=Bond\nBONDING_MASTER=yes\nBONDING_OPTS="mode=802.3ad miimon=100"\nONBOOT=yes\nBOOTPROTO=none'
put "$n/ifcfg-bond0.35" <<<$'DEVICE=bond0.35\nVLAN=yes\nONBOOT=yes\nBOOTPROTO=none\nBRIDGE=br35'
put "$n/ifcfg-bond0.36" <<<$'DEVICE=bond0.36\nVLAN=yes\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=198.51.100.36\nPREFIX=24'
put "$n/ifcfg-br35" <<<$'DEVICE=br35\nTYPE=Bridge\nONBOOT=yes\nSTP=on\nDELAY=0\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24\nGATEWAY=192.0.2.1\nDNS1=192.0.2.53\nDOMAIN=old.example.org'
plans_for "CentOS 7, bridge, VLAN, bond" br35 "${all[@]}" <<'END'
bond0 kind=bond boot=yes dhcp4=no dhcp6=no
bond0.35 kind=vlan boot=yes dhcp4=no dhcp6=no port-of=br35 on=bond0
bond0.36 kind=vlan boot=yes dhcp4=no dhcp6=no on=bond0 addresses=198.51.100.36/24
br35 kind=bridge boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1 dns=192.0.2.53 search=old.example.org
em0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
em1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
END
plans_for "CentOS 7, VLAN beside a bridge" bond0.36 "${few[@]}" <"$work/before"

centos7
put "$r/etc/sysconfig/static-routes-ipv6" <<<$'# device network gateway\neth0 2001:db8:a::/48 2001:db8::fe'
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nONBOOT=yes\nIPADDR=192.0.2.10\nPREFIX=32\nIPV6ADDR=2001:db8::10/64'
put "$n/route-eth0" <<<$'198.51.100.254 dev eth0\ndefault via 198.51.100.254 dev eth0\nblackhole 10.0.0.0/8'
plans_for "CentOS 7, a gateway outside" eth0 "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/32,2001:db8::10/64 gateway4=198.51.100.254 routes=10.0.0.0/8 blackhole,198.51.100.254/32,2001:db8:a::/48 via 2001:db8::fe
END

# Default routes by their network, one of them among directives; of two aliases one comes up.
centos7
put "$n/ifcfg-eth0" <<<$'DEVICE=eth0\nIPADDR=192.0.2.10\nPREFIX=24\nIPV6ADDR=2001:db8::10/64'
put "$n/ifcfg-eth0:1" <<<$'DEVICE=eth0:1\nIPADDR=192.0.2.11'
put "$n/ifcfg-eth0:2" <<<$'DEVICE=eth0:2\nIPADDR=192.0.2.12\nPREFIX=24\nONPARENT=no'
put "$n/route-eth0" <<<$'ADDRESS0=0.0.0.0\nNETMASK0=0.0.0.0\nGATEWAY0=192.0.2.1\nADDRESS1=10.0.0.0\nNETMASK1=255.0.0.0\nGATEWAY1=192.0.2.254\nADDRESS2=172.16.0.0\nNETMASK2=255.240.0.0\nGATEWAY2=192.0.2.253'
put "$n/route6-eth0" <<<$'::/0 via 2001:db8::1 dev eth0'
plans_for "CentOS 7, default routes" eth0 "${all[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,192.0.2.11/24,2001:db8::10/64 gateway4=192.0.2.1 gateway6=2001:db8::1 routes=10.0.0.0/8 via 192.0.2.254,172.16.0.0/12 via 192.0.2.253
END

# As Amazon Linux 2 comes.
amazon2
put "$n/ifcfg-eth0" <<'END'
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
END
plans_for "Amazon Linux 2" eth0 "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=yes dhcp6=yes
END

# ---- Red Hat's, NetworkManager's plugin ----------------------------------------------------------
# The manual page's example of a static address.
rhel7
put "$n/ifcfg-ethernet-em2" <<'END'
TYPE=Ethernet
BOOTPROTO=none
IPADDR=192.0.2.10
PREFIX=24
IPADDR1=198.51.100.10
PREFIX1=25
GATEWAY=192.0.2.1
DEFROUTE=yes
IPV4_FAILURE_FATAL=no
IPV6INIT=yes
IPV6_AUTOCONF=yes
IPV6_DEFROUTE=yes
IPV6_PEERDNS=yes
IPV6_PEERROUTES=yes
IPV6_FAILURE_FATAL=no
NAME=ethernet-em2
UUID=51bb3904-c0fc-4dfe-83b2-0a71e7928c13
DEVICE=em2
ONBOOT=yes
DNS1=192.0.2.53
DNS2=192.0.2.54
DNS3=2001:db8::53
DOMAIN="old.example.org example.org"
END
put "$n/route-ethernet-em2" <<<$'ADDRESS0=10.10.10.0\nNETMASK0=255.255.255.0\nGATEWAY0=192.0.2.254\nMETRIC0=50'
plans_for "RHEL 7, static" em2 "${all[@]}" <<'END'
em2 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,198.51.100.10/25 gateway4=192.0.2.1 dns=192.0.2.53,192.0.2.54,2001:db8::53 search=old.example.org,example.org routes=10.10.10.0/24 via 192.0.2.254
END

# Its example of a team.
rhel7
put "$n/ifcfg-my_team0" <<'END'
DEVICE=team0
TEAM_CONFIG="{ \"device\": \"team0\", \"runner\": {\"name\": \"roundrobin\"}, \"ports\": {\"eth1\": {}, \"eth2\": {}} }"
DEVICETYPE=Team
BOOTPROTO=dhcp
NAME=team0-profile
UUID=1d3460a0-7b37-457f-a300-fe8d92da4807
ONBOOT=yes
END
for i in 1 2; do
    put "$n/ifcfg-my_team0_slave$i" <<<"NAME=team0-slave$i"$'\nDEVICE=eth'"$i"$'\nONBOOT=yes\nTEAM_MASTER=team0\nDEVICETYPE=TeamPort'
done
plans_for "RHEL 7, team" team0 "${some[@]}" <<'END'
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=team0
eth2 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=team0
team0 kind=team boot=yes dhcp4=yes dhcp6=no
END

# Its example of a bond, with a VLAN whose parent is a UUID.
rhel8
put "$n/ifcfg-BOND" <<<$'NAME=BOND\nUUID=b41888aa-924c-450c-b0f8-85a4f0a51b4a\nDEVICE=bond100\nBONDING_OPTS="mode=balance-rr miimon=100"\nTYPE=Bond\nBONDING_MASTER=yes\nONBOOT=yes\nBOOTPROTO=dhcp\nIPV6INIT=no'
put "$n/ifcfg-BOND-slave" <<<$'NAME=BOND-slave\nUUID=9bb048e4-286a-4cc3-b104-007dbd20decb\nDEVICE=eth0\nONBOOT=yes\nTYPE=Ethernet\nMASTER=bond100\nMASTER_UUID=b41888aa-924c-450c-b0f8-85a4f0a51b4a\nSLAVE=yes'
put "$n/ifcfg-vlan7" <<<$'VLAN=yes\nTYPE=Vlan\nPHYSDEV=bond100\nVLAN_ID=7\nREORDER_HDR=yes\nGVRP=no\nMVRP=no\nDEVICE=storage\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24\nNAME=vlan7\nONBOOT=yes\nMTU=9000'
plans_for "RHEL 8, bond" bond100 "${some[@]}" <<'END'
bond100 kind=bond boot=yes dhcp4=yes dhcp6=no
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond100
storage kind=vlan boot=yes dhcp4=no dhcp6=no on=bond100 addresses=192.0.2.10/24 mtu=9000
END
plans_for "RHEL 8, VLAN with a name of its own" storage "${few[@]}" <"$work/before"

# Its example of a bridge.
rhel8
put "$n/ifcfg-bridge" <<<$'NAME=bridge\nUUID=4be99ce0-c5b2-4764-8b77-ec226e440125\nDEVICE=bridge007\nSTP=yes\nTYPE=Bridge\nBRIDGING_OPTS=priority=32768\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24\nGATEWAY=192.0.2.1\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=2001:db8::10/64\nIPV6ADDR_SECONDARIES="2001:db8::11/64 2001:db8::12/64"\nIPV6_DEFAULTGW=2001:db8::1\nIPV6_DOMAIN=six.example.org\nDOMAIN=old.example.org'
put "$n/ifcfg-bridge-port" <<<$'NAME=bridge007-port-eth0\nUUID=3ad56c4a-47e1-419b-b0d4-8ad86eb967a3\nDEVICE=eth0\nONBOOT=yes\nTYPE=Ethernet\nBRIDGE=bridge007'
put "$n/route6-bridge" <<<$'2001:db8:a::/48 via 2001:db8::fe metric 100'
plans_for "RHEL 8, bridge" bridge007 "${all[@]}" <<'END'
bridge007 kind=bridge boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,2001:db8::10/64,2001:db8::11/64,2001:db8::12/64 gateway4=192.0.2.1 gateway6=2001:db8::1 search=old.example.org,six.example.org routes=2001:db8:a::/48 via 2001:db8::fe
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bridge007
END

rhel8
put "$n/ifcfg-enp1s0" <<<$'TYPE=Ethernet\nDEVICE=enp1s0\nHWADDR=52:54:00:AB:00:01\nBOOTPROTO=dhcp\nIPADDR=192.0.2.10\nPREFIX=24\nPEERDNS=no\nDNS1=192.0.2.53\nIPV6_DISABLED=yes\nIPV6INIT=no\nONBOOT=yes'
put "$n/ifcfg-enp2s0" <<<$'TYPE=Ethernet\nDEVICE=enp2s0\nBOOTPROTO=none\nIPADDR=198.51.100.10\nPREFIX=32\nGATEWAY=198.51.100.200\nDEFROUTE=no\nIPV6INIT=yes\nIPV6_AUTOCONF=no\nDHCPV6C=yes\nIPV6_DEFROUTE=no\nONBOOT=no'
plans_for "RHEL 8, DHCP and an address" enp1s0 "${all[@]}" mac <<'END'
enp1s0 kind=ethernet boot=yes dhcp4=yes dhcp6=no mac=52:54:00:ab:00:01 addresses=192.0.2.10/24 dns=192.0.2.53
enp2s0 kind=ethernet boot=no dhcp4=no dhcp6=yes addresses=198.51.100.10/32
END
plans_for "RHEL 8, no default route" enp2s0 "${few[@]}" <"$work/before"

# Masters and parents by the UUID of their profile; a VLAN without DEVICE; an alias.
rhel8
put "$n/ifcfg-nm-bond" <<<$'NAME=bond\nUUID=b41888aa-924c-450c-b0f8-85a4f0a51b4a\nDEVICE=nm-bond\nBONDING_OPTS="mode=balance-rr"\nTYPE=Bond\nBONDING_MASTER=yes\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=192.0.2.10\nPREFIX=24'
put "$n/ifcfg-nm-bond:1" <<<$'DEVICE=nm-bond:1\nIPADDR=192.0.2.11\nPREFIX=24'
put "$n/ifcfg-port" <<<$'NAME=port\nDEVICE=eth0\nONBOOT=yes\nTYPE=Ethernet\nMASTER=b41888aa-924c-450c-b0f8-85a4f0a51b4a\nSLAVE=yes'
put "$n/ifcfg-vlan7" <<<$'VLAN=yes\nTYPE=Vlan\nPHYSDEV=b41888aa-924c-450c-b0f8-85a4f0a51b4a\nVLAN_ID=7\nDEVICE=v7\nBOOTPROTO=dhcp\nNAME=vlan7\nONBOOT=yes'
put "$n/ifcfg-vlan8" <<<$'VLAN=yes\nTYPE=Vlan\nPHYSDEV=nm-bond\nVLAN_ID=8\nBOOTPROTO=dhcp\nNAME=vlan8\nONBOOT=yes'
plans_for "RHEL 8, UUIDs" nm-bond "${some[@]}" <<'END'
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=nm-bond
nm-bond kind=bond boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,192.0.2.11/24
nm-bond.8 kind=vlan boot=yes dhcp4=yes dhcp6=no on=nm-bond
v7 kind=vlan boot=yes dhcp4=yes dhcp6=no on=nm-bond
END
plans_for "RHEL 8, VLAN by UUID" v7 "${few[@]}" <"$work/before"
plans_for "RHEL 8, VLAN without DEVICE" nm-bond.8 "${few[@]}" <"$work/before"

# ---- SUSE's, ifup of sysconfig -------------------------------------------------------------------
# routes(5)'s netmask column, and the gateway 0.0.0.0 of its examples for none.
sles11
put "$n/ifcfg-eth0" <<<$'BOOTPROTO=\'static\'\nSTARTMODE=\'auto\'\nIPADDR=\'192.0.2.10\'\nNETMASK=\'255.255.255.0\'\nBROADCAST=\'\'\nUSERCONTROL=\'no\''
put "$n/ifcfg-eth1" <<<$'BOOTPROTO=static\nSTARTMODE=onboot\nIPADDR=198.51.100.66\nPREFIXLEN=26\nNETMASK=255.255.255.0'
put "$n/routes" <<'END'
# Destination     Dummy/Gateway     Netmask            Device
172.16.0.0        0.0.0.0           255.255.0.0        eth0
default           192.0.2.1         0.0.0.0            eth0
10.10.0.0         198.51.100.65     255.255.0.0        eth1
10.11.12.13       192.0.2.254       255.255.255.255    -
END
plans_for "SLES 11, netmasks" eth0 "${all[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1 routes=10.11.12.13/32 via 192.0.2.254,172.16.0.0/16
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=198.51.100.66/26 routes=10.10.0.0/16 via 198.51.100.65
END

# ifcfg(5)'s example of several addresses.
sles11
put "$n/ifcfg-eth0" <<<$'STARTMODE=auto\nIPADDR_AAA=192.0.2.10\nNETMASK_AAA=255.255.255.0\nBROADCAST_AAA=192.0.2.255\nIPADDR_BBB=198.51.100.3/26\nLABEL_BBB=BBB\nIPADDR=2001:db8::10/64'
put "$n/routes" <<<$'default 192.0.2.1\ndefault 2001:db8::1'
plans_for "SLES 11, several addresses" eth0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,198.51.100.3/26,2001:db8::10/64 gateway4=192.0.2.1 gateway6=2001:db8::1
END

# ifcfg-bonding(5)'s example, with a VLAN above.
sles11
put "$n/ifcfg-bond0" <<<$'STARTMODE=\'onboot\'\nBOOTPROTO=\'static\'\nIPADDR=\'192.0.2.10/24\'\nBONDING_MASTER=\'yes\'\nBONDING_SLAVE_0=\'eth0\'\nBONDING_SLAVE_1=\'eth1\'\nBONDING_MODULE_OPTS=\'mode=active-backup miimon=100\''
for i in 0 1; do put "$n/ifcfg-eth$i" <<<$'STARTMODE=\'hotplug\'\nBOOTPROTO=\'none\''; done
put "$n/ifcfg-vlan3" <<<$'STARTMODE=onboot\nETHERDEVICE=bond0\nIPADDR=198.51.100.27/24'
put "$n/ifroute-vlan3" <<<$'10.0.0.0/8 198.51.100.1 - -'
put "$n/routes" <<<$'default 192.0.2.1 - -'
plans_for "SLES 11, bond" bond0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
bond0 kind=bond boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
vlan3 kind=vlan boot=yes dhcp4=no dhcp6=no on=bond0 addresses=198.51.100.27/24 routes=10.0.0.0/8 via 198.51.100.1
END
plans_for "SLES 11, VLAN" vlan3 "${few[@]}" <"$work/before"

# ifcfg-bridge(5)'s example.
sles11
put "$n/ifcfg-br0" <<<$'STARTMODE=\'auto\'\nBOOTPROTO=\'dhcp\'\nBRIDGE=\'yes\'\nBRIDGE_PORTS=\'eth0 eth1\'\nBRIDGE_PORTPRIORITIES=\'50 20\''
for i in 0 1; do put "$n/ifcfg-eth$i" <<<$'STARTMODE=auto\nBOOTPROTO=none'; done
plans_for "SLES 11, bridge" br0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
br0 kind=bridge boot=yes dhcp4=yes dhcp6=no
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=br0
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=br0
END

# ---- SUSE's, wicked ------------------------------------------------------------------------------
sles12
put "$n/ifcfg-eth0" <<<$'BOOTPROTO=\'dhcp\'\nSTARTMODE=\'auto\'\nDHCLIENT_SET_DEFAULT_ROUTE=\'yes\'\nMTU=\'\'\nNAME=\'a card\''
put "$n/ifcfg-eth1" <<<$'BOOTPROTO=dhcp4\nSTARTMODE=manual\nIPADDR=198.51.100.10/24'
plans_for "SLES 12, DHCP" eth0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=yes dhcp6=yes
eth1 kind=ethernet boot=no dhcp4=yes dhcp6=no addresses=198.51.100.10/24
END
plans_for "SLES 12, DHCP and an address, not up at boot" eth1 "${few[@]}" <"$work/before"

# The length in IPADDR goes before PREFIXLEN, which goes before NETMASK.
sles12
put "$n/ifcfg-eth0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nIPADDR=192.0.2.10/24\nPREFIXLEN=16\nNETMASK=255.0.0.0\nIPADDR_1=192.0.3.10\nPREFIXLEN_1=25\nNETMASK_1=255.255.0.0\nLABEL_1=web\nIPADDRxxx=192.0.4.10\nNETMASKxxx=255.255.255.192\nMTU=1400\nLLADDR=52:54:00:AB:00:01'
put "$n/ifcfg-eth1" <<<$'STARTMODE=auto\nBOOTPROTO=dhcp6'
put "$n/ifroute-eth0" <<<$'default 192.0.2.1 - -\n10.0.0.0/8 192.0.2.254\n# 10.1.0.0/16 192.0.2.253'
plans_for "SLES 12, which length holds" eth0 "${all[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no mac=52:54:00:ab:00:01 addresses=192.0.2.10/24,192.0.3.10/25,192.0.4.10/26 gateway4=192.0.2.1 mtu=1400 routes=10.0.0.0/8 via 192.0.2.254
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=yes
END
plans_for "SLES 12, DHCP for IPv6" eth1 "${few[@]}" <"$work/before"

# A default route of each family without an interface, beside those of another.
sles15
put "$n/ifcfg-eth0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nIPADDR=192.0.2.10/24\nIPADDR_0=2001:db8::10/64\nIPADDR_1=2001:db8::11/64'
put "$n/ifcfg-eth1" <<<$'STARTMODE=auto\nBOOTPROTO=static\nIPADDR=198.51.100.10/24'
put "$n/routes" <<<$'default 192.0.2.1 - -\ndefault 2001:db8::1 - -\n10.0.0.0/8 198.51.100.254 - -\n2001:db8:a::/48 2001:db8::fe - eth0 metric 5\nfc00::/7 - - - unreachable'
plans_for "SLES 15, both families" eth0 "${all[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org routes=fc00::/7 unreachable
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,2001:db8::10/64,2001:db8::11/64 gateway4=192.0.2.1 gateway6=2001:db8::1 routes=2001:db8:a::/48 via 2001:db8::fe
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=198.51.100.10/24 routes=10.0.0.0/8 via 198.51.100.254
END
plans_for "SLES 15, the other interface" eth1 "${few[@]}" <"$work/before"

sles15
put "$n/ifcfg-eth0" <<<$'STARTMODE=nfsroot\nIPADDR=\'2001:db8::10/64\''
put "$n/ifroute-eth0" <<<$'default fe80::1 - eth0'
plans_for "SLES 15, IPv6 only" eth0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=2001:db8::10/64 gateway6=fe80::1
END

# A bridge on a VLAN with a name of its own on a bond.
sles15
for i in 0 1; do put "$n/ifcfg-eth$i" <<<$'STARTMODE=hotplug\nBOOTPROTO=none'; done
put "$n/ifcfg-bond0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nBONDING_MASTER=yes\nBONDING_SLAVE_0=eth0\nBONDING_SLAVE_1=eth1\nBONDING_MODULE_OPTS="mode=802.3ad miimon=100"'
put "$n/ifcfg-lan1" <<<$'STARTMODE=auto\nBOOTPROTO=static\nETHERDEVICE=bond0\nVLAN_ID=42'
put "$n/ifcfg-br0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nBRIDGE=yes\nBRIDGE_STP=off\nBRIDGE_FORWARDDELAY=0\nBRIDGE_PORTS="lan1"\nIPADDR=192.0.2.10/24'
put "$n/ifroute-br0" <<<$'default 192.0.2.1'
plans_for "SLES 15, bridge, VLAN, bond" br0 "${all[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
bond0 kind=bond boot=yes dhcp4=no dhcp6=no
br0 kind=bridge boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=bond0
lan1 kind=vlan boot=yes dhcp4=no dhcp6=no port-of=br0 on=bond0
END

# Any suffix, empty values, a route of another interface, and two default routes.
sles15
put "$n/ifcfg-eth0" <<<$'STARTMODE=boot\nBOOTPROTO=\nIPADDR1=192.0.2.10\nNETMASK1=255.255.255.0\nPREFIXLEN1=\nIPADDRxxx=192.0.2.11/25\nIPADDR_='
put "$n/ifcfg-eth1" <<<$'STARTMODE=auto\nIPADDR=198.51.100.1/24'
put "$n/ifroute-eth0" <<<$'10.0.0.0/8 192.0.2.254 255.0.0.0 eth0\n172.16.0.0/12 198.51.100.254 - eth1\ndefault 192.0.2.1 - - metric 5\n0.0.0.0/0 192.0.2.2 - -'
plans_for "SLES 15, suffixes" eth0 "${all[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24,192.0.2.11/25 gateway4=192.0.2.1 routes=10.0.0.0/8 via 192.0.2.254
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=198.51.100.1/24 routes=172.16.0.0/12 via 198.51.100.254
END
plans_for "SLES 15, a route in another's file" eth1 "${few[@]}" <"$work/before"

# ifcfg-team(5)'s example.
sles15
put "$n/ifcfg-team0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nIPADDR=192.0.2.10/24\nTEAM_RUNNER="loadbalance"\nTEAM_LB_TX_HASH="ipv4,ipv6,eth,vlan"\nTEAM_LB_TX_BALANCER_NAME="basic"\nTEAM_PORT_DEVICE_1="eth1"\nTEAM_PORT_DEVICE_2="eth2"\nTEAM_LW_NAME="ethtool"'
for i in 1 2; do put "$n/ifcfg-eth$i" <<<$'STARTMODE=hotplug\nBOOTPROTO=none'; done
plans_for "SLES 15, team" team0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=team0
eth2 kind=ethernet boot=yes dhcp4=no dhcp6=no port-of=team0
team0 kind=team boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/24
END

# A gateway outside, with the device route that it needs; an empty policy, and resolv.conf by hand.
sles15
sed -i 's/auto/""/; s/""""/""/' "$n/config"
rm "$r/etc/resolv.conf"
put "$r/etc/resolv.conf" <<<$'search old.example.org\nnameserver 192.0.2.53'
put "$n/ifcfg-eth0" <<<$'STARTMODE=auto\nBOOTPROTO=static\nIPADDR=192.0.2.10/32\nETHTOOL_OPTIONS="-K iface gro off"'
put "$n/ifroute-eth0" <<<$'198.51.100.254/32 - - eth0\ndefault 198.51.100.254 - eth0'
plans_for "SLES 15, a gateway outside, an empty policy" eth0 "${all[@]}" <<'END'
* dns=192.0.2.53 search=old.example.org
eth0 kind=ethernet boot=yes dhcp4=no dhcp6=no addresses=192.0.2.10/32 gateway4=198.51.100.254 routes=198.51.100.254/32
END

sles15
put "$n/ifcfg-eth0" <<<$'STARTMODE=off\nIPADDR=192.0.2.10/24'
put "$n/ifcfg-eth1.42" <<<$'STARTMODE=auto\nETHERDEVICE=eth1\nBOOTPROTO=dhcp+autoip'
put "$n/ifcfg-eth1" <<<$'STARTMODE=ifplugd'
put "$n/ifcfg-eth0.orig" <<<$'IPADDR=192.0.2.99/24'
put "$n/routes" <<<$'0.0.0.0/0 192.0.2.1 - eth0'
plans_for "SLES 15, off" eth0 "${some[@]}" <<'END'
* dns=192.0.2.53,192.0.2.54 search=old.example.org
eth0 kind=ethernet boot=no dhcp4=no dhcp6=no addresses=192.0.2.10/24 gateway4=192.0.2.1
eth1 kind=ethernet boot=yes dhcp4=no dhcp6=no
eth1.42 kind=vlan boot=yes dhcp4=yes dhcp6=yes on=eth1
END
plans_for "SLES 15, VLAN" eth1.42 "${few[@]}" <"$work/before"
refute "what was not touched is not as planned" as_planned
finish
