# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The shapes as SUSE's ifcfg files, netifrc, netctl and dhcpcd have them, where they have them. Sourced by matrix.sh.
# shellcheck disable=SC2034,SC2154 # matrix.sh has the variables and uses these

# ---- SUSE's ifcfg files, read by wicked ----------------------------------------------------------
suse_files=etc/sysconfig/network
suse_begin() {
    bare "$r"
    ln -s /usr/lib/systemd/system/wicked.service "$r/etc/systemd/system/network.service"
    ln -s /usr/lib/systemd/system/wicked.service "$r/etc/systemd/system/multi-user.target.wants/wicked.service"
    ln -s /run/netconfig/resolv.conf "$r/etc/resolv.conf"
    put "$r/etc/os-release" <<<$'ID=sles\nVERSION_ID="15.5"\nID_LIKE=suse'
    put "$r/etc/sysconfig/network/config" <<<$'# name servers\nNETCONFIG_DNS_POLICY="auto"\nNETCONFIG_DNS_STATIC_SERVERS="192.0.2.53"'
    rules
}
# ifcfg NAME LINE...: a file for the interface, brought up at boot.
ifcfg() { printf '%s\n' "STARTMODE='auto'" "${@:2}" | put "$r/etc/sysconfig/network/ifcfg-$1"; }
suse_routes_of() { put "$r/etc/sysconfig/network/routes" <<<"default 192.0.2.1 - $1"; }
# static_ifcfg NAME LINE...: with the address, and its default route.
static_ifcfg() { ifcfg "$1" "BOOTPROTO='static'" "IPADDR='192.0.2.10/24'" "${@:2}" && suse_routes_of "$1"; }
suse_plain() { static_ifcfg enp1s0 "NAME='82540EM Gigabit'"; }
suse_dhcp() { ifcfg enp1s0 "BOOTPROTO='dhcp'" "ZONE=public"; }
suse_routes() {
    static_ifcfg enp1s0 "MTU='1400'" "ETHTOOL_OPTIONS='wol g'"
    put "$r/etc/sysconfig/network/ifroute-enp1s0" <<<"10.0.0.0/8 192.0.2.254 - -"
}
suse_six() { ifcfg enp1s0 "BOOTPROTO='static'" "IPADDR='2001:db8::10/64'" && suse_routes_of enp1s0 && sed -i 's/192.0.2.1/2001:db8::1/' "$r/etc/sysconfig/network/routes"; }
suse_both() {
    static_ifcfg enp1s0 "IPADDR_6='2001:db8::10/64'"
    echo 'default 2001:db8::1 - enp1s0' >>"$r/etc/sysconfig/network/routes"
}
suse_several() { static_ifcfg enp1s0 "IPADDR_1='192.0.2.11/24'" "# for the mail" "IPADDR_mail='192.0.2.12'" "PREFIXLEN_mail='32'"; }
suse_two() { static_ifcfg enp1s0 && ifcfg enp2s0 "BOOTPROTO='static'" "IPADDR='198.51.100.10/24'" "MTU='1400'"; }
suse_vlan() { ifcfg enp1s0 "BOOTPROTO='none'" && static_ifcfg lan7 "ETHERDEVICE='enp1s0'" "VLAN_ID='7'"; }
suse_bond_lines=("BONDING_MASTER='yes'" "BONDING_SLAVE_0='enp1s0'" "BONDING_SLAVE_1='enp2s0'" "BONDING_MODULE_OPTS='mode=1 miimon=100'")
suse_ports() { ifcfg enp1s0 "BOOTPROTO='none'" && ifcfg enp2s0 "BOOTPROTO='none'"; }
suse_bond() { suse_ports && static_ifcfg bond0 "${suse_bond_lines[@]}"; }
suse_bridge() { ifcfg enp1s0 "BOOTPROTO='none'" && static_ifcfg br0 "BRIDGE='yes'" "BRIDGE_STP='off'" "BRIDGE_PORTS='enp1s0'"; }
suse_tower() {
    suse_ports
    ifcfg bond0 "BOOTPROTO='none'" "${suse_bond_lines[@]}"
    ifcfg bond0.7 "BOOTPROTO='none'" "ETHERDEVICE='bond0'"
    static_ifcfg br0 "BRIDGE='yes'" "BRIDGE_PORTS='bond0.7'" "MTU='1400'"
}
suse_fixed() { suse_bridge && echo "LLADDR='52:54:00:00:00:01'" >>"$r/etc/sysconfig/network/ifcfg-br0"; }
suse_odd() {
    printf '%s\n' '# the office' '' "NETMASK='255.255.255.0'" '' 'IPADDR=192.0.2.10  # since 2019' 'ZONE=public' '' '# up at boot' \
        'BOOTPROTO="static"' >"$r/etc/sysconfig/network/ifcfg-enp1s0"
    printf 'STARTMODE=auto' >>"$r/etc/sysconfig/network/ifcfg-enp1s0"
    suse_routes_of -
}

