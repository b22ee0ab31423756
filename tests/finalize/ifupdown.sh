#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# interfaces(5) in the shapes in which administrators write it, for its four readers: ifupdown, ifupdown2, ifupdown-ng
# and busybox. Expected files stand here in full; where the readers are at hand, they judge the results.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022

r=$work/root
n=$r/etc/network
old=52:54:00:00:00:01 new=52:54:00:00:00:02
static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1"'
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"]'
match="\"match\": {\"mac\": \"$old\"}, \"mac\": \"$new\""
# tree: a system that ifupdown runs on, with standard input as the main file.
tree() {
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,var/lib}
    echo x >"$r/usr/lib/systemd/systemd"
    echo x >"$r/usr/sbin/ifup"
    ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/os-release" <<<"ID=debian"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    put "$n/interfaces"
}
# alpine: the same with OpenRC, and busybox or ifupdown-ng.
alpine() {
    tree
    rm -r "$r/usr/lib/systemd" "$r/etc/systemd" "$r/usr/sbin"
    mkdir -p "$r"/{sbin,bin,etc/runlevels/boot}
    echo x >"$r/bin/busybox"
    ln -s /bin/busybox "$r/sbin/ifup"
    ln -s /etc/init.d/networking "$r/etc/runlevels/boot/networking"
    put "$r/etc/os-release" <<<"ID=alpine"
}
ng() { mkdir -p "$r/usr/libexec/ifupdown-ng"; }
two() { mkdir -p "$r/usr/share/ifupdown2"; }
named() { echo "{\"match\": {\"name\": \"$1\"}, \"mac\": \"$new\", $2}"; }
# carried NAME PLAN: the plan is carried out, a second run changes nothing, an undo restores all; the result is there again.
carried() {
    local before
    before=$(snapshot "$r")
    plan_of "$2"
    check "$1" run
    check "$1: second run" again
    check "$1: undo" undone "$before"
    run
}
# refused NAME PLAN WORDS: it is not, nothing changes, and the reason has the words.
refused() {
    local before
    before=$(snapshot "$r")
    plan_of "$2"
    refute "$1: refused" run
    check "$1: nothing is changed" test "$(snapshot "$r")" = "$before"
    check "$1: why" grep -qF -- "$3" "$work/err"
}
warns() { jq -r '.notes[] | .level + ": " + .about + ": " + .text' "$work/report" | grep -qF -- "$1" || shows "$1" "$work/report.txt"; }
# sees WORDS... in what the judge said last; or not.
sees() { grep -qE -- "$1" "$work/judged" || shows "$1" "$work/judged"; }
misses() { ! grep -E -- "$1" "$work/judged"; }
judged=no
if judge_ready; then judged=yes; fi
# up NAME LINKS: ifup -a for real, in a namespace with these links.
up() {
    [ $judged = yes ] || { skip "$1: no judges here"; return 1; }
    judge_run "$2" "ifup -a 2>&1; in_state" >"$work/judged" 2>&1
}
# up_of PACKAGE NAME LINKS: that of ifupdown2 or ifupdown-ng.
up_of() {
    [ $judged = yes ] || { skip "$2: no judges here"; return 1; }
    judge_run "$3" "in_install $1; chmod -f 755 /usr/share/ifupdown2/__main__.py; mkdir -p /var/tmp/network; cd /
        ifup -a 2>&1; in_state" >"$work/judged" 2>&1
}

# ---- What is read ------------------------------------------------------------------------------
tree <<'EOF'
auto lo
iface lo inet loopback
source-directory interfaces.d
EOF
put "$n/interfaces.d/eth0" <<'EOF'
auto eth0
iface eth0 inet static
	address 192.0.2.10/24
	gateway 192.0.2.1
EOF
put "$n/interfaces.d/eth0.bak" <<<$'iface eth0 inet static\n    address 192.0.2.99/24'
carried "relative source-directory" "{$match, $static}"
check "relative source-directory: rewritten where it stood, indented as it was" is "$n/interfaces.d/eth0" <<'EOF'
auto eth0
iface eth0 inet static
	address 203.0.113.5/24
	gateway 203.0.113.1
EOF
check "relative source-directory: a name that is not read stays" has "$n/interfaces.d/eth0.bak" "    address 192.0.2.99/24"
if up "relative source-directory" "eth0:$new"; then
    check "relative source-directory: judged" sees '^eth0@p0 .*203\.0\.113\.5/24'
    check "relative source-directory: no old address" misses '192\.0\.2\.'
