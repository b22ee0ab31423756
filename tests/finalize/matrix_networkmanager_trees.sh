# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The shapes as NetworkManager's keyfiles have them. Sourced by matrix.sh.
# shellcheck disable=SC2034,SC2154 # matrix.sh has the variables and uses these

networkmanager_files=etc/NetworkManager/system-connections
networkmanager_begin() {
    bare "$r"
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/NetworkManager/NetworkManager.conf" <<<$'[main]\nplugins=keyfile'
    cards
}
# profile NUMBER TYPE DEVICE [MASTER TYPE]: standard input comes after its group [connection].
profile() {
    local file=$r/etc/NetworkManager/system-connections/$3.nmconnection
    {
        printf '[connection]\nid=%s\nuuid=00000000-0000-0000-0000-00000000000%s\ntype=%s\ninterface-name=%s\n' "$3" "$1" "$2" "$3"
        [ -z "${4:-}" ] || printf 'master=%s\nslave-type=%s\n' "$4" "$5"
        echo
        cat
    } | put "$file"
    chmod 600 "$file"
}
four=$'[ipv4]\nmethod=manual\naddress1=192.0.2.10/24,192.0.2.1\n\n[ipv6]\nmethod=disabled'
unused=$'[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=disabled'
networkmanager_plain() { profile 1 ethernet enp1s0 <<<"$four"; }
networkmanager_dhcp() { profile 1 ethernet enp1s0 <<<$'[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto'; }
networkmanager_routes() {
    profile 1 ethernet enp1s0 <<'E'
[ethernet]
mtu=1400
wake-on-lan=64

[ipv4]
method=manual
address1=192.0.2.10/24,192.0.2.1
route1=10.0.0.0/8,192.0.2.254

[ipv6]
method=disabled

[proxy]
E
}
networkmanager_six() {
    profile 1 ethernet enp1s0 <<<$'[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=manual\naddress1=2001:db8::10/64,2001:db8::1'
}
networkmanager_both() {
    profile 1 ethernet enp1s0 <<<"${four%method=disabled}"$'method=manual\naddress1=2001:db8::10/64\ngateway=2001:db8::1'
}
networkmanager_several() {
    profile 1 ethernet enp1s0 <<'E'
[ipv4]
method=manual
address1=192.0.2.10/24
# for the mail
address2=192.0.2.11/24
address7=192.0.2.12/32
gateway=192.0.2.1

[ipv6]
method=disabled
E
}
networkmanager_two() {
    networkmanager_plain
    profile 2 ethernet enp2s0 <<<$'[ethernet]\nmtu=1400\n\n[ipv4]\nmethod=manual\naddress1=198.51.100.10/24\n\n[ipv6]\nmethod=disabled'
}
networkmanager_vlan() {
    profile 1 ethernet enp1s0 <<<"$unused"
    profile 2 vlan lan7 <<<$'[vlan]\nid=7\nparent=enp1s0\nflags=1\n\n'"$four"
}
# ports MASTER TYPE: both cards are in it.
ports() {
    profile 1 ethernet enp1s0 "$1" "$2" </dev/null
    profile 2 ethernet enp2s0 "$1" "$2" </dev/null
}
networkmanager_bond() {
    ports bond0 bond
    profile 3 bond bond0 <<<$'[bond]\nmode=active-backup\nmiimon=100\n\n'"$four"
}
networkmanager_bridge() {
    profile 1 ethernet enp1s0 br0 bridge </dev/null
    profile 2 bridge br0 <<<$'[bridge]\nstp=false\n\n'"$four"
}
networkmanager_tower() {
    ports bond0 bond
    profile 3 bond bond0 <<<$'[bond]\nmode=active-backup\n\n'"$unused"
    profile 4 vlan bond0.7 br0 bridge <<<$'[vlan]\nid=7\nparent=bond0'
    profile 5 bridge br0 <<<"$four"
}
networkmanager_fixed() {
    profile 1 ethernet enp1s0 br0 bridge </dev/null
    profile 2 bridge br0 <<<$'[bridge]\nstp=false\nmac-address=52:54:00:00:00:01\n\n'"$four"
}
networkmanager_pattern() {
    profile 1 ethernet any <<<$'[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto'
    sed -i '/^interface-name/d' "$r/etc/NetworkManager/system-connections/any.nmconnection"
}
networkmanager_odd() {
    mkdir -p "$r/etc/NetworkManager/system-connections"
    printf '%s\n' '# the office' '' '[ipv6]' 'method=disabled' '' '[ipv4]' '' '# since 2019' 'address1 = 192.0.2.10/24,192.0.2.1' \
        'may-fail=false' 'method = manual' '' '[connection]' 'type=802-3-ethernet' 'uuid=00000000-0000-0000-0000-000000000001' \
        'id=office' >"$r/etc/NetworkManager/system-connections/office"
    printf 'interface-name=enp1s0' >>"$r/etc/NetworkManager/system-connections/office"
    chmod 600 "$r/etc/NetworkManager/system-connections/office"
}
