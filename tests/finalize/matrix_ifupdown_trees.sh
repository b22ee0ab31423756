# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The shapes as interfaces(5) has them. Sourced by matrix.sh.
# shellcheck disable=SC2034,SC2154 # matrix.sh has the variables and uses these

ifupdown_files=etc/network
ifupdown_begin() {
    bare "$r"
    echo x >"$r/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    cards
}
# stanzas: standard input comes after the loopback.
stanzas() { { printf '# The loopback\nauto lo\niface lo inet loopback\n\n' && cat; } | put "$r/etc/network/interfaces"; }
# addressed NAME: the lines of a static stanza.
addressed() { printf 'auto %s\niface %s inet static\n    address 192.0.2.10/24\n    gateway 192.0.2.1\n' "$1" "$1"; }
ifupdown_plain() { addressed enp1s0 | stanzas; }
ifupdown_dhcp() { stanzas <<<$'allow-hotplug enp1s0\niface enp1s0 inet dhcp'; }
ifupdown_routes() {
    stanzas <<'E'
auto enp1s0
iface enp1s0 inet static
    address 192.0.2.10
    netmask 255.255.255.0
    gateway 192.0.2.1
    mtu 1400
    up ip route add 10.0.0.0/8 via 192.0.2.254
    post-up echo up
E
}
ifupdown_six() {
    stanzas <<'E'
auto enp1s0
iface enp1s0 inet6 static
    address 2001:db8::10/64
    gateway 2001:db8::1
E
}
ifupdown_both() {
    { addressed enp1s0 && printf '\niface enp1s0 inet6 static\n    address 2001:db8::10/64\n    gateway 2001:db8::1\n'; } | stanzas
}
ifupdown_several() {
    {
        addressed enp1s0
        printf '\n# for the mail\niface enp1s0 inet static\n    address 192.0.2.11/24\n'
        printf '\nauto enp1s0:1\niface enp1s0:1 inet static\n    address 192.0.2.12/32\n'
    } | stanzas
}
ifupdown_two() {
    { addressed enp1s0 && printf '\nauto enp2s0\niface enp2s0 inet static\n    address 198.51.100.10/24\n    mtu 1400\n'; } | stanzas
}
ifupdown_vlan() {
    {
        printf 'auto enp1s0\niface enp1s0 inet manual\n\n'
        addressed enp1s0.7
        printf '    vlan-raw-device enp1s0\n'
    } | stanzas
}
ifupdown_bond() {
    {
        addressed bond0
        printf '    bond-slaves enp1s0 enp2s0\n    bond-mode active-backup\n    bond-miimon 100\n'
    } | stanzas
}
ifupdown_bridge() { { addressed br0 && printf '    bridge_ports enp1s0\n    bridge_stp off\n'; } | stanzas; }
ifupdown_tower() {
    {
        printf 'auto bond0\niface bond0 inet manual\n    bond-slaves enp1s0 enp2s0\n    bond-mode 1\n\n'
        printf 'auto bond0.7\niface bond0.7 inet manual\n    vlan-raw-device bond0\n\n'
        addressed br0
        printf '    bridge_ports bond0.7\n    mtu 1400\n'
    } | stanzas
}
ifupdown_fixed() {
    { addressed br0 && printf '    bridge_ports enp1s0\n    hwaddress ether 52:54:00:00:00:01\n'; } | stanzas
}
ifupdown_odd() {
    printf '%s\n' '# the office' '' 'iface enp1s0 inet static' '' '	gateway 192.0.2.1' \
        '  address   192.0.2.10/24' '	pre-up echo a' '' 'auto enp1s0' '' '# the end' 'iface lo inet loopback' |
        put "$r/etc/network/interfaces"
    printf 'auto lo' >>"$r/etc/network/interfaces"
}