fi

tree <<'EOF'
source sub*/*.cfg
source /etc/network/a /etc/network/b.cfg
EOF
put "$n/sub1/x.cfg" <<<$'auto eth0\niface eth0 inet static\n    address 192.0.2.10/24'
put "$n/a" <<<$'iface eth0 inet static\n    address 192.0.2.11/24'
put "$n/b.cfg" <<<$'iface eth0 inet6 static\n    address 2001:db8::10/64\nsource c'
put "$n/c" <<<$'iface eth0 inet static\n    address 192.0.2.12/24'
carried "wildcards in folders, several paths" "{$match, $static}"
check "wildcards in folders, several paths: no old address is left" sh -c "! grep -rE '192\.0\.2|2001:db8::10' '$n'"
if up "wildcards in folders, several paths" "eth0:$new"; then
    check "wildcards in folders, several paths: judged" sees '^eth0@p0 +UP +203\.0\.113\.5/24 fe80'
fi
tree <<'EOF'
source /etc/network/a b
auto eth0
iface eth0 inet dhcp
EOF
put "$n/a" <<<"# nothing"
put "$n/b" <<<$'iface eth0 inet static\n    address 192.0.2.11/24'
carried "a second relative path, which ifupdown seeks in the root" "{$match, $static}"
check "a second relative path: that file is not read" has "$n/b" "    address 192.0.2.11/24"
# shellcheck disable=SC2016 # it is not for this shell
tree <<<'source $HOME/interfaces'
refused "a shell's expression as a path" "$(named eth0 "$static")" "/etc/network/interfaces, line 1: \$HOME/interfaces is a shell's expression"

tree <<'EOF'
auto eth0
# a comment \
iface eth0 inet \
    static
    address 192.0.2.10/24
    up echo a \
       b
    # resolvers
    dns-nameservers 192.0.2.53
EOF
carried "continued lines" "{$match, $static}"
check "continued lines: rewritten" is "$n/interfaces" <<'EOF'
auto eth0
# a comment \
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    up echo a \
       b
    dns-nameservers 192.0.2.53
    # resolvers
EOF
if up "continued lines" "eth0:$new"; then check "continued lines: judged" sees '^eth0@p0 .*203\.0\.113\.5/24'; fi

for bad in $'iface eth0 inet' $'iface eth0 inet static inherits nobody' $'mtu 1400' $'iface eth0 inet static\n    address'; do
    tree <<<"$bad"
    refused "a file that ifupdown gives up ($(head -n 1 <<<"$bad"))" "$(named eth0 "$static")" "/etc/network/interfaces, line"
    if up x "eth0:$new"; then check "and it does" sees "couldn't read interfaces file"; fi
done

# ---- Logical names -----------------------------------------------------------------------------
for m in "\"name\": \"eth0\"" "\"mac\": \"$old\""; do
    tree <<'EOF'
auto eth0=home
iface home inet static
    address 192.0.2.10/24
EOF
    carried "a logical name" "{\"match\": {$m}, \"mac\": \"$new\", $static}"
    check "a logical name: stays" is "$n/interfaces" <<'EOF'
auto eth0=home
iface home inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
EOF
    check "a logical name: the hardware's is another" has "$r/etc/systemd/network/00-bootferry-eth0.link" "Name=eth0"
done
if up "a logical name" "eth0:$new"; then check "a logical name: judged" sees '^eth0@p0 .*203\.0\.113\.5/24'; fi
tree <<'EOF'
auto eth0=lan eth1=lan
iface lan inet dhcp
EOF
refused "a logical name of two interfaces" "$(named eth0 "$static")" "line 1: eth1 gets the stanza lan, too"
tree <<'EOF'
auto eth0
mapping eth0
    script /bin/echo
    map HOME eth0-home
iface eth0-home inet static
    address 192.0.2.10/24
EOF
refused "a mapping" "$(named eth0 "$static")" "/etc/network/interfaces, line 2: a script decides there which stanza eth0 gets"
tree <<'EOF'
auto lo
iface lo inet loopback

auto /en*=lan
iface lan inet static
    address 192.0.2.10/24
    mtu 1400
EOF
carried "a pattern" "$(named ens3 "$static")"
check "a pattern: the interface goes before it, with the options" is "$n/interfaces" <<'EOF'
auto lo
iface lo inet loopback

auto ens3
iface ens3 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    mtu 1400
auto /en*=lan
iface lan inet static
    address 192.0.2.10/24
    mtu 1400
EOF
if up "a pattern" "ens3:$new,ens4:52:54:00:00:00:04"; then
    check "a pattern: judged" sees '^ens3@p0 +UP +203\.0\.113\.5/24 fe80'
    check "a pattern: another interface stays" sees '^ens4@p1 +UP +192\.0\.2\.10/24'
fi
tree <<EOF
auto mac/$old=lan
iface lan inet static
    address 192.0.2.10/24
EOF
carried "a pattern with the MAC address" "{$match, $static}"
check "a pattern with the MAC address: it follows" is "$n/interfaces" <<EOF
auto mac/$new=lan
iface lan inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
EOF
if up "a pattern with the MAC address" "ens3:$new"; then check "a pattern with the MAC address: judged" sees '^ens3@p0 .*203\.0\.113\.5/24'; fi
tree <<EOF
rename mac/$old=lan0
auto lan0
iface lan0 inet static
    address 192.0.2.10/24
iface eth7 inet dhcp
EOF
carried "renamed by the MAC address" "{$match, $static}"
check "renamed by the MAC address: it follows" is "$n/interfaces" <<EOF
rename mac/$new=lan0
auto lan0
iface lan0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
iface eth7 inet dhcp
EOF
if up "renamed by the MAC address" "lan0:$new"; then check "renamed by the MAC address: judged, named already" sees '^lan0@p0 .*203\.0\.113\.5/24'; fi
if up "renamed by the MAC address" "eth3:$new"; then check "renamed by the MAC address: judged, not yet" sees '^lan0@p0 .*203\.0\.113\.5/24'; fi

# ---- Aliases, several stanzas, inheritance ---------------------------------------------------------
tree <<'EOF'
auto eth0 eth0:1 eth1
auto eth0:2
iface eth0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
iface eth0:1 inet static
    address 192.0.2.11/24
    up echo one
iface eth0:2 inet static
    address 192.0.2.12/24
    gateway 192.0.2.2
iface eth1 inet dhcp
EOF
carried "aliases" "$(named eth0 "$static")"
check "aliases: they go with the old addresses" is "$n/interfaces" <<'EOF'
auto eth0 eth1
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    up echo one
iface eth1 inet dhcp
EOF
check "aliases: and are said" warns "info: /etc/network/interfaces: line 6: eth0:1 is an old address of eth0 and goes"
tree <<'EOF'
auto eth0:1 eth0
iface eth0:1 inet static
    address 192.0.2.11/24
iface eth0 inet static
    address 192.0.2.10/24
EOF
carried "an alias by the MAC address" "{$match, $static}"
check "an alias by the MAC address: one interface" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
EOF

tree <<'EOF'
iface ethernet inet static
    mtu 1400
    up echo all
    address 192.0.2.9/24

auto eth0
iface eth0 inet static inherits ethernet
    up echo mine
EOF
carried "inherited options" "{$match, $static}"
check "inherited options: move into the stanza" is "$n/interfaces" <<'EOF'
iface ethernet inet static
    mtu 1400
    up echo all
    address 192.0.2.9/24

auto eth0
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    up echo mine
    mtu 1400
    up echo all
EOF
tree <<'EOF'
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    mtu 1400
iface eth0 inet static
    address 192.0.2.11/24
    mtu 1500
iface eth0 inet6 static
    address 2001:db8::10/64
    hwaddress ether 52:54:00:00:00:01
    privext 2
    accept_ra 0
EOF
carried "several stanzas" "{$match, $both}"
check "several stanzas: each option once" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    mtu 1400
iface eth0 inet6 static
    address 2001:db8:5::5/64
    gateway 2001:db8:5::1
    privext 2
    accept_ra 0
EOF
check "several stanzas: what is left out is said" warns "warning: /etc/network/interfaces: line 7: mtu is left out, since line 4"
if up "several stanzas" "eth0:$new"; then
    check "several stanzas: judged" sees '^eth0@p0 +UP +203\.0\.113\.5/24 2001:db8:5::5/64'
    check "several stanzas: judged, MTU" sees '^mtu eth0 1400'
fi

# ---- DHCP ---------------------------------------------------------------------------------------
tree <<'EOF'
auto eth0
iface eth0 inet static
    address 192.0.2.10
    netmask 255.255.255.0
    gateway 192.0.2.1
    mtu 1400
    post-up ip route add 10.0.0.0/8 via 192.0.2.254 || true
iface eth0 inet6 auto
    privext 2
EOF
carried "to DHCP" "{$match, \"dhcp\": true}"
check "to DHCP: the MTU by a script, IPv6 stays" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet dhcp
    pre-up ip link set dev $IFACE mtu 1400
    post-up ip route add 10.0.0.0/8 via 192.0.2.254 || true
iface eth0 inet6 auto
    privext 2
EOF
check "to DHCP: the script is said with its line" warns "warning: /etc/network/interfaces: line 7: a script line of eth0"
if [ $judged = yes ]; then
    judge_ifup "" >"$work/judged"
    check "to DHCP: judged" sees '^CLIENT.*dhclient -4'
    check "to DHCP: judged, MTU" sees 'mtu 1400'
fi
tree <<'EOF'
auto eth0
iface eth0 inet dhcp
    hostname web
    metric 100
iface eth0 inet6 dhcp
EOF
carried "from DHCP" "{$match, $both, \"dns\": [\"203.0.113.53\"], \"search\": [\"example.net\"]}"
check "from DHCP: rewritten" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    dns-nameservers 203.0.113.53
    dns-search example.net
    metric 100
iface eth0 inet6 static
    address 2001:db8:5::5/64
    gateway 2001:db8:5::1
EOF
tree <<'EOF'
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    mtu 1400
EOF
carried "IPv6 only" "{$match, \"addresses\": [\"2001:db8:5::5/64\"], \"gateway\": \"fe80::1\"}"
check "IPv6 only: rewritten" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet6 static
    address 2001:db8:5::5/64
    gateway fe80::1
    pre-up ip link set dev $IFACE mtu 1400
EOF
if up "IPv6 only" "eth0:$new"; then
    check "IPv6 only: judged" sees '^eth0@p0 +UP +2001:db8:5::5/64'
    check "IPv6 only: judged, MTU" sees '^mtu eth0 1400'
fi

# ---- VLAN, bond, bridge --------------------------------------------------------------------------
for vlan in $'eth0.10\n    vlan_raw_device eth0' eth0.10 $'vlan10\n    vlan-raw-device eth0'; do
    v=${vlan%%$'\n'*}
    tree <<EOF
auto eth0
iface eth0 inet manual
auto $v
iface $v inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
$(sed 1d <<<"$vlan")
EOF
    carried "a VLAN ($v) by its NIC's MAC address" "{$match, $static}"
    check "a VLAN ($v): has the address" sh -c "grep -A2 'iface $v' '$n/interfaces' | grep -q 203.0.113.5"
    check "a VLAN ($v): the NIC stays" has "$n/interfaces" "iface eth0 inet manual"
    check "a VLAN ($v): no old address" lacks "$n/interfaces" 192.0.2
    check "a VLAN ($v): the hardware keeps its name" has "$r/etc/systemd/network/00-bootferry-eth0.link" Name=eth0
done
tree <<'EOF'
auto bond0
iface bond0 inet manual
    bond-slaves ens3 ens4
    bond-mode active-backup
auto vmbr0
iface vmbr0 inet static
    address 192.0.2.10/24
    gateway 192.0.2.1
    bridge-ports bond0.7
    bridge_hw 52:54:00:00:00:01
    bridge-vlan-aware yes
iface ens3 inet manual
iface ens4 inet manual
EOF
carried "a bridge on a VLAN on a bond" "{\"match\": {\"name\": \"vmbr0\", \"mac\": \"$old\"}, \"mac\": \"$new\", $static}"
check "a bridge on a VLAN on a bond: rewritten" is "$n/interfaces" <<'EOF'
auto bond0
iface bond0 inet manual
    bond-slaves ens3 ens4
    bond-mode active-backup
auto vmbr0
iface vmbr0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    bridge-ports bond0.7
    bridge_hw 52:54:00:00:00:02
    bridge-vlan-aware yes
iface ens3 inet manual
iface ens4 inet manual
EOF
# What a bridge has for a port is a VLAN by its name, though it has no stanza.
tree <<'EOF'
auto ens3
iface ens3 inet manual
    bond-master bond0
auto bond0
iface bond0 inet manual
    bond-slaves none
auto vmbr0
iface vmbr0 inet static
    address 192.0.2.10/24
    bridge-ports bond0.7
EOF
carried "a bridge on a VLAN without a stanza, by the NIC" "{\"match\": {\"name\": \"ens3\", \"mac\": \"$old\"}, \"mac\": \"$new\", $static}"
check "a bridge on a VLAN without a stanza: rewritten" is "$n/interfaces" <<'EOF'
auto ens3
iface ens3 inet manual
    bond-master bond0
auto bond0
iface bond0 inet manual
    bond-slaves none
auto vmbr0
iface vmbr0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
    bridge-ports bond0.7
EOF
tree <<'EOF'
auto ens3 bond0
iface ens3 inet manual
    bond-master bond0
iface ens4 inet manual
    bond_master bond0
iface bond0 inet dhcp
    slaves none
EOF
carried "a bond that its ports name" "{\"match\": {\"name\": \"ens3\"}, $static}"
check "a bond that its ports name: has the address" has "$n/interfaces" "iface bond0 inet static"
tree <<'EOF'
auto br0
iface br0 inet static
    bridge_ports all
    address 192.0.2.10/24
EOF
refused "a bridge of all ports" "$(named eth0 "$static")" "/etc/network/interfaces, line 3: the ports of br0 are not listed by name"

# ---- A gateway outside the network ---------------------------------------------------------------
alone='"addresses": ["203.0.113.5/32", "2001:db8:5::5/128"], "gateway": ["198.51.100.1", "2001:db8:1::1"]'
eth0() { printf 'auto eth0\niface eth0 inet static\n    address 192.0.2.10/24\n    gateway 192.0.2.1\n'; }
eth0 | tree
carried "/32" "{$match, $alone}"
check "/32: ifupdown puts the gateway on the link by itself" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/32
    gateway 198.51.100.1
iface eth0 inet6 static
    address 2001:db8:5::5/128
    gateway 2001:db8:1::1
EOF
# routed NAME: the judge has both addresses and default routes.
routed() {
    check "$1: judged, addresses" sees '^eth0@p0 +UP +203\.0\.113\.5[ /].*2001:db8:5::5/128'
    check "$1: judged, route" sees '^default via 198\.51\.100\.1 dev eth0'
    check "$1: judged, route of IPv6" sees '^default via 2001:db8:1::1 dev eth0'
}
if up "/32" "eth0:$new"; then routed "/32"; fi
eth0 | tree
two
carried "/32 with ifupdown2" "{$match, $alone}"
if up_of ifupdown2 "/32 with ifupdown2" "eth0:$new"; then routed "/32 with ifupdown2"; fi
eth0 | tree
ng
carried "/32 with ifupdown-ng" "{$match, $alone}"
# shellcheck disable=SC2016 # it is for the script
check "/32 with ifupdown-ng: as the other end, and as a route" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/32
    pointopoint 198.51.100.1
    gateway 198.51.100.1
iface eth0 inet6 static
    address 2001:db8:5::5/128
    up ip -6 route add default via 2001:db8:1::1 dev $IFACE onlink
EOF
if up_of ifupdown-ng "/32 with ifupdown-ng" "eth0:$new"; then routed "/32 with ifupdown-ng"; fi
plan_of "{$match, $static}"
check "and to another home" run
check "and to another home: nothing is left of it" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet static
    address 203.0.113.5/24
    gateway 203.0.113.1
EOF

# ---- ifupdown2 ------------------------------------------------------------------------------------
tree <<'EOF'
auto eth0
iface eth0
    address 192.0.2.10/24
    address 192.0.2.11/24
    address 2001:db8::10/64
    gateway 192.0.2.1
    mtu 1400
iface eth0:1 inet static
    address 192.0.2.12/24
EOF
two
carried "ifupdown2: addresses without a family" "{$match, $both}"
check "ifupdown2: one stanza stays one" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0
    address 203.0.113.5/24
    address 2001:db8:5::5/64
    gateway 203.0.113.1
    gateway 2001:db8:5::1
    mtu 1400
EOF
if up_of ifupdown2 "ifupdown2" "eth0:$new"; then
    check "ifupdown2: judged" sees '^eth0@p0 +UP +203\.0\.113\.5/24 2001:db8:5::5/64'
    check "ifupdown2: judged, route" sees '^default via 203\.0\.113\.1 dev eth0'
    check "ifupdown2: no old address" misses '192\.0\.2\.'
fi
plan_of "{\"match\": {\"name\": \"eth0\"}, \"dhcp\": true}"
check "ifupdown2: to DHCP" run
check "ifupdown2: to DHCP, the MTU stays, which it sets" is "$n/interfaces" <<'EOF'
auto eth0
iface eth0 inet dhcp
    mtu 1400
EOF
tree <<'EOF'
source /etc/network/interfaces.d/*
source-directory /etc/network/more
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
EOF
two
put "$n/interfaces.d/x" <<<$'iface eth0 inet static\n    address 192.0.2.11/24'
put "$n/more/x" <<<$'iface eth0 inet static\n    address 192.0.2.12/24'
carried "ifupdown2: source" "{$match, $static}"
check "ifupdown2: source is read" lacks "$n/interfaces.d/x" 192.0.2.11
check "ifupdown2: source-directory is not" has "$n/more/x" "    address 192.0.2.12/24"
tree <<'EOF'
auto swp[1-4]
iface swp[1-4]
    address 192.0.2.10/24
EOF
two
refused "ifupdown2: a range" "$(named swp2 "$static")" "the range swp[1-4] may mean swp2"

# ---- Alpine ----------------------------------------------------------------------------------------
alpine <<'EOF'
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
	address 192.0.2.10
	netmask 255.255.255.0
	gateway 192.0.2.1
	mtu 1400
EOF
carried "busybox" "{$match, $both}"
check "busybox: with a netmask" is "$n/interfaces" <<'EOF'
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
	address 203.0.113.5
	netmask 255.255.255.0
	gateway 203.0.113.1
	mtu 1400
iface eth0 inet6 static
	address 2001:db8:5::5
	netmask 64
	gateway 2001:db8:5::1
EOF
rm "$r/etc/runlevels/boot/networking"
refused "busybox: networking is in no runlevel" "{$match, $both}" "in use"
alpine <<<$'auto eth0\niface eth0 inet static inherits x\n    address 192.0.2.1/24'
refused "busybox: what it gives up" "$(named eth0 "$static")" "/etc/network/interfaces, line 2: it has more than a name, a family and a method"
alpine <<<$'auto eth0\niface eth0 inet dhcp\nsource /etc/network/missing'
refused "busybox: a missing file" "$(named eth0 "$static")" "/etc/network/interfaces, line 3: /etc/network/missing cannot be read"

alpine <<'EOF'
auto lo

auto eth0
iface eth0 # the office
    use dhcp
    requires eth1
    mtu 1400
auto eth1
iface eth1
    address 198.51.100.9/24
EOF
ng
carried "ifupdown-ng: without a family" "$(named eth0 "$both")"
check "ifupdown-ng: stays so" is "$n/interfaces" <<'EOF'
auto lo

auto eth0
iface eth0
    address 203.0.113.5/24
    address 2001:db8:5::5/64
    gateway 203.0.113.1
    gateway 2001:db8:5::1
    requires eth1
    mtu 1400
auto eth1
iface eth1
    address 198.51.100.9/24
EOF
if up_of ifupdown-ng "ifupdown-ng" "eth0:$new,eth1:52:54:00:00:00:04"; then
    check "ifupdown-ng: judged" sees '^eth0@p0 +UP +203\.0\.113\.5/24 2001:db8:5::5/64'
    check "ifupdown-ng: judged, MTU" sees '^mtu eth0 1400'
    check "ifupdown-ng: judged, the other" sees '^eth1@p1 +UP +198\.51\.100\.9/24'
fi
plan_of "$(named eth0 '"dhcp": true')"
check "ifupdown-ng: to DHCP" run
check "ifupdown-ng: to DHCP, rewritten" has "$n/interfaces" "    use dhcp"
alpine <<'EOF'
template office
    address 192.0.2.9/24
    mtu 1400
auto eth0
    inherit office
    address 192.0.2.10/24
EOF
ng
carried "ifupdown-ng: a template, and options after auto" "{$match, $static}"
check "ifupdown-ng: a template, and options after auto: rewritten" is "$n/interfaces" <<'EOF'
template office
    address 192.0.2.9/24
    mtu 1400
auto eth0
iface eth0
    address 203.0.113.5/24
    gateway 203.0.113.1
    mtu 1400
EOF
if up_of ifupdown-ng "ifupdown-ng: a template" "eth0:$new"; then
    check "ifupdown-ng: a template: judged" sees '^eth0@p0 +UP +203\.0\.113\.5/24 fe80'
fi
alpine <<<$'auto eth0\niface eth0\n    use dhcp\nsource /etc/network/interfaces.d/*'
ng
refused "ifupdown-ng: wildcards, at which it gives up" "$(named eth0 "$static")" "/etc/network/interfaces, line 4: /etc/network/interfaces.d/* cannot be read"
if up_of ifupdown-ng x "eth0:$new"; then check "and it does" sees "could not parse"; fi

# ---- Name servers ------------------------------------------------------------------------------------
dns='"dns": ["203.0.113.53", "203.0.113.54"], "search": ["example.net", "example.com"]'
named_tree() {
    tree <<'EOF'
auto lo
iface lo inet loopback
    dns-nameservers 192.0.2.53
auto eth0
iface eth0 inet static
    address 192.0.2.10/24
    dns-nameservers 192.0.2.53
EOF
}
named_tree
put "$r/etc/resolv.conf" <<'EOF'
# by hand
domain example.org
nameserver 192.0.2.53
options rotate
EOF
put "$r/etc/resolvconf/resolv.conf.d/head" <<<$'# nothing\nnameserver 192.0.2.53'
put "$r/etc/resolvconf.conf" <<<'name_servers="192.0.2.53"'
carried "name servers" "{$match, $static, $dns}"
check "name servers: resolv.conf" is "$r/etc/resolv.conf" <<'EOF'
# by hand
nameserver 203.0.113.53
nameserver 203.0.113.54
search example.net example.com
options rotate
EOF
check "name servers: the loopback's, which cloud-init writes, go" lacks "$n/interfaces" 192.0.2.53
check "name servers: the interface has them" has "$n/interfaces" "    dns-nameservers 203.0.113.53 203.0.113.54"
check "name servers: resolvconf's own are said" warns "warning: /etc/resolvconf/resolv.conf.d/head: line 2 names a DNS server"
check "name servers: openresolv's own are said" warns "warning: /etc/resolvconf.conf: line 1 names a DNS server"
named_tree
put "$r/etc/resolv.conf" <<<$'nameserver 192.0.2.53\nsearch example.org'
carried "search domains alone" "{$match, $static, \"search\": [\"example.net\"]}"
check "search domains alone: the servers stay" is "$r/etc/resolv.conf" <<<$'nameserver 192.0.2.53\nsearch example.net'
named_tree
ln -s resolv.conf.static "$r/etc/resolv.conf"
put "$r/etc/resolv.conf.static" <<<"nameserver 192.0.2.53"
carried "resolv.conf, a link to a file that lasts" "{$match, $static, $dns}"
check "resolv.conf, a link to a file that lasts: that is rewritten" has "$r/etc/resolv.conf.static" "nameserver 203.0.113.53"
check "and stays a link" test -L "$r/etc/resolv.conf"
named_tree
ln -s ../run/resolvconf/resolv.conf "$r/etc/resolv.conf"
carried "resolv.conf, a link that nothing serves" "{$match, $static, $dns}"
check "resolv.conf, a link that nothing serves: is said" warns "warning: /etc/resolv.conf: is a link to ../run/resolvconf/resolv.conf, and what makes that"
named_tree
ln -s ../run/systemd/resolve/stub-resolv.conf "$r/etc/resolv.conf"
ln -s /lib/systemd/system/systemd-resolved.service "$r/etc/systemd/system/multi-user.target.wants/"
carried "systemd-resolved without a hook" "{$match, $static, $dns}"
check "systemd-resolved without a hook: is told" is "$r/etc/systemd/resolved.conf.d/bootferry.conf" <<'EOF'
# Written by bootferry-finalize: nothing else tells systemd-resolved.
[Resolve]
DNS=203.0.113.53 203.0.113.54
Domains=example.net example.com
EOF
put "$n/if-up.d/resolved" <<<"#!/bin/sh"
check "systemd-resolved with one" run
check "systemd-resolved with one: needs no file" test ! -e "$r/etc/systemd/resolved.conf.d/bootferry.conf"
finish
