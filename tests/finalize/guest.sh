#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bonds, VLANs and what lies on them, which this machine's kernel may not have: trees of each stack are adapted, and all
# results are brought up by their readers in one boot of a virtual machine. The kernel finds the cards in another order
# than the source's, so their names are udev's work.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. tests/finalize/judge.sh
# shellcheck source=tests/finalize/guest_vm.sh
. tests/finalize/guest_vm.sh
umask 022
if ! judge_ready; then
    skip "bonds and VLANs, judged" "no judges here"
    finish
fi

N=$r/etc/systemd/network
# Two of the cards, and four.
two=eth1:52:54:00:00:00:02,eth0:52:54:00:00:00:04
four=$two,eth3:52:54:00:00:00:06,eth2:52:54:00:00:00:08
# nic NUMBER: the planned card ensN, whose MAC address changes; by_mac: the same by its MAC address alone.
nic() { echo "\"match\": {\"name\": \"ens$1\", \"mac\": \"52:54:00:00:00:0$(((($1 - 3) * 2) + 1))\"}, \"mac\": \"52:54:00:00:00:0$((($1 - 2) * 2))\""; }
by_mac() { nic "$1" | sed 's/"name": "[^"]*", //'; }
both='"addresses": ["203.0.113.5/24", "203.0.113.6/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
second='"addresses": ["198.51.100.20/24"]'
# adapt NAME PLAN: of the tree $r.
adapt() {
    plan_of "$2"
    check "${1//[-_]/ }" run
}
# judged NAME CARDS DEVICE...: the result, by the reader that NAME begins with; the picture is standard input.
judged() { guest_job "$1" "$2" "in_judged ${1%%-*} ${*:3}"; }

# ---- systemd-networkd -----------------------------------------------------------------------------
# fresh; file NAME LINE...
fresh() { networkd "$r" && mkdir -p "$N"; }
file() { printf '%s\n' "${@:2}" >"$N/$1"; }
device() { file "10-$1.netdev" '[NetDev]' "Name=$1" "Kind=$2" "${@:3}"; }

fresh
device bond0 bond '[Bond]' Mode=active-backup MIIMonitorSec=100ms
file 20-ports.network '[Match]' 'Name=ens3 ens4' '[Network]' Bond=bond0
file 30-bond0.network '[Match]' Name=bond0 '[Link]' MACAddress=52:54:00:00:00:01 '[Network]' Address=192.0.2.10/24 Gateway=192.0.2.1
adapt networkd-bond "{$(nic 3), $static}, {$(nic 4)}"
judged networkd-bond $two ens3 ens4 bond0 <<'E'
bond0 has 203.0.113.5/24
bond0: bond active-backup miimon=100, 52:54:00:00:00:02
default via 203.0.113.1 dev bond0
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
E

fresh
device bond0 bond MACAddress=52:54:00:00:00:01 MTUBytes=1400 '[Bond]' Mode=802.3ad MIIMonitorSec=1 LACPTransmitRate=fast \
    TransmitHashPolicy=layer3+4
device bond1 bond MACAddress=52:54:00:00:00:05 '[Bond]' Mode=active-backup MIIMonitorSec=1
file 20-a.network '[Match]' PermanentMACAddress=52:54:00:00:00:01 '[Network]' Bond=bond0
file 20-b.network '[Match]' PermanentMACAddress=52:54:00:00:00:03 '[Network]' Bond=bond0
file 20-c.network '[Match]' PermanentMACAddress='52:54:00:00:00:05 52:54:00:00:00:07' '[Network]' Bond=bond1
file 30-bond0.network '[Match]' Name=bond0 '[Network]' Address=192.0.2.10/24 Gateway=192.0.2.1
file 30-bond1.network '[Match]' Name=bond1 '[Network]' Address=192.0.2.66/26
adapt networkd-two-bonds "{$(by_mac 3), $both}, {$(by_mac 4)}, {$(nic 5), $second}, {$(nic 6)}"
judged networkd-two-bonds $four bond0 bond1 <<'E'
bond0 has 2001:db8:5::5/64
bond0 has 203.0.113.5/24
bond0 has 203.0.113.6/24
bond0: bond 802.3ad miimon=1000 ad_lacp_rate=fast xmit_hash_policy=layer3+4, mtu 1400, 52:54:00:00:00:02
bond1 has 198.51.100.20/24
bond1: bond active-backup miimon=1000, 52:54:00:00:00:06
default via 2001:db8:5::1 dev bond0
default via 203.0.113.1 dev bond0
ens5: card, port of bond1, 52:54:00:00:00:06
ens6: card, port of bond1, 52:54:00:00:00:06
eth0: card, port of bond0, mtu 1400, 52:54:00:00:00:02
eth1: card, port of bond0, mtu 1400, 52:54:00:00:00:02
E

