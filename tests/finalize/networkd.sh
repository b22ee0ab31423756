#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# systemd-networkd: trees in the shapes in which administrators and distributions write its files, the expected files in
# full, and the real daemon as the judge of each.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022

networkd "$r"
put "$r/etc/systemd/network/20-wired.network" <<'EOF'
# the office
[Match]
Name=enp1s0
Driver=e1000e

[Link]
MTUBytes=1400

[Network]
DHCP=no
Address=192.0.2.10/24
Gateway=192.0.2.1
DNS=192.0.2.53
VLAN=vlan7
Domains=example.org

[Address]
Address=192.0.2.11/24

[Route]
Gateway=192.0.2.254
Destination=10.0.0.0/8

[Route]
Gateway=192.0.2.2
EOF
put "$r/etc/systemd/network/20-wired.network.d/more.conf" <<'EOF'
[Network]
Address=192.0.2.12/24
LLDP=yes
EOF
put "$r/etc/systemd/network/30-vlan7.netdev" <<'EOF'
[NetDev]
Name=vlan7
Kind=vlan
EOF
before=$(snapshot "$r")
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "networkd: the one interface is found for a MAC address that no file names" run
check "networkd: rewritten in place" is "$r/etc/systemd/network/20-wired.network" <<'EOF'
# the office
[Match]
Name=enp1s0

[Link]
MTUBytes=1400

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
VLAN=vlan7
Domains=example.org

[Route]
Gateway=192.0.2.254
Destination=10.0.0.0/8

EOF
check "networkd: a drop-in loses its address and keeps the rest" is "$r/etc/systemd/network/20-wired.network.d/more.conf" <<'EOF'
[Network]
LLDP=yes
EOF
check "networkd: the name is pinned" has "$r/etc/systemd/network/00-bootferry-enp1s0.link" Name=enp1s0
check "networkd: resolv.conf, a link, stays one" test -L "$r/etc/resolv.conf"
check "networkd: second run" again
check "networkd: undo" undone "$before"

networkd "$r"
put "$r/etc/systemd/network/80-all.network" <<'EOF'
[Match]
Name=en* eth*

[Network]
DHCP=yes
LLMNR=no
EOF
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "networkd: a pattern" run
check "networkd: the pattern's file stays" has "$r/etc/systemd/network/80-all.network" DHCP=yes
check "networkd: a copy for the interface goes before it" is "$r/etc/systemd/network/05-bootferry-ens3.network" <<'EOF'
[Match]
Name=ens3

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
LLMNR=no
EOF
check "networkd: a pattern, second run" again

networkd "$r"
put "$r/etc/systemd/network/10-a.network" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:01

[Network]
DHCP=yes
EOF
put "$r/etc/systemd/network/10-b.network" <<'EOF'
[Match]
MACAddress=52:54:00:00:00:09

[Network]
DHCP=yes
EOF
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "networkd: matched by MAC address" run
check "networkd: matches the new MAC address" has "$r/etc/systemd/network/10-a.network" "MACAddress=52:54:00:00:00:02"
check "networkd: the other interface stays" has "$r/etc/systemd/network/10-b.network" "MACAddress=52:54:00:00:00:09"
check "networkd: matched by MAC address, second run" again
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:77\"}, $static}"
refute "networkd: an interface that nobody knows is refused" run
check "networkd: and the refusal says what to do" says "add match.name to the plan"

# A bridge carries the address of its port.
networkd "$r"
put "$r/etc/systemd/network/10-br0.netdev" <<'EOF'
[NetDev]
Name=br0
Kind=bridge
EOF
put "$r/etc/systemd/network/10-port.network" <<'EOF'
[Match]
Name=enp1s0

[Network]
Bridge=br0
EOF
put "$r/etc/systemd/network/20-br0.network" <<'EOF'
[Match]
Name=br0

[Network]
Address=192.0.2.10/24
EOF
plan_of "{\"match\": {\"name\": \"enp1s0\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
check "networkd: a bridge" run
check "networkd: the bridge has the address" has "$r/etc/systemd/network/20-br0.network" Address=203.0.113.5/24
check "networkd: its port has none" lacks "$r/etc/systemd/network/10-port.network" Address
check "networkd: the port's name is pinned" has "$r/etc/systemd/network/00-bootferry-enp1s0.link" Name=enp1s0

check "networkd: a bridge, second run" again