# ---- netifrc -------------------------------------------------------------------------------------
netifrc_files=etc/conf.d/net
netifrc_begin() {
    bare "$r"
    rm -r "$r/usr/lib/systemd" "$r/etc/systemd"
    mkdir -p "$r"/etc/{runlevels/default,init.d}
    put "$r/etc/os-release" <<<ID=gentoo
    rules
    ln -s /etc/init.d/net.lo "$r/etc/init.d/net.enp1s0"
    ln -s /etc/init.d/net.enp1s0 "$r/etc/runlevels/default/net.enp1s0"
}
# conf_d LINE...: the file.
conf_d() { printf '%s\n' "$@" | put "$r/etc/conf.d/net"; }
netifrc_plain() { conf_d 'config_enp1s0="192.0.2.10/24"' 'routes_enp1s0="default via 192.0.2.1"'; }
netifrc_dhcp() { conf_d '# as the server says' 'config_enp1s0="dhcp"'; }
netifrc_routes() { conf_d 'config_enp1s0="192.0.2.10/24"' 'mtu_enp1s0="1400"' $'routes_enp1s0="default via 192.0.2.1\n10.0.0.0/8 via 192.0.2.254"'; }
netifrc_six() { conf_d 'config_enp1s0="2001:db8::10/64"' 'routes_enp1s0="default via 2001:db8::1"'; }
netifrc_both() { conf_d $'config_enp1s0="192.0.2.10/24\n2001:db8::10/64"' $'routes_enp1s0="default via 192.0.2.1\ndefault via 2001:db8::1"'; }
netifrc_several() { conf_d $'config_enp1s0="192.0.2.10/24\n192.0.2.11/24\n192.0.2.12/32"' 'routes_enp1s0="default via 192.0.2.1"'; }
netifrc_two() {
    netifrc_plain
    printf '%s\n' '# the other one' 'config_enp2s0="198.51.100.10/24"' 'mtu_enp2s0="1400"' >>"$r/etc/conf.d/net"
}
netifrc_vlan() { conf_d 'config_enp1s0="null"' 'vlans_enp1s0="7"' 'config_enp1s0_7="192.0.2.10/24"'; }
netifrc_odd() {
    conf_d '# the office' '' "routes_enp1s0=( 'default via 192.0.2.1' )" '' '# since 2019' 'modules="iproute2"' ''
    printf "config_enp1s0=( '192.0.2.10 netmask 255.255.255.0' )" >>"$r/etc/conf.d/net"
}

# ---- netctl --------------------------------------------------------------------------------------
netctl_files=etc/netctl
netctl_begin() {
    bare "$r"
    ln -s /usr/lib/systemd/system/netctl@.service "$r/etc/systemd/system/multi-user.target.wants/netctl@office.service"
    put "$r/etc/os-release" <<<ID=arch
    cards
}
# office LINE...: the enabled profile.
office() { printf '%s\n' "Interface=enp1s0" "Connection=ethernet" "$@" | put "$r/etc/netctl/office"; }
netctl_plain() { office IP=static "Address=('192.0.2.10/24')" "Gateway='192.0.2.1'" "DNS=('192.0.2.53')"; }
netctl_dhcp() { office IP=dhcp SkipNoCarrier=yes; }
netctl_routes() { office IP=static "Address=('192.0.2.10/24')" "Gateway='192.0.2.1'" "Routes=('10.0.0.0/8 via 192.0.2.254')"; }
netctl_six() { office IP6=static "Address6=('2001:db8::10/64')" "Gateway6='2001:db8::1'"; }
netctl_both() { office IP=static "Address=('192.0.2.10/24')" "Gateway='192.0.2.1'" IP6=static "Address6=('2001:db8::10/64')" "Gateway6='2001:db8::1'"; }
netctl_several() { office IP=static "Address=('192.0.2.10/24' '192.0.2.11/24' '192.0.2.12/32')" "Gateway='192.0.2.1'"; }
netctl_two() {
    netctl_plain
    ln -s /usr/lib/systemd/system/netctl@.service "$r/etc/systemd/system/multi-user.target.wants/netctl@other.service"
    put "$r/etc/netctl/other" <<<$'Interface=enp2s0\nConnection=ethernet\nIP=static\nAddress=(\'198.51.100.10/24\')'
}
netctl_bridge() { office IP=static "Address=('192.0.2.10/24')" "BindsToInterfaces=(enp1s0)" && sed -i 's/=enp1s0/=br0/; s/=ethernet/=bridge/' "$r/etc/netctl/office"; }
netctl_odd() {
    mkdir "$r/etc/netctl"
    printf '%s\n' '# the office' '' 'Gateway=192.0.2.1' "Description='the office'" '' '# since 2019' 'Address="192.0.2.10/24"' \
        'Interface="enp1s0"' 'IP="static"' 'SkipNoCarrier=yes' '' >"$r/etc/netctl/office"
    printf 'Connection=ethernet' >>"$r/etc/netctl/office"
}

# ---- dhcpcd --------------------------------------------------------------------------------------
dhcpcd_files=etc/dhcpcd.conf
dhcpcd_begin() {
    bare "$r"
    ln -s /usr/lib/systemd/system/dhcpcd.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/os-release" <<<ID=raspbian
    cards
}
# block LINE...: the file, with a block for the card.
block() { printf '%s\n' hostname duid '' 'interface enp1s0' "$@" | put "$r/etc/dhcpcd.conf"; }
dhcpcd_plain() { block 'static ip_address=192.0.2.10/24' 'static routers=192.0.2.1' 'static domain_name_servers=192.0.2.53'; }
dhcpcd_dhcp() { block 'metric 100'; }
dhcpcd_both() { block 'static ip_address=192.0.2.10/24' 'static routers=192.0.2.1' 'static ip6_address=2001:db8::10/64'; }
dhcpcd_two() { dhcpcd_plain && printf '%s\n' '' 'interface enp2s0' 'metric 200' 'static ip_address=198.51.100.10/24' >>"$r/etc/dhcpcd.conf"; }
dhcpcd_odd() {
    printf '%s\n' '# the office' 'interface enp1s0' '' '   static routers=192.0.2.1' '# since 2019' 'metric 100' '' 'duid' >"$r/etc/dhcpcd.conf"
    printf 'static   ip_address=192.0.2.10/24' >>"$r/etc/dhcpcd.conf"
}