fresh
device bond0 bond '[Bond]' Mode=active-backup MIIMonitorSec=1
device bond0.7 vlan '[VLAN]' Id=7
device br7 bridge MACAddress=52:54:00:00:00:01 '[Bridge]' STP=no ForwardDelaySec=4
file 10-ens3.link '[Match]' MACAddress=52:54:00:00:00:01 '[Link]' Name=ens3
file 20-ports.network '[Match]' 'Name=ens3 ens4' '[Network]' Bond=bond0
file 30-bond0.network '[Match]' Name=bond0 '[Network]' VLAN=bond0.7 LinkLocalAddressing=no
file 40-vlan.network '[Match]' Name=bond0.7 '[Network]' Bridge=br7
file 50-br7.network '[Match]' Name=br7 '[Network]' Address=192.0.2.10/24 Address=2001:db8:1::10/64 '[Route]' \
    Gateway=192.0.2.1 '[Route]' Destination=10.0.0.0/8 Gateway=203.0.113.254
adapt networkd-bridge-on-VLAN-on-bond "{$(by_mac 3), $both}, {$(nic 4)}"
judged networkd-bridge-on-VLAN-on-bond $two ens3 ens4 bond0 bond0.7 br7 <<'E'
10.0.0.0/8 via 203.0.113.254 dev br7
bond0.7: vlan 7 on bond0, port of br7
bond0: bond active-backup miimon=1000
br7 has 2001:db8:5::5/64
br7 has 203.0.113.5/24
br7 has 203.0.113.6/24
br7: bridge forward_delay=400, 52:54:00:00:00:02
default via 2001:db8:5::1 dev br7
default via 203.0.113.1 dev br7
ens3: card, port of bond0
ens4: card, port of bond0
E

fresh
device vlan10 vlan '[VLAN]' Id=10
file 20-ens3.network '[Match]' PermanentMACAddress=52:54:00:00:00:01 '[Network]' VLAN=vlan10 LinkLocalAddressing=no
file 30-vlan10.network '[Match]' Name=vlan10 '[Network]' DHCP=yes
adapt networkd-VLAN "{$(nic 3), $both}"
judged networkd-VLAN $two ens3 vlan10 <<'E'
default via 2001:db8:5::1 dev vlan10
default via 203.0.113.1 dev vlan10
ens3: card, 52:54:00:00:00:02
eth0: card, 52:54:00:00:00:04, down
vlan10 has 2001:db8:5::5/64
vlan10 has 203.0.113.5/24
vlan10 has 203.0.113.6/24
vlan10: vlan 10 on ens3, 52:54:00:00:00:02
E

fresh
device br0 bridge '[Bridge]' STP=no Priority=4096 VLANFiltering=yes
file 20-port.network '[Match]' PermanentMACAddress=52:54:00:00:00:01 '[Network]' Bridge=br0
file 30-br0.network '[Match]' Name=br0 '[Link]' MACAddress=52:54:00:00:00:01 '[Network]' Address=192.0.2.10/24 Gateway=192.0.2.1
adapt networkd-bridge-by-MAC "{$(by_mac 3), $static}"
judged networkd-bridge-by-MAC $two br0 <<'E'
br0 has 203.0.113.5/24
br0: bridge priority=4096 vlan_filtering=1, 52:54:00:00:00:02
default via 203.0.113.1 dev br0
eth0: card, 52:54:00:00:00:04, down
eth1: card, port of br0, 52:54:00:00:00:02
E

fresh
device vlan10 vlan '[VLAN]' Id=10
device vlan20 vlan '[VLAN]' Id=20
file 20-ens3.network '[Match]' Name=ens3 '[Network]' VLAN=vlan10 VLAN=vlan20 Address=192.0.2.10/24
file 30-vlan10.network '[Match]' Name=vlan10 '[Network]' Address=192.0.2.66/26
file 30-vlan20.network '[Match]' Name=vlan20 '[Network]' Address=192.0.2.130/26 Gateway=192.0.2.129
adapt networkd-three "{$(nic 3), $second}, {\"match\": {\"name\": \"vlan10\"}, \"addresses\": [\"198.51.101.20/24\"]}, {\"match\": {\"name\": \"vlan20\"}, $static}"
judged networkd-three $two ens3 vlan10 vlan20 <<'E'
default via 203.0.113.1 dev vlan20
ens3 has 198.51.100.20/24
ens3: card, 52:54:00:00:00:02
eth0: card, 52:54:00:00:00:04, down
vlan10 has 198.51.101.20/24
vlan10: vlan 10 on ens3, 52:54:00:00:00:02
vlan20 has 203.0.113.5/24
vlan20: vlan 20 on ens3, 52:54:00:00:00:02
E