# ---- Helpers -----------------------------------------------------------------------------------
N=$r/etc/systemd/network
U=$r/usr/lib/systemd/network
both='"addresses": ["203.0.113.5/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"], "dns": ["203.0.113.53"], "search": ["example.net"]'
nic1="\"match\": {\"name\": \"ens3\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\""
links=ens3:52:54:00:00:00:02
# fresh: an empty tree, of which $before will be the picture (begin), and a plan for it.
fresh() { networkd "$r"; mkdir -p "$N" "$U"; }
begin() { plan_of "$1"; before=$(snapshot "$r"); }
# right NAME: the plan can be carried out, a second run changes nothing.
right() {
    check "networkd: $1" run
    cp "$work/report" "$work/first"
    check "networkd: $1, second run" again
}
back() { check "networkd: $1, undo" undone "$before"; }
# judged NAME LINKS [+ERE|-ERE]...: what the daemon makes of the tree has the one and not the other.
seen() { grep -qE -- "$1" "$work/judged" || shows "$1" "$work/judged"; }
judged() {
    local name=$1 on=$2 wanted
    shift 2
    judge_ready || { skip "networkd: $name, judged: no judges here"; return 0; }
    judge_networkd "$on" >"$work/judged" 2>&1
    for wanted; do
        case $wanted in
        +*) check "networkd: $name, the daemon: ${wanted#+}" seen "${wanted#+}" ;;
        -*) refute "networkd: $name, the daemon: no ${wanted#-}" grep -qE -- "${wanted#-}" "$work/judged" ;;
        esac
    done
}
# table JQ VALUE: of the first run's report.
table() { equal "$(jq -r "$1" "$work/first")" "$2"; }

# ---- One interface -----------------------------------------------------------------------------
fresh
put "$N/10-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=1400
RequiredForOnline=routable

# where the office is
[Network]
LinkLocalAddressing=ipv6
# by hand since 2019
Address=192.0.2.10/24
Address=2001:db8::10/64
Gateway=192.0.2.1
DNS=192.0.2.53
Domains=example.org
IPv6AcceptRA=no
NTP=192.0.2.123

[Address]
Address=192.0.2.11/24
Label=ens3:1

# to the laboratory
[Route]
Destination=10.0.0.0/8
Gateway=203.0.113.254

[Route]
Gateway=2001:db8::1

# of our own table
[Route]
Gateway=203.0.113.9
Table=100

[RoutingPolicyRule]
From=203.0.113.5
Table=100

[DHCPv4]
UseDNS=no
E
begin "{$nic1, $both}"
right "both families"
check "networkd: both families, what is not planned keeps its bytes" is "$N/10-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=1400
RequiredForOnline=routable

# where the office is
[Network]
LinkLocalAddressing=ipv6
# by hand since 2019
DHCP=no
Address=203.0.113.5/24
Address=2001:db8:5::5/64
Gateway=203.0.113.1
Gateway=2001:db8:5::1
DNS=203.0.113.53
Domains=example.net
IPv6AcceptRA=no
NTP=192.0.2.123

# to the laboratory
[Route]
Destination=10.0.0.0/8
Gateway=203.0.113.254

# of our own table
[Route]
Gateway=203.0.113.9
Table=100

[RoutingPolicyRule]
From=203.0.113.5
Table=100

[DHCPv4]
UseDNS=no
E
check "networkd: the table says what was" table '.addresses[0].old | join(" ")' "192.0.2.10/24 2001:db8::10/64 192.0.2.11/24"
judged "both families" $links '+^ens3.*203.0.113.5/24.*2001:db8:5::5/64' '+^mtu ens3 1400' '+^default via 203.0.113.1 dev ens3' \
    '+^10.0.0.0/8 via 203.0.113.254' '+^default via 2001:db8:5::1' '-192\.0\.2\.' '-default via 2001:db8::1'
back "both families"

begin "{$nic1, \"dhcp\": true}"
right "static to DHCP"
check "networkd: static to DHCP, no address and no default route is left" is "$N/10-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=1400
RequiredForOnline=routable

# where the office is
[Network]
LinkLocalAddressing=ipv6
# by hand since 2019
DHCP=yes
IPv6AcceptRA=no
NTP=192.0.2.123

# to the laboratory
[Route]
Destination=10.0.0.0/8
Gateway=203.0.113.254

# of our own table
[Route]
Gateway=203.0.113.9
Table=100

[RoutingPolicyRule]
From=203.0.113.5
Table=100

[DHCPv4]
UseDNS=no
E
back "static to DHCP"

begin "{$nic1, \"addresses\": [\"2001:db8:5::5/64\"], \"gateway\": \"fe80::1\"}"
right "IPv6 only"
check "networkd: IPv6 only, the name servers stay" has "$N/10-ens3.network" DNS=192.0.2.53
judged "IPv6 only" $links '+^ens3.*2001:db8:5::5/64' '+^default via fe80::1 dev ens3' '-^ens3.*192\.0\.2\.'

