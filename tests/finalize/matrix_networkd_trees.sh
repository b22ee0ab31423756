# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The shapes as systemd-networkd's files have them. Sourced by matrix.sh.
# shellcheck disable=SC2034,SC2154 # matrix.sh has the variables and uses these

networkd_files=etc/systemd/network
networkd_begin() {
    networkd "$r"
    cards
}
# unit NAME: a file of networkd.
unit() { put "$r/etc/systemd/network/$1"; }
networkd_plain() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Network]
Address=192.0.2.10/24
Gateway=192.0.2.1
DNS=192.0.2.53
E
}
networkd_dhcp() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Network]
DHCP=yes
LLMNR=no
E
}
networkd_routes() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Link]
MTUBytes=1400

[Network]
LLDP=yes

[Address]
Address=192.0.2.10/24

[Route]
Gateway=192.0.2.1

[Route]
Destination=10.0.0.0/8
Gateway=192.0.2.254
E
}
networkd_six() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Network]
IPv6AcceptRA=no
Address=2001:db8::10/64
Gateway=2001:db8::1
E
}
networkd_both() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Network]
Address=192.0.2.10/24
Address=2001:db8::10/64
Gateway=192.0.2.1
Gateway=2001:db8::1
E
}
networkd_several() {
    unit 20-wired.network <<'E'
[Match]
Name=enp1s0

[Network]
Address=192.0.2.10/24
# for the mail
Address=192.0.2.11/24
Gateway=192.0.2.1

[Address]
Address=192.0.2.12/32
Label=enp1s0:1
E
}
networkd_two() {
    networkd_plain
    unit 30-other.network <<'E'
[Match]
Name=enp2s0

[Link]
MTUBytes=1400

[Network]
Address=198.51.100.10/24
E
}
networkd_vlan() {
    unit 10-nic.network <<<$'[Match]\nName=enp1s0\n\n[Network]\nVLAN=lan7'
    unit 10-lan7.netdev <<<$'[NetDev]\nName=lan7\nKind=vlan\n\n[VLAN]\nId=7'
    networkd_plain
    sed -i 's/enp1s0/lan7/' "$r/etc/systemd/network/20-wired.network"
}
networkd_bond() {
    unit 10-nics.network <<<$'[Match]\nName=enp1s0 enp2s0\n\n[Network]\nBond=bond0'
    unit 10-bond0.netdev <<<$'[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=active-backup'
    networkd_plain
    sed -i 's/enp1s0/bond0/' "$r/etc/systemd/network/20-wired.network"
}
networkd_bridge() {
    unit 10-nic.network <<<$'[Match]\nName=enp1s0\n\n[Network]\nBridge=br0'
    unit 10-br0.netdev <<<$'[NetDev]\nName=br0\nKind=bridge\n\n[Bridge]\nSTP=no'
    networkd_plain
    sed -i 's/enp1s0/br0/' "$r/etc/systemd/network/20-wired.network"
}
networkd_tower() {
    unit 10-nics.network <<<$'[Match]\nName=enp1s0 enp2s0\n\n[Network]\nBond=bond0'
    unit 10-bond0.netdev <<<$'[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=active-backup'
    unit 11-bond0.network <<<$'[Match]\nName=bond0\n\n[Network]\nVLAN=bond0.7\nLinkLocalAddressing=no'
    unit 11-vlan.netdev <<<$'[NetDev]\nName=bond0.7\nKind=vlan\n\n[VLAN]\nId=7'
    unit 12-vlan.network <<<$'[Match]\nName=bond0.7\n\n[Network]\nBridge=br0'
    unit 12-br0.netdev <<<$'[NetDev]\nName=br0\nKind=bridge'
    networkd_plain
    sed -i 's/enp1s0/br0/' "$r/etc/systemd/network/20-wired.network"
}
networkd_fixed() {
    networkd_bridge
    unit 10-br0.netdev <<<$'[NetDev]\nName=br0\nKind=bridge\nMACAddress=52:54:00:00:00:01\n\n[Bridge]\nSTP=no'
}
networkd_pattern() {
    unit 80-all.network <<<$'[Match]\nName=en*\n\n[Network]\nDHCP=yes\nLLMNR=no'
}
networkd_odd() {
    printf '; the office\n[Network]\nGateway = 192.0.2.1\n\n\nLLDP=yes\n# since 2019\nAddress = 192.0.2.10/24\n\n[Match]\nName = enp1s0' |
        unit 20-wired.network
}