# ---- netplan --------------------------------------------------------------------------------------
yaml() { netplan "$r" && put "$r/etc/netplan/a.yaml" && chmod 600 "$r/etc/netplan/a.yaml"; }
# Both renderers get the same files; NetworkManager as well as networkd is there.
for renderer in networkd NetworkManager; do
    reader=netplan
    [ $renderer = networkd ] || reader=netplan_nm
    yaml <<E
network:
  version: 2
  renderer: $renderer
  ethernets:
    ens3: {}
    nic1:
      match: {macaddress: "52:54:00:00:00:03"}
      set-name: ens4
  bonds:
    bond0:
      interfaces: [ens3, nic1]
      macaddress: 52:54:00:00:00:01
      parameters:
        mode: active-backup
        primary: ens3
        mii-monitor-interval: 100
  vlans:
    bond0.7:
      id: 7
      link: bond0
  bridges:
    br7:
      interfaces: [bond0.7]
      addresses: [192.0.2.10/24]
      parameters: {stp: false, forward-delay: 4}
      routes:
      - to: default
        via: 192.0.2.1
E
    adapt $reader-bridge-on-VLAN-on-bond "{$(nic 3), $both}, {$(by_mac 4)}"
    # networkd makes a MAC address of the machine's number; NetworkManager leaves the port's.
    judged $reader-bridge-on-VLAN-on-bond $two ens3 ens4 bond0 bond0.7 br7 <<E
bond0.7: vlan 7 on bond0, port of br7, 52:54:00:00:00:02
bond0: bond active-backup primary=ens3 miimon=100, 52:54:00:00:00:02
br7 has 2001:db8:5::5/64
br7 has 203.0.113.5/24
br7 has 203.0.113.6/24
br7: bridge forward_delay=400$([ $renderer = networkd ] || echo ', 52:54:00:00:00:02')
default via 2001:db8:5::1 dev br7
default via 203.0.113.1 dev br7
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
E

    yaml <<E
network:
  version: 2
  renderer: $renderer
  ethernets:
    nic0: {match: {macaddress: "52:54:00:00:00:01"}}
    nic1: {match: {macaddress: "52:54:00:00:00:03"}}
    ens5: {match: {macaddress: "52:54:00:00:00:05"}, set-name: ens5}
    ens6: {match: {macaddress: "52:54:00:00:00:07"}, set-name: ens6}
  bonds:
    bond0:
      interfaces: [nic0, nic1]
      addresses: [192.0.2.10/24, "2001:db8:1::10/64"]
      gateway4: 192.0.2.1
      mtu: 1400
      macaddress: "52:54:00:00:00:01"
      parameters: {mode: 802.3ad, lacp-rate: fast, transmit-hash-policy: layer3+4, mii-monitor-interval: 100}
    bond1:
      interfaces: [ens5, ens6]
      macaddress: "52:54:00:00:00:05"
      addresses: [192.0.2.66/26]
      parameters: {mode: active-backup, mii-monitor-interval: 100}
E
    adapt $reader-two-bonds "{$(by_mac 3), $both}, {$(by_mac 4)}, {$(by_mac 5), $second}, {$(by_mac 6)}"
    judged $reader-two-bonds $four bond0 bond1 <<'E'
bond0 has 2001:db8:5::5/64
bond0 has 203.0.113.5/24
bond0 has 203.0.113.6/24
bond0: bond 802.3ad miimon=100 ad_lacp_rate=fast xmit_hash_policy=layer3+4, mtu 1400, 52:54:00:00:00:02
bond1 has 198.51.100.20/24
bond1: bond active-backup miimon=100, 52:54:00:00:00:06
default via 2001:db8:5::1 dev bond0
default via 203.0.113.1 dev bond0
ens5: card, port of bond1, 52:54:00:00:00:06
ens6: card, port of bond1, 52:54:00:00:00:06
eth0: card, port of bond0, mtu 1400, 52:54:00:00:00:02
eth1: card, port of bond0, mtu 1400, 52:54:00:00:00:02
E

    yaml <<E