fresh
printf '[Match]\nName=ens3\n[Network]\nDHCP=ipv4\n[DHCPv4]\nRouteMetric=50\n' >"$N/a.network"
begin "{$nic1, \"dhcp\": true}"
right "DHCP stays DHCP"
check "networkd: DHCP stays DHCP, for the family that it was" has "$N/a.network" DHCP=ipv4
plan_of "{$nic1, $static}"
right "DHCP to static"
check "networkd: DHCP to static" is "$N/a.network" <<'E'
[Match]
Name=ens3
[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
[DHCPv4]
RouteMetric=50
E
back "DHCP to static"

fresh
printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.10/24\n[Route]\nGateway=_dhcp4\nMetric=7\n[Route]\nDestination=172.16.0.0/12\nGateway=192.0.2.254\n' >"$N/a.network"
begin "{$nic1, \"addresses\": [\"203.0.113.5/32\", \"2001:db8:5::5/128\"], \"gateway\": [\"198.51.100.1\", \"2001:db8:9::1\"]}"
right "/32 with a gateway outside"
check "networkd: /32 with a gateway outside, routes of their own" is "$N/a.network" <<'E'
[Match]
Name=ens3
[Network]
DHCP=no
Address=203.0.113.5/32
Address=2001:db8:5::5/128
[Route]
Destination=172.16.0.0/12
Gateway=192.0.2.254

[Route]
Gateway=198.51.100.1
GatewayOnLink=yes

[Route]
Gateway=2001:db8:9::1
GatewayOnLink=yes
E
check "networkd: a route that cannot be set is said" says "the route to 172.16.0.0/12 goes by 192.0.2.254"
sed -i '/172.16/,+1d' "$N/a.network" # the daemon would wait for it
judged "/32 with a gateway outside" $links '+^ens3.*203.0.113.5/32' '+^default via 198.51.100.1 dev ens3.*onlink' '+^default via 2001:db8:9::1 dev ens3'

# ---- Folders, masks, drop-ins ------------------------------------------------------------------
fresh
printf '[Match]\nName=ens3\n[Network]\nDHCP=no\nAddress=192.0.2.10/24\n' >"$U/10-ens3.network"
put "$U/10-ens3.network.d/a.conf" <<<"$(printf '[Network]\nAddress=192.0.2.11/24\nLLDP=yes\n')"
put "$r/usr/local/lib/systemd/network/10-ens3.network.d/b.conf" <<<"$(printf '[Network]\nAddress=192.0.2.12/24')"
put "$U/10-ens3.network.d/b.conf" <<<"$(printf '[Network]\nAddress=192.0.2.13/24')"
put "$U/10-ens3.network.d/c.conf" <<<"$(printf '[Network]\nAddress=192.0.2.14/24')"
mkdir "$N/10-ens3.network.d"
ln -s /dev/null "$N/10-ens3.network.d/c.conf"
put "$U/10-ens3.network.d/d.conf" <<<"$(printf '[Network]\nIPForward=yes')"
begin "{$nic1, $static}"
right "files below /usr"
check "networkd: files below /usr, what was in force" table '.addresses[0].old | join(" ")' "192.0.2.10/24 192.0.2.11/24 192.0.2.12/24"
check "networkd: files below /usr stay" has "$U/10-ens3.network" Address=192.0.2.10/24
check "networkd: files below /usr, one of the name in /etc" has "$N/10-ens3.network" Address=203.0.113.5/24
check "networkd: files below /usr, their drop-ins too" is "$N/10-ens3.network.d/a.conf" <<'E'
[Network]
LLDP=yes
E
check "networkd: a drop-in that says nothing of addresses is not copied" test ! -e "$N/10-ens3.network.d/d.conf"
check "networkd: a mask stays" test -L "$N/10-ens3.network.d/c.conf"
judged "files below /usr" $links '+^ens3.*203.0.113.5/24' '-192\.0\.2\.'
back "files below /usr"

fresh
printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.10/24\n' >"$U/10-a.network"
ln -s /dev/null "$N/10-a.network"
printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.20/24\n' >"$U/20-b.network"
: >"$N/20-b.network"
printf '[Match]\nName=ens3\n[Broken\n[Network]\nAddress=192.0.2.30/24\n' >"$N/30-c.network"
printf '[Match]\n\n[Network]\nAddress=192.0.2.40/24\n' >"$N/40-d.network"
printf '[Match]\nName=foo \\\n# in between\n  ens3\n[Network]\nMulticastDNS=yes\nAddress=192.0.2.50/24\n' >"$N/50-e.network"
begin "{$nic1, $static}"
right "masked, empty and broken files"
check "networkd: masked, empty and broken files are not what counts" table '.addresses[0].old | join(" ")' "192.0.2.50/24"
check "networkd: a broken file is said" says "ignores the whole file"
check "networkd: a file without [Match] is said" says "has nothing in [Match]"
check "networkd: of a list over two lines, a copy" is "$N/05-bootferry-ens3.network" <<'E'
[Match]
Name=ens3
[Network]
MulticastDNS=yes
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
E
judged "masked, empty and broken files" $links '+^ens3.*203.0.113.5/24' '-192\.0\.2\.'
back "masked, empty and broken files"

fresh
printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.10/24\n' >"$N/a.network"
put "$N/a.network.d/x.conf" <<<"$(printf '[Network]\nAddress=\nAddress=192.0.2.11/24 192.0.2.12/24\nAddress=192.0.2.13/33\n[Address]\nAddress=192.0.2.14/24\nAddress=192.0.2.15/24\n[Address]\nAddress=192.0.2.16/24\nAddress=\n')"
begin "{$nic1, $static}"
judged "an empty Address= resets nothing" $links '+^ens3.*192.0.2.10/24' '+^ens3.*192.0.2.15/24' '-^ens3.*192.0.2.1[12346]/'
right "addresses that do not count"
check "networkd: addresses that do not count" table '.addresses[0].old | join(" ")' "192.0.2.10/24 192.0.2.15/24"
check "networkd: addresses that do not count go as well" is "$N/a.network.d/x.conf" <<'E'
[Network]
E

# ---- [Match] -----------------------------------------------------------------------------------
fresh
printf '[Match]\nName=en*\n\n[Link]\nMTUBytes=1400\n\n[Network]\nDHCP=yes\nLLMNR=no\n\n[Route]\nDestination=10.0.0.0/8\nGateway=203.0.113.254\n' >"$N/00-all.network"
put "$N/00-all.network.d/x.conf" <<'E'
Name=before any section
# of the drop-in
[Network]
MulticastDNS=yes
Address=192.0.2.12/24
[Match]
Name=eth*
E
begin "{$nic1, $static}"
right "a pattern's file"
check "networkd: a pattern's file stays, the copy has all of it" is "$N/0-bootferry-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=1400

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
LLMNR=no

[Route]
Destination=10.0.0.0/8
Gateway=203.0.113.254

[Network]
MulticastDNS=yes
E
check "networkd: a pattern's file keeps its bytes" has "$N/00-all.network" DHCP=yes
judged "a pattern's file" $links '+Configuring with /etc/systemd/network/0-bootferry-ens3.network' '+^ens3.*203.0.113.5/24' '+^mtu ens3 1400' '+^10.0.0.0/8 via' '-192\.0\.2\.'
back "a pattern's file"

for first in '05-' '00-' '0-' '+' '!'; do
    case $first in 05-) file=80-x ;; 00-) file=05-a ;; 0-) file=00-a ;; +) file=0-a ;; !) file=+a ;; esac
    fresh
    printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$N/$file.network"
    begin "{$nic1, $static}"
    right "before $file.network"
    check "networkd: before $file.network is ${first}bootferry-ens3.network" has "$N/${first}bootferry-ens3.network" Address=203.0.113.5/24
    check "networkd: before $file.network, byte by byte" equal "$(cd "$N" && printf '%s\n' *.network | LC_ALL=C sort | head -n 1)" "${first}bootferry-ens3.network"