network:
  version: 2
  renderer: $renderer
  ethernets:
    nic0: {match: {macaddress: "52:54:00:00:00:01"}, dhcp4: false}
  vlans:
    vlan10: {id: 10, link: nic0, addresses: [192.0.2.10/24]}
E
    adapt $reader-VLAN-by-MAC "{$(by_mac 3), $static}"
    judged $reader-VLAN-by-MAC $two vlan10 <<E
default via 203.0.113.1 dev vlan10
eth0: card, 52:54:00:00:00:04$([ $renderer = NetworkManager ] || echo ', down')
eth1: card, 52:54:00:00:00:02
vlan10 has 203.0.113.5/24
vlan10: vlan 10 on eth1, 52:54:00:00:00:02
E
done

# ---- ifupdown -------------------------------------------------------------------------------------
interfaces() {
    bare "$r"
    echo x >"$r/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/network/interfaces"
}
interfaces <<'E'
auto bond0
iface bond0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    hwaddress ether 52:54:00:00:00:01
    bond-slaves ens3 ens4
    bond-mode active-backup
    bond-primary ens3
    bond-miimon 100
E
adapt ifupdown-bond "{$(nic 3), $both}, {$(nic 4)}"
judged ifupdown-bond $two <<'E'
bond0 has 2001:db8:5::5/64
bond0 has 203.0.113.5/24
bond0 has 203.0.113.6/24
bond0: bond active-backup primary=ens3 miimon=100, 52:54:00:00:00:02
default via 2001:db8:5::1 dev bond0
default via 203.0.113.1 dev bond0
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
E

interfaces <<'E'
auto ens3
iface ens3 inet manual
auto ens3.10
iface ens3.10 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
auto vlan20
iface vlan20 inet static
    address 192.0.2.66
    netmask 255.255.255.192
    vlan-raw-device ens3
E
adapt ifupdown-VLANs "{\"match\": {\"name\": \"ens3.10\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}, {\"match\": {\"name\": \"vlan20\"}, $second}"
judged ifupdown-VLANs $two <<'E'
default via 203.0.113.1 dev ens3.10
ens3.10 has 203.0.113.5/24
ens3.10: vlan 10 on ens3, 52:54:00:00:00:02
ens3: card, 52:54:00:00:00:02
eth0: card, 52:54:00:00:00:04, down
vlan20 has 198.51.100.20/24
vlan20: vlan 20 on ens3, 52:54:00:00:00:02
E

interfaces <<'E'
auto ens3 ens4
iface ens3 inet manual
    bond-master bond0
iface ens4 inet manual
    bond-master bond0
auto bond0
iface bond0 inet manual
    bond-slaves none
    bond-mode 802.3ad
    bond-miimon 100
    bond-lacp-rate fast
    bond-xmit-hash-policy layer3+4
auto vmbr0
iface vmbr0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    bridge-ports bond0.7
    bridge_hw 52:54:00:00:00:01
    bridge-stp off
    bridge-fd 4
E
adapt ifupdown-bridge-on-VLAN-on-bond "{$(nic 3), $both}, {$(nic 4)}"
judged ifupdown-bridge-on-VLAN-on-bond $two <<'E'
bond0.7: vlan 7 on bond0, port of vmbr0, 52:54:00:00:00:02
bond0: bond 802.3ad miimon=100 ad_lacp_rate=fast xmit_hash_policy=layer3+4, 52:54:00:00:00:02
default via 2001:db8:5::1 dev vmbr0
default via 203.0.113.1 dev vmbr0
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
vmbr0 has 2001:db8:5::5/64
vmbr0 has 203.0.113.5/24
vmbr0 has 203.0.113.6/24
vmbr0: bridge forward_delay=400, 52:54:00:00:00:02
E

for reader in ifupdown2 ifupdown_ng; do
    interfaces <<'E'
auto ens3
iface ens3 inet manual
auto ens4
iface ens4 inet manual
auto bond0
iface bond0 inet manual
    bond-slaves ens3 ens4
    bond-mode active-backup
    bond-miimon 100
auto bond0.7
iface bond0.7 inet manual
auto vmbr0
iface vmbr0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    bridge-ports bond0.7
    bridge-stp off
    bridge-fd 4
E
    adapt $reader-bridge-on-VLAN-on-bond "{$(nic 3), $both}, {$(nic 4)}"
    judged $reader-bridge-on-VLAN-on-bond $two <<'E'
bond0.7: vlan 7 on bond0, port of vmbr0, 52:54:00:00:00:02
bond0: bond active-backup miimon=100, 52:54:00:00:00:02
default via 2001:db8:5::1 dev vmbr0
default via 203.0.113.1 dev vmbr0
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
vmbr0 has 2001:db8:5::5/64
vmbr0 has 203.0.113.5/24
vmbr0 has 203.0.113.6/24
vmbr0: bridge forward_delay=400, 52:54:00:00:00:02
E
done

# ---- NetworkManager's keyfiles --------------------------------------------------------------------
K=$r/etc/NetworkManager/system-connections
keyfiles() {
    bare "$r"
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    mkdir -p "$K"
}
# profile NAME NUMBER TYPE LINE...: its UUID ends with the number.
profile() {
    printf '%s\n' '[connection]' "id=$1" "uuid=00000000-0000-4000-8000-00000000000$2" "type=$3" "${@:4}" >"$K/$1.nmconnection"
    chmod 600 "$K/$1.nmconnection"
}
none=('[ipv4]' method=disabled '[ipv6]' method=disabled)
keyfiles
profile bond0 1 bond interface-name=bond0 '[ethernet]' cloned-mac-address=52:54:00:00:00:01 '[bond]' mode=active-backup \
    miimon=100 primary=ens3 '[ipv4]' method=manual address1=192.0.2.10/24,192.0.2.1 '[ipv6]' method=disabled
profile p3 2 ethernet interface-name=ens3 master=bond0 slave-type=bond
profile p4 3 ethernet master=00000000-0000-4000-8000-000000000001 slave-type=bond '[ethernet]' mac-address=52:54:00:00:00:03
adapt networkmanager-bond "{$(nic 3), $both}, {$(by_mac 4)}"
judged networkmanager-bond $two ens3 bond0 <<'E'
bond0 has 2001:db8:5::5/64
bond0 has 203.0.113.5/24
bond0 has 203.0.113.6/24
bond0: bond active-backup primary=ens3 miimon=100, 52:54:00:00:00:02
default via 2001:db8:5::1 dev bond0
default via 203.0.113.1 dev bond0
ens3: card, port of bond0, 52:54:00:00:00:02
eth0: card, port of bond0, 52:54:00:00:00:02
E

keyfiles
profile bond0 1 bond interface-name=bond0 '[bond]' mode=802.3ad lacp_rate=fast xmit_hash_policy=layer3+4 miimon=100 "${none[@]}"
profile p3 2 ethernet interface-name=ens3 master=bond0 slave-type=bond
profile p4 3 ethernet interface-name=ens4 master=bond0 slave-type=bond
profile v7 4 vlan interface-name=bond0.7 master=br7 slave-type=bridge '[vlan]' id=7 parent=bond0
profile br7 5 bridge interface-name=br7 '[bridge]' stp=false forward-delay=4 mac-address=52:54:00:00:00:01 \
    '[ipv4]' method=manual address1=192.0.2.10/24,192.0.2.1 '[ipv6]' method=manual address1=2001:db8:1::10/64
adapt networkmanager-bridge-on-VLAN-on-bond "{$(nic 3), $both}, {$(nic 4)}"
judged networkmanager-bridge-on-VLAN-on-bond $two ens3 bond0 bond0.7 br7 <<'E'
bond0.7: vlan 7 on bond0, port of br7, 52:54:00:00:00:02
bond0: bond 802.3ad miimon=100 ad_lacp_rate=fast xmit_hash_policy=layer3+4, 52:54:00:00:00:02
br7 has 2001:db8:5::5/64
br7 has 203.0.113.5/24
br7 has 203.0.113.6/24
br7: bridge forward_delay=400, 52:54:00:00:00:02
default via 2001:db8:5::1 dev br7
default via 203.0.113.1 dev br7
ens3: card, port of bond0, 52:54:00:00:00:02
ens4: card, port of bond0, 52:54:00:00:00:02
E

keyfiles
profile wired 1 ethernet '[ethernet]' mac-address=52:54:00:00:00:01 "${none[@]}"
profile v10 2 vlan interface-name=vlan10 '[ethernet]' mac-address=52:54:00:00:00:01 '[vlan]' id=10 '[ipv4]' method=auto
adapt networkmanager-VLAN-by-MAC "{\"match\": {\"name\": \"vlan10\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
judged networkmanager-VLAN-by-MAC $two vlan10 <<'E'
default via 203.0.113.1 dev vlan10
eth0: card, 52:54:00:00:00:04
eth1: card, 52:54:00:00:00:02
vlan10 has 203.0.113.5/24
vlan10: vlan 10 on eth1, 52:54:00:00:00:02
E

guest_run
guest_judge_all
finish