done
judged "before +a.network" $links '+Configuring with /etc/systemd/network/!bootferry' '+^ens3.*203.0.113.5/24'
mv "$N/+a.network" "$N/ a.network"
rm "$N"/!*
refute "networkd: before every name there is none" run
check "networkd: and that is said" says "sorts before every name"

fresh
printf '[Match]\nName=!lo !docker*\n\n[Link]\nMTUBytes=1400\n\n[Network]\nAddress=192.0.2.10/24\nVLAN=vlan9\n' >"$N/10-most.network"
begin "{$nic1, $static}"
right "all but some names"
check "networkd: all but some names, nothing is lost" is "$N/05-bootferry-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=1400

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
VLAN=vlan9
E
back "all but some names"

fresh
printf '[Match]\nName=ens9\nName=ens3\n\n[Link]\nMTUBytes=1400\n\n[Network]\nAddress=192.0.2.10/24\n' >"$N/10-two.network"
begin "{$nic1, $static}"
right "two lines of names"
check "networkd: two lines of names, nothing is lost" has "$N/05-bootferry-ens3.network" MTUBytes=1400
check "networkd: two lines of names, the other one's stays" has "$N/10-two.network" Address=192.0.2.10/24
judged "two lines of names" $links '+^ens3.*203.0.113.5/24' '+^mtu ens3 1400' '-192\.0\.2\.'
fresh
printf '[Match]\nName=ens9\nName=\nName=ens3\n[Network]\nAddress=192.0.2.10/24\n' >"$N/10-two.network"
begin "{$nic1, $static}"
right "a list that is emptied"
check "networkd: a list that is emptied, in place" has "$N/10-two.network" Address=203.0.113.5/24
judged "a list that is emptied" $links '+^ens3.*203.0.113.5/24'

for mac in 52:54:00:00:00:01 52-54-00-00-00-01 5254.0000.0001 52:54:0:0:0:1; do
    fresh
    printf '[Match]\nMACAddress=%s\nDriver=e1000\n[Network]\nAddress=192.0.2.10/24\n' "$mac" >"$N/a.network"
    begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
    right "MACAddress=$mac"
    check "networkd: MACAddress=$mac follows" is "$N/a.network" <<'E'
[Match]
MACAddress=52:54:00:00:00:02
[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
E
done
judged "by MAC address" $links '+^ens3.*203.0.113.5/24' '-192\.0\.2\.'
fresh
printf '[Match]\nMACAddress=525400000001\n[Network]\nAddress=192.0.2.10/24\n' >"$N/a.network"
plan_of "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, $static}"
refute "networkd: a MAC address that is none to the daemon is none" run

fresh # two addresses in one file, and a naming rule for one of them
printf '[Match]\nMACAddress=52:54:00:00:00:01 52:54:00:00:00:09\n[Network]\nDHCP=yes\n' >"$N/10-two.network"
printf '[Match]\nName=lan0\n[Network]\nAddress=192.0.2.10/24\n' >"$N/20-lan0.network"
printf '[Match]\nMACAddress=52:54:00:00:00:01\n[Link]\nName=lan0\n' >"$N/10-lan0.link"
begin "{\"match\": {\"name\": \"lan0\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "a file by MAC address before one by name"
check "networkd: a file by MAC address before one by name is what counts" table '.addresses[0].old | join(" ")' DHCP
check "networkd: a file by MAC address follows" has "$N/10-two.network" "MACAddress=52:54:00:00:00:02 52:54:00:00:00:09"
judged "a file by MAC address before one by name" lan0:52:54:00:00:00:02 '+^lan0.*203.0.113.5/24' '-192\.0\.2\.'

fresh # exchanged
printf '[Match]\nMACAddress=52:54:00:00:00:01\n[Network]\nAddress=192.0.2.10/24\n' >"$N/a.network"
printf '[Match]\nMACAddress=52:54:00:00:00:02\n[Network]\nAddress=192.0.2.20/24\n' >"$N/b.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}, {\"match\": {\"mac\": \"52:54:00:00:00:02\"}, \"mac\": \"52:54:00:00:00:01\", \"addresses\": [\"198.51.100.20/24\"]}"
right "MAC addresses that are exchanged"
check "networkd: exchanged, the first" has "$N/a.network" Address=203.0.113.5/24
check "networkd: exchanged, the first's new one" has "$N/a.network" MACAddress=52:54:00:00:00:02
check "networkd: exchanged, the second" has "$N/b.network" Address=198.51.100.20/24
check "networkd: exchanged, the second's new one" has "$N/b.network" MACAddress=52:54:00:00:00:01
back "MAC addresses that are exchanged"

fresh # what a tree decides, and what it does not
printf '[Match]\nName=ens*\nHost=other*\n[Network]\nAddress=192.0.2.1/24\n' >"$N/10-host.network"
printf '[Match]\nName=ens*\nVirtualization=container\n[Network]\nAddress=192.0.2.2/24\n' >"$N/11-container.network"
printf '[Match]\nKind=veth bridge\nName=ens3\n[Network]\nAddress=192.0.2.3/24\n' >"$N/12-kind.network"
printf '[Match]\nType=wlan\n[Network]\nAddress=192.0.2.4/24\n' >"$N/13-wlan.network"
printf '[Match]\nName=*\nDriver=veth tun\n[Network]\nAddress=192.0.2.5/24\n' >"$N/14-driver.network"
printf '[Match]\nName=ens*\nHost=my*\nType=ether\nKind=!*\nArchitecture=native\n[Network]\nAddress=192.0.2.6/24\n' >"$N/15-mine.network"
put "$r/etc/hostname" <<<myhost
begin "{$nic1, $static}"
right "conditions that the tree decides"
check "networkd: conditions that the tree decides" table '.addresses[0].old | join(" ")' 192.0.2.6/24
fresh
printf '[Match]\nDriver=vmxnet3\n[Network]\nDHCP=yes\n' >"$N/10-vmware.network"
printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.10/24\n' >"$N/20-ens3.network"
begin "{$nic1, $static}"
refute "networkd: which of two files counts depends on the hardware" run
check "networkd: and both are named" says "10-vmware.network depends on the hardware or the kernel; else it does by /etc/systemd/network/20-ens3.network"
check "networkd: and nothing is changed" equal "$(snapshot "$r")" "$before"

fresh # a folder of a file's name is passed over
mkdir "$N/00-a.network"
printf '[Match]\nName=ens3\n[Network]\nDHCP=yes\n' >"$N/f.network"
begin "{$nic1, $static}"
right "a folder with a file's name"
check "networkd: the file after it counts" has "$N/f.network" "Address=203.0.113.5/24"
judged "a folder with a file's name" $links '+^ens3.*203.0.113.5/24'
fresh # Amazon Linux 2023: only the driver, which is another there
printf '[Match]\nDriver=ena ixgbevf vif\n\n[Link]\nMTUBytes=9001\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nRouteMetric=512\n' >"$U/80-ec2.network"
begin "{$nic1}"
right "a file by driver, the addresses stay"
check "networkd: a file by driver, a copy finds the interface there" is "$N/05-bootferry-ens3.network" <<'E'
[Match]
Name=ens3

[Link]
MTUBytes=9001

[Network]
DHCP=yes

[DHCPv4]
RouteMetric=512
E
back "a file by driver, the addresses stay"
fresh
printf '[Match]\nName=ens3\nPath=pci-0000:02:*\n[Network]\nAddress=192.0.2.10/24\n' >"$N/a.network"
begin "{$nic1}"
right "a file by slot, the addresses stay"
check "networkd: a file by slot loses the slot and nothing else" is "$N/a.network" <<'E'
[Match]
Name=ens3
[Network]
Address=192.0.2.10/24
E
fresh # Photon: by MAC address alone, below a pattern
printf '[Match]\nName=e*\n\n[Network]\nDHCP=yes\nIPv6AcceptRA=no\n' >"$N/99-dhcp-en.network"
printf '[Match]\nMACAddress=52:54:00:00:00:01\n[Link]\nNamePolicy=kernel\n' >"$N/a.link"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "a MAC address that nothing but a pattern can mean"
check "networkd: and the table says what was" equal '["DHCP"]' "$(jq -c '.addresses[0].old' "$work/first")"
check "networkd: such a MAC address alone names the interface" is "$N/05-bootferry-525400000002.network" <<'E'
[Match]
MACAddress=52:54:00:00:00:02
Type=ether

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
IPv6AcceptRA=no
E
judged "a MAC address that nothing but a pattern can mean" $links '+^ens3.*203.0.113.5/24'
fresh # Amazon Linux 2023: by driver, and systemd's own file for containers
printf '[Match]\nVirtualization=container\nName=host0\n[Network]\nDHCP=yes\n' >"$U/80-container-host0.network"
printf '[Match]\nDriver=ena ixgbevf vif\n[Link]\nMTUBytes=1400\n[Network]\nDHCP=yes\n' >"$U/80-ec2.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "a pattern by driver"
check "networkd: a container's interface is none of the machine" test ! -e "$N/05-bootferry-host0.network"
judged "a pattern by driver" $links '+^ens3.*203.0.113.5/24'
fresh # Wi-Fi's pattern cannot mean it
printf '[Match]\nName=wl*\n[Network]\nDHCP=yes\n' >"$N/10-wlan.network"
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\nLLMNR=no\n' >"$N/20-ethernet.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "patterns of which one is Wi-Fi's"
check "networkd: the settings are those of the card's pattern" has "$N/05-bootferry-525400000002.network" LLMNR=no
fresh
printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$N/10-en.network"
printf '[Match]\nName=eth*\n[Network]\nDHCP=yes\nLLMNR=no\n' >"$N/20-eth.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
refute "networkd: a MAC address that two patterns may mean is refused" run
check "networkd: with both, and what to do" says "20-eth.network configures the interface with the MAC address 52:54:00:00:00:01 depends on its name; add match.name to the plan"
check "networkd: and nothing is changed" equal "$before" "$(snapshot "$r")"
fresh
printf '[Match]\nName=e*\n\n[Network]\nDHCP=yes\n' >"$N/99-dhcp-en.network"
printf '[Match]\nName=*\nMACAddress=52:54:00:00:00:01\n\n[Network]\nDHCP=yes\n' >"$N/50-mac.network"
printf '[Match]\nMACAddress=52:54:00:00:00:09 52:54:00:00:00:01\n\n[Network]\nDHCP=yes\n' >"$N/40-macs.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "by MAC address, from a list"
check "networkd: by MAC address, and not a VLAN that shares it" is "$N/05-bootferry-525400000002.network" <<'E'
[Match]
MACAddress=52:54:00:00:00:02
Type=ether

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
E
judged "by MAC address, from a list" $links '+^ens3.*203.0.113.5/24'

# ---- Devices on one another --------------------------------------------------------------------
# device NAME KIND [LINE...]: a .netdev
device() {
    local name=$1 kind=$2
    shift 2
    printf '%s\n' '[NetDev]' "Name=$name" "Kind=$kind" "$@" >"$N/10-$name.netdev"
}
nic2='"match": {"name": "ens4", "mac": "52:54:00:00:00:03"}, "mac": "52:54:00:00:00:04"'

fresh
device br0 bridge MACAddress=52-54-00-00-00-01
put "$N/10-br0.netdev.d/x.conf" <<<"$(printf '[Bridge]\nSTP=no')"
printf '[Match]\nName=ens3\n[Network]\nBridge=br0\n' >"$N/20-ens3.network"
printf '[Match]\nName=br0\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n' >"$N/30-br0.network"
begin "{$nic1, $static}"
right "a bridge with the port's MAC address"
check "networkd: a bridge's MAC address follows the plan" is "$N/10-br0.netdev" <<'E'
[NetDev]
Name=br0
Kind=bridge
MACAddress=52:54:00:00:00:02
E
check "networkd: a bridge's port stays as it is" is "$N/20-ens3.network" <<'E'
[Match]
Name=ens3
[Network]
Bridge=br0
E
check "networkd: a bridge is in the table" table '.addresses[0] | .carrier + " " + .interface' "br0 ens3"
judged "a bridge with the port's MAC address" $links '+^br0.*203.0.113.5/24' '+^default via 203.0.113.1 dev br0' '+^link br0 52:54:00:00:00:02' '-192\.0\.2\.' '-^ens3.*203.0.113'
back "a bridge with the port's MAC address"

fresh
device br0 bridge MACAddress=02:00:00:00:00:77
printf '[Match]\nMACAddress=52:54:00:00:00:01\n[Network]\nBridge=br0\n' >"$N/20-port.network"
printf '[Match]\nKind=bridge\nName=br*\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n' >"$N/30-bridges.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
right "a bridge whose port is known by MAC address"
check "networkd: the bridge has the address, not its port" has "$N/05-bootferry-br0.network" Address=203.0.113.5/24
check "networkd: a MAC address of its own stays" has "$N/10-br0.netdev" MACAddress=02:00:00:00:00:77
check "networkd: the port's file follows" has "$N/20-port.network" MACAddress=52:54:00:00:00:02
judged "a bridge whose port is known by MAC address" $links '+^br0.*203.0.113.5/24' '-192\.0\.2\.' '-^ens3.*203.0.113'

fresh # both ports in one file
device bond0 bond '[Bond]' Mode=active-backup
printf '[Match]\nName=ens3 ens4\n\n[Network]\nBond=bond0\n' >"$N/20-ports.network"
printf '[Match]\nName=bond0\n\n[Link]\nMACAddress=52:54:00:00:00:01\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n' >"$N/30-bond0.network"
begin "{$nic1, $static}, {$nic2}"
right "a bond"
check "networkd: a bond carries the address" is "$N/30-bond0.network" <<'E'
[Match]
Name=bond0

[Link]
MACAddress=52:54:00:00:00:02

[Network]
DHCP=no
Address=203.0.113.5/24
Gateway=203.0.113.1
DNS=203.0.113.53
E
check "networkd: a bond's ports stay in one file" equal "$(cd "$N" && echo *.network)" "20-ports.network 30-bond0.network"
back "a bond"

fresh
device vlan10 vlan '[VLAN]' Id=10
printf '[Match]\nName=ens3\n[Network]\nVLAN=vlan10\nLinkLocalAddressing=no\n' >"$N/20-ens3.network"
printf '[Match]\nName=vlan10\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n' >"$N/30-vlan10.network"
for plan in "{$nic1, $static}" "{\"match\": {\"name\": \"vlan10\", \"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}" "{\"match\": {\"name\": \"vlan10\"}, $static}"; do
    begin "$plan"
    right "a VLAN"
    check "networkd: a VLAN has the address" has "$N/30-vlan10.network" Address=203.0.113.5/24
    check "networkd: a VLAN's parent has none" lacks "$N/20-ens3.network" Address=
    check "networkd: a VLAN's name is not the hardware's" test ! -e "$N/00-bootferry-vlan10.link"
    back "a VLAN"
done
sed -i s/Name=ens3/MACAddress=52:54:00:00:00:01/ "$N/20-ens3.network"
begin "{\"match\": {\"mac\": \"52:54:00:00:00:01\"}, \"mac\": \"52:54:00:00:00:02\", $static}"
refute "networkd: a VLAN on an interface without a name is refused" run
check "networkd: and the VLAN is named" says "line 4: vlan10 lies on the interface"
check "networkd: and nothing is changed" equal "$(snapshot "$r")" "$before"

fresh # bond, VLAN, bridge
device bond0 bond
device vlan10 vlan '[VLAN]' Id=10
device br0 bridge
printf '[Match]\nName=ens3 ens4\n[Network]\nBond=bond0\n' >"$N/20-ports.network"
printf '[Match]\nName=bond0\n[Network]\nVLAN=vlan10\n' >"$N/30-bond0.network"
printf '[Match]\nName=vlan10\n[Network]\nBridge=br0\n' >"$N/40-vlan10.network"
printf '[Match]\nName=br0\n[Network]\nAddress=192.0.2.10/24\n' >"$N/50-br0.network"
begin "{$nic1, $both}"
right "a bridge on a VLAN on a bond"
check "networkd: a bridge on a VLAN on a bond carries the address" is "$N/50-br0.network" <<'E'
[Match]
Name=br0
[Network]
DHCP=no
Address=203.0.113.5/24
Address=2001:db8:5::5/64
Gateway=203.0.113.1
Gateway=2001:db8:5::1
DNS=203.0.113.53
Domains=example.net
E
check "networkd: and nothing else is changed" table '[.changes[].path] | sort | join(" ")' \
    "/etc/systemd/network/00-bootferry-ens3.link /etc/systemd/network/50-br0.network"
back "a bridge on a VLAN on a bond"
check "networkd: what lies on what is in the report" table '[.system.network.interfaces[] | .name + ":" + .master + ":" + .parent] | sort | join(" ")' "bond0:: br0:: ens3:bond0: ens4:bond0: vlan10:br0:bond0"

# Two interfaces, one after the other.
fresh
printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$N/50-all.network"
begin "{$nic1, $both}, {$nic2, \"addresses\": [\"198.51.100.20/24\", \"198.51.100.21/24\"]}"
right "two interfaces of one pattern"
judged "two interfaces of one pattern" "$links,ens4:52:54:00:00:00:04" '+^ens3.*203.0.113.5/24.*2001:db8:5::5/64' '+^ens4.*198.51.100.20/24 198.51.100.21/24' '+^default via 203.0.113.1 dev ens3'
back "two interfaces of one pattern"

# ---- Odd and hostile ---------------------------------------------------------------------------
fresh
printf '\xef\xbb\xbf[Match]\r\nName=ens3\r\n[Network]\r\nAddress=192.0.2.10/24' >"$N/a.network"
begin "{$nic1, $static}"
right "a byte order mark, CRLF and no end"
judged "a byte order mark, CRLF and no end" $links '+^ens3.*203.0.113.5/24' '-192\.0\.2\.'
back "a byte order mark, CRLF and no end"
for text in '[Match]\nName=ens3\n[Network]\rAddress=192.0.2.10/24\n' '[Match]\nName=ens3\0\n[Network]\nDHCP=yes\n'; do
    fresh
    # shellcheck disable=SC2059 # it is the format
    printf "$text" >"$N/a.network"
    begin "{$nic1, $static}"
    refute "networkd: line ends that only systemd knows are refused" run
    check "networkd: and the file is named" says "/etc/systemd/network/a.network has a NUL byte, or a line"
done
fresh
mkfifo "$N/a.network"
begin "{$nic1, $static}"
refute "networkd: a file that cannot be read is refused" run
check "networkd: and it is named" says "/etc/systemd/network/a.network cannot be read"
fresh
printf '[Match]\nName=ens3\n[Link]\nUnmanaged=yes\n[Network]\nAddress=192.0.2.10/24\n' >"$N/a.network"
begin "{$nic1, $static}"
refute "networkd: an interface that it is told to leave alone gets no address by it" run
fresh
printf '[Match]\nName=ens3\n[Network]\nDHCP=yes\n' >"$N/a.network"
ln -s /dev/null "$r/etc/systemd/system/systemd-networkd.service"
begin "{$nic1, $static}"
refute "networkd: a masked service configures nothing" run
rm "$r"/etc/systemd/system/systemd-networkd.service "$r"/etc/systemd/system/*/systemd-networkd.service
mkdir -p "$r/etc/systemd/system/network-online.target.wants"
refute "networkd: nor does one that nothing starts" run
ln -s /usr/lib/systemd/system/systemd-networkd.service "$r/etc/systemd/system/network-online.target.wants/"
check "networkd: network-online.target starts it" run
{ printf '[Match]\nName='; for i in $(seq 200); do printf 'eth%d ' "$i"; done; printf '\n[Network]\nDHCP=yes\n'; } >"$N/a.network"
refute "networkd: more names than any machine has are refused" run
check "networkd: and that is said" says "name more than 128 interfaces"
fresh
{ printf '[Match]\nName=ens3\n[Network]\nAddress=192.0.2.1/24\n'; for i in $(seq 12000); do printf '[Route]\nDestination=10.0.0.0/8\nGateway=192.0.2.1\nTable=%d\n' "$i"; done; } >"$N/a.network"
begin "{$nic1, $static}"
check "networkd: 12000 routes are no trouble" timeout 20 "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report"
check "networkd: and 16 warnings are enough" equal 16 "$(jq '[.notes[] | select(.text | test("the route to"))] | length' "$work/report")"
finish
