#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NetworkManager's keyfiles on trees: which profiles count, which one the daemon activates, and what becomes of it.
# Where NetworkManager itself runs here, it judges the results.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
r=$work/root
nm=etc/NetworkManager/system-connections
a=00000000-0000-0000-0000-00000000000a
b=00000000-0000-0000-0000-00000000000b
mac1=52:54:00:00:00:01
mac2=52:54:00:00:00:02
both='"addresses": ["203.0.113.5/24", "203.0.113.6/24", "2001:db8:5::5/64"], "gateway": ["203.0.113.1", "2001:db8:5::1"],
      "dns": ["203.0.113.53", "2001:db8:5::53"], "search": ["example.net", "example.com"]'

# A tree in which NetworkManager runs.
tree() {
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/lib/systemd,etc/systemd/system/multi-user.target.wants,var/lib} \
        "$r"/{$nm,etc/NetworkManager/conf.d,usr/lib/NetworkManager/system-connections}
    echo x >"$r/usr/lib/systemd/systemd"
    ln -s /usr/lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/multi-user.target.wants/"
    put "$r/etc/os-release" <<<"ID=debian"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    printf '[main]\nplugins=ifupdown,keyfile\n\n[ifupdown]\nmanaged=false\n' | put "$r/etc/NetworkManager/NetworkManager.conf"
}
# profile NAME [FOLDER]: standard input is a profile, of mode 0600.
profile() {
    put "$r/${2:-$nm}/$1"
    chmod 600 "$r/${2:-$nm}/$1"
}
# simple NAME UUID ADDRESS [LINE...]: an ethernet profile with the lines in [connection].
simple() {
    local name=$1 uuid=$2 address=$3
    shift 3
    {
        printf '[connection]\nid=%s\nuuid=%s\ntype=ethernet\n' "$name" "$uuid"
        [ $# = 0 ] || printf '%s\n' "$@"
        printf '\n[ipv4]\nmethod=manual\naddress1=%s,192.0.2.1\n\n[ipv6]\nmethod=disabled\n' "$address"
    } | profile "$name.nmconnection"
}
refused() { # WORDS: the run fails, and says them
    if ! run && grep -qF -- "$1" "$work/err"; then return 0; fi
    shows "$1" "$work/err"
}
mode_is() { [ "$(stat -c %a "$r/$nm/$1")" = "$2" ]; }
# both_ways NAME PLAN: the plan is carried out, a second run changes nothing; undo is for the caller, with $before.
before=
carry() {
    before=$(snapshot "$r")
    plan_of "$2"
    check "$1" run
}
settle() {
    check "$1: second run" again
    check "$1: undo" undone "$before"
}

# ---- One profile, rewritten in place -----------------------------------------------------------
tree
profile office.nmconnection <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:01

[ipv4]
address1=192.0.2.10/24,192.0.2.1
# a second one
address2=192.0.2.11/24
dns=192.0.2.53;192.0.2.54;
dns-search=example.org;
method=manual
route1=10.0.0.0/8,192.0.2.254
route2=0.0.0.0/0,192.0.2.2,50
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]

[user]
company.key=value
E
carry "static to static" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "static to static: in place, all else stays" is "$r/$nm/office.nmconnection" <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:02

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
# a second one
dns-search=example.org;
route1=10.0.0.0/8,192.0.2.254
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]

[user]
company.key=value
E
check "static to static: the permissions stay" mode_is office.nmconnection 600
check "static to static: nothing else lies in the folder" equal "$(ls -A "$r/$nm")" office.nmconnection
settle "static to static"

carry "static to DHCP" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", \"dhcp\": true}"
check "static to DHCP: addresses, name servers and the default route go" is "$r/$nm/office.nmconnection" <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:02

[ipv4]
method=auto
# a second one
route1=10.0.0.0/8,192.0.2.254
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]

[user]
company.key=value
E
settle "static to DHCP"

sed -i 's/192.0.2.254/203.0.113.254/' "$r/$nm/office.nmconnection"
carry "both families" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", $both}"
check "both families: written" is "$r/$nm/office.nmconnection" <<'E'
# the office, since 2019
[connection]
id=office
uuid=00000000-0000-0000-0000-00000000000a
type=ethernet
interface-name=eth5
timestamp=1700000000
permissions=

[ethernet]
mtu=1400
mac-address=52:54:00:00:00:02

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
address2=203.0.113.6/24
dns=203.0.113.53;
dns-search=example.net;example.com;
# a second one
route1=10.0.0.0/8,203.0.113.254
routing-rule1=priority 5 from 10.0.0.1/32 table 5
may-fail=false

[ipv6]
addr-gen-mode=stable-privacy
method=manual
address1=2001:db8:5::5/64,2001:db8:5::1
dns=2001:db8:5::53;

[proxy]

[user]
company.key=value
E
if judge_ready; then
    seen=$(judge_networkmanager "eth5:$mac2")
    check "both families: NetworkManager activates it" matches "eth5:connected:office" "$seen"
    check "both families: with the addresses" matches "eth5@p0 *UP *203.0.113.5/24 203.0.113.6/24 2001:db8:5::5/64" "$seen"
    check "both families: and the gateway" matches "default via 203.0.113.1 dev eth5" "$seen"
    check "both families: of IPv6 too" matches "default via 2001:db8:5::1 dev eth5" "$seen"
    check "both families: and the old route" matches "10.0.0.0/8 via 203.0.113.254" "$seen"
    check "both families: and the MTU" matches "mtu eth5 1400" "$seen"
else
    skip "both families: NetworkManager does not run here"
fi
settle "both families"

carry "IPv6 only" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", \"addresses\": [\"2001:db8:5::5/64\"],
    \"gateway\": \"fe80::1\", \"dns\": [\"203.0.113.53\"]}"
check "IPv6 only: IPv4 is off" has "$r/$nm/office.nmconnection" "method=disabled"
check "IPv6 only: without the name servers that NetworkManager refuses then" lacks "$r/$nm/office.nmconnection" "dns="
check "IPv6 only: which is said" says "203.0.113.53 is left out"
check "IPv6 only: the gateway" has "$r/$nm/office.nmconnection" "address1=2001:db8:5::5/64,fe80::1"
if judge_ready; then
    seen=$(judge_networkmanager "eth5:$mac2")
    check "IPv6 only: NetworkManager takes it" matches "eth5@p0 *UP *2001:db8:5::5/64" "$seen"
    check "IPv6 only: with its gateway" matches "default via fe80::1 dev eth5" "$seen"
else
    skip "IPv6 only: NetworkManager does not run here"
fi
settle "IPv6 only"

# A gateway outside needs no route of its own: the daemon adds it.
carry "/32" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", \"addresses\": [\"203.0.113.5/32\"],
    \"gateway\": \"198.51.100.1\"}"
check "/32: as an address with its gateway" has "$r/$nm/office.nmconnection" "address1=203.0.113.5/32,198.51.100.1"
if judge_ready; then
    seen=$(judge_networkmanager "eth5:$mac2")
    check "/32: NetworkManager reaches the gateway" matches "198.51.100.1 dev eth5 proto static scope link" "$seen"
    check "/32: and goes by it" matches "default via 198.51.100.1 dev eth5" "$seen"
else
    skip "/32: NetworkManager does not run here"
fi
settle "/32"

# Odd forms: CR LF, blanks, capitals, old names of groups and numbers, no last newline.
tree
printf '%s\r\n' '[connection]' ' id = old ' 'type=802-3-ethernet' '[802-3-ethernet]' 'mac-address=82;84;0;0;0;1;' '[ipv4]' \
    'addresses1=192.0.2.10;24;192.0.2.1;' 'method=manual' | head -c -2 | profile old
carry "old forms" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "old forms: in the file's own line ends" equal "$(od -c "$r/$nm/old")" "$(printf '%s\r\n' '[connection]' ' id = old ' \
    'type=802-3-ethernet' '[802-3-ethernet]' 'mac-address=52:54:00:00:00:02' '[ipv4]' 'method=manual' \
    'address1=203.0.113.5/24,203.0.113.1' 'dns=203.0.113.53;' | od -c)"
if judge_ready; then
    check "old forms: NetworkManager takes it" matches "eth5@p0 *UP *203.0.113.5/24" "$(judge_networkmanager "eth5:$mac2")"
else
    skip "old forms: NetworkManager does not run here"
fi
settle "old forms"

# gateway= comes before that of an address, and never-default would leave the planned one out.
tree
simple wan $a 192.0.2.10/24 interface-name=eth5
sed -i 's/^address1=.*/&\ngateway=192.0.2.3\nnever-default=true\nroute-metric=7/' "$r/$nm/wan.nmconnection"
carry "gateway=" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "gateway=: both go" is "$r/$nm/wan.nmconnection" <<E
[connection]
id=wan
uuid=$a
type=ethernet
interface-name=eth5

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
route-metric=7

[ipv6]
method=disabled
E
settle "gateway="

tree
profile auto.nmconnection <<E
[connection]
id=auto
uuid=$a
type=ethernet
interface-name=eth5
E
carry "DHCP to static" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "DHCP to static: groups that were not there" is "$r/$nm/auto.nmconnection" <<E
[connection]
id=auto
uuid=$a
type=ethernet
interface-name=eth5

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
E
settle "DHCP to static"

# ---- Which profile counts ----------------------------------------------------------------------
# activates LINKS: "LINK PROFILE " of each device, as the daemon has it.
activates() {
    judge_networkmanager "$1" | sed -nE 's/^([a-z0-9]+):(connected|connecting \(.*\)):/\1 /p' | sort | tr '\n' ' '
}
tree
simple low $a 192.0.2.10/24 interface-name=eth5
simple high $b 192.0.2.11/24 interface-name=eth5 autoconnect-priority=5
carry "priority" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "priority: the higher one is rewritten" has "$r/$nm/high.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "priority: the lower one is named" says "line 9: another profile that fits eth5, which is not activated there at boot, keeps 192.0.2.10/24"
if judge_ready; then
    check "priority: and activated" equal "$(activates "eth5:$mac1")" "eth5 high "
else
    skip "priority: NetworkManager does not run here"
fi
settle "priority"

tree
simple first $a 192.0.2.10/24 interface-name=eth5
simple second $b 192.0.2.11/24 interface-name=eth5
put "$r/var/lib/NetworkManager/timestamps" <<E
[timestamps]
$a=1600000000
$b=1700000000
E
carry "record of activations" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "record of activations: the last one is rewritten" has "$r/$nm/second.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
if judge_ready; then
    check "record of activations: and activated" equal "$(activates "eth5:$mac1")" "eth5 second "
else
    skip "record of activations: NetworkManager does not run here"
fi
settle "record of activations"
rm "$r/var/lib/NetworkManager/timestamps"
carry "no record" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "no record: the lower UUID" has "$r/$nm/first.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
if judge_ready; then
    check "no record: is activated" equal "$(activates "eth5:$mac1")" "eth5 first "
else
    skip "no record: NetworkManager does not run here"
fi
settle "no record"
sed -i '/^uuid/d' "$r/$nm/first.nmconnection"
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "a UUID that is not known decides: refused" refused "nothing says which comes first"

# Most backups are profiles; files with ill permissions, a semicolon's comment or a wrong method are not.
tree
simple live $a 192.0.2.10/24 interface-name=eth5
for copy in live.bak live.backup; do
    sed "s/192.0.2.10/192.0.2.66/; s/$a/$b/; s/^type.*/&\nautoconnect-priority=9/" "$r/$nm/live.nmconnection" | profile "$copy"
done
simple open "${a%a}c" 192.0.2.12/24 interface-name=eth5 autoconnect-priority=50
chmod 640 "$r/$nm/open.nmconnection"
simple broken "${a%a}d" 192.0.2.13/24 interface-name=eth5 autoconnect-priority=50
echo '; note' >>"$r/$nm/broken.nmconnection"
simple bare "${a%a}e" 192.0.2.14/24 interface-name=eth5 autoconnect-priority=50
sed -i 's/^method=manual/method=link-local/' "$r/$nm/bare.nmconnection"
carry "backups" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "backups: .bak is in force" has "$r/$nm/live.bak" "address1=203.0.113.5/24,203.0.113.1"
check "backups: .backup is not" has "$r/$nm/live.backup" "address1=192.0.2.66/24,192.0.2.1"
check "backups: nor is a file that others can read" says "has permissions for others than its owner: NetworkManager ignores it"
check "backups: nor one with a line of another kind" says "line 14 is neither key=value, [group] nor a # comment"
check "backups: nor one with an address that its method forbids" says "the method does not allow addresses"
if judge_ready; then
    seen=$(judge_networkmanager "eth5:$mac1")
    check "backups: NetworkManager thinks so, too" matches "profile live:$b:/etc/NetworkManager/system-connections/live.bak" "$seen"
    check "backups: and sets the planned address" matches "eth5@p0 *UP *203.0.113.5/24" "$seen"
    refute "backups: it has none of the others" matches "profile (open|broken|bare)" "$seen"
    refute "backups: nor .backup" matches "live.backup" "$seen"
else
    skip "backups: NetworkManager does not run here"
fi
settle "backups"

# The newer of two with one UUID, and one in /etc before one of a package.
tree
simple new $a 192.0.2.10/24 interface-name=eth5
simple zold $a 192.0.2.11/24 interface-name=eth5
touch -d 2001-01-01 "$r/$nm/zold.nmconnection"
carry "one UUID" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "one UUID: the newer is rewritten" has "$r/$nm/new.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "one UUID: the other is named" says "has the UUID of /$nm/new.nmconnection, which is newer"
if judge_ready; then
    check "one UUID: as NetworkManager has it" equal "$(activates "eth5:$mac1")" "eth5 new "
else
    skip "one UUID: NetworkManager does not run here"
fi
settle "one UUID"

tree
simple vendor $a 192.0.2.10/24 interface-name=eth5
mv "$r/$nm/vendor.nmconnection" "$r/usr/lib/NetworkManager/system-connections/"
simple noext $b 192.0.2.11/24 interface-name=eth5 autoconnect-priority=9
mv "$r/$nm/noext.nmconnection" "$r/usr/lib/NetworkManager/system-connections/noext"
carry "a package's profile" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "a package's profile: stays" has "$r/usr/lib/NetworkManager/system-connections/vendor.nmconnection" "address1=192.0.2.10/24,192.0.2.1"
check "a package's profile: one in /etc hides it" is "$r/$nm/vendor.nmconnection" <<E
[connection]
id=vendor
uuid=$a
type=ethernet
interface-name=eth5

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;

[ipv6]
method=disabled
E
check "a package's profile: which only its owner can read" mode_is vendor.nmconnection 600
if judge_ready; then
    check "a package's profile: NetworkManager uses ours" matches "profile vendor:$a:/etc/NetworkManager/system-connections/vendor.nmconnection" "$(judge_networkmanager "eth5:$mac1")"
else
    skip "a package's profile: NetworkManager does not run here"
fi
settle "a package's profile"

# ---- Profiles for several interfaces -----------------------------------------------------------
tree
profile wired.nmconnection <<E
[connection]
id=Wired connection 1
uuid=$a
type=ethernet
autoconnect-priority=3

[ethernet]
mtu=1400

[match]
interface-name=eth*;

[ipv4]
method=auto
E
carry "a pattern" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", $static}"
check "a pattern: stays" has "$r/$nm/wired.nmconnection" method=auto
check "a pattern: a copy of its own comes before it" is "$r/$nm/bootferry-eth5.nmconnection" <<E
[connection]
id=bootferry-eth5
uuid=$(sed -n 's/^uuid=//p' "$r/$nm/bootferry-eth5.nmconnection")
interface-name=eth5
autoconnect-priority=4
type=ethernet

[ethernet]
mtu=1400

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
E
check "a pattern: the copy is private" mode_is bootferry-eth5.nmconnection 600
if judge_ready; then
    check "a pattern: both do their part" equal "$(activates "eth5:$mac2,eth6:02:00:00:00:00:06")" \
        "eth5 bootferry-eth5 eth6 Wired connection 1 "
else
    skip "a pattern: NetworkManager does not run here"
fi
settle "a pattern"

tree
simple only $a 192.0.2.10/24
carry "an address and no name" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "an address and no name: becomes the interface's own" has "$r/$nm/only.nmconnection" interface-name=eth5
check "an address and no name: the old one is nowhere" lacks "$r/$nm/only.nmconnection" 192.0.2.10
check "an address and no name: no second profile" equal "$(ls "$r/$nm")" only.nmconnection
settle "an address and no name"

# Two interfaces of the plan and one such profile.
carry "an address and two names" "{\"match\": {\"name\": \"eth5\"}, $static}, {\"match\": {\"name\": \"eth6\"}, \"addresses\": [\"203.0.113.7/24\"]}"
check "an address and two names: the first has the profile" has "$r/$nm/only.nmconnection" interface-name=eth5
check "an address and two names: the second one of its own" has "$r/$nm/bootferry-eth6.nmconnection" "address1=203.0.113.7/24"
if judge_ready; then
    check "an address and two names: as NetworkManager has it" equal "$(activates "eth5:$mac1,eth6:$mac2")" "eth5 only eth6 bootferry-eth6 "
else
    skip "an address and two names: NetworkManager does not run here"
fi
settle "an address and two names"

# A network that the machine serves, and one that serves it; IPv6 without an address in the plan.
tree
profile lan.nmconnection <<E
[connection]
id=lan
uuid=$a
type=ethernet
interface-name=eth5

[ethernet]
cloned-mac-address=02:00:00:00:00:99

[ipv4]
method=shared
address1=192.0.2.1/24

[ipv6]
method=manual
address1=2001:db8::10/64,2001:db8::1
dns=2001:db8::53;
dns-search=example.org;
E
carry "a shared network" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", \"addresses\": [\"203.0.113.1/24\"]}"
check "a shared network: stays shared, IPv6 loses what was not planned" is "$r/$nm/lan.nmconnection" <<E
[connection]
id=lan
uuid=$a
type=ethernet
interface-name=eth5

[ethernet]
cloned-mac-address=02:00:00:00:00:99

[ipv4]
method=shared
address1=203.0.113.1/24

[ipv6]
method=link-local
E
check "a shared network: a MAC address of another's is named" says "gives eth5 the MAC address 02:00:00:00:00:99"
settle "a shared network"
carry "a network with a gateway" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", $static}"
check "a network with a gateway: is not shared" has "$r/$nm/lan.nmconnection" method=manual
if judge_ready; then
    check "a network with a gateway: NetworkManager takes it" equal "$(activates "eth5:$mac2")" "eth5 lan "
else
    skip "a network with a gateway: NetworkManager does not run here"
fi
settle "a network with a gateway"

# The slot and the driver of the old hardware.
tree
simple slot $a 192.0.2.10/24 interface-name=eth5 "[match]" "driver=e1000e;" "path=pci-0000:00:03.0;" "kernel-command-line=!off;"
carry "an old driver" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "an old driver: is no condition any more" is "$r/$nm/slot.nmconnection" <<E
[connection]
id=slot
uuid=$a
type=ethernet
interface-name=eth5
[match]
kernel-command-line=!off;

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;

[ipv6]
method=disabled
E
if judge_ready; then
    check "an old driver: NetworkManager activates it on the new one" equal "$(activates "eth5:$mac1")" "eth5 slot "
else
    skip "an old driver: NetworkManager does not run here"
fi
settle "an old driver"

tree
carry "no profile at all" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", $both}"
check "no profile at all: one is made" is "$r/$nm/bootferry-eth5.nmconnection" <<E
# Written by bootferry-finalize: the addresses of an interface in its new home.
[connection]
id=bootferry-eth5
uuid=$(sed -n 's/^uuid=//p' "$r/$nm/bootferry-eth5.nmconnection")
interface-name=eth5
type=ethernet

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
address2=203.0.113.6/24
dns=203.0.113.53;
dns-search=example.net;example.com;

[ipv6]
method=manual
address1=2001:db8:5::5/64,2001:db8:5::1
dns=2001:db8:5::53;
E
if judge_ready; then
    check "no profile at all: instead of the automatic one" equal "$(activates "eth5:$mac2")" "eth5 bootferry-eth5 "
else
    skip "no profile at all: NetworkManager does not run here"
fi
settle "no profile at all"

# ---- Devices on one another --------------------------------------------------------------------
# port NAME UUID LINK MASTER TYPE [LINE...]
port() {
    local name=$1 uuid=$2 link=$3 master=$4 type=$5
    shift 5
    {
        printf '[connection]\nid=%s\nuuid=%s\ntype=ethernet\ninterface-name=%s\nmaster=%s\nslave-type=%s\n' \
            "$name" "$uuid" "$link" "$master" "$type"
        [ $# = 0 ] || printf '%s\n' "$@"
    } | profile "$name.nmconnection"
}
tree
profile br.nmconnection <<E
[connection]
id=office bridge
uuid=$a
type=bridge
interface-name=br0

[bridge]
stp=false
mac-address=$mac1

[ipv4]
method=manual
address1=192.0.2.10/24,192.0.2.1

[ipv6]
method=disabled
E
port p5 $b eth5 $a bridge "[ethernet]" "mac-address=$mac1"
cp "$r/$nm/p5.nmconnection" "$work/p5"
carry "a bridge" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "a bridge: has the addresses, and the port's MAC address" is "$r/$nm/br.nmconnection" <<E
[connection]
id=office bridge
uuid=$a
type=bridge
interface-name=br0

[bridge]
stp=false
mac-address=$mac2

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;

[ipv6]
method=disabled
E
check "a bridge: the port is found by the new address" equal "$(cat "$r/$nm/p5.nmconnection")" "$(sed "s/$mac1/$mac2/" "$work/p5")"
if judge_ready; then
    seen=$(judge_networkmanager "eth5:$mac2")
    check "a bridge: NetworkManager makes it" matches "br0 *UP *203.0.113.5/24" "$seen"
    check "a bridge: with its port" matches "eth5:connected:p5" "$seen"
    check "a bridge: and the MAC address" matches "link br0 $mac2" "$seen"
else
    skip "a bridge: NetworkManager does not run here"
fi
settle "a bridge"

tree
profile bond0.nmconnection <<E
[connection]
id=bond0
uuid=$a
type=bond
interface-name=bond0
autoconnect-slaves=1

[ethernet]
cloned-mac-address=52-54-00-00-00-01

[bond]
mode=active-backup
primary=eth5
miimon=100

[ipv4]
method=disabled

[ipv6]
method=disabled
E
port p5 $b eth5 bond0 bond autoconnect=false
port p6 "${a%a}c" eth6 $a bond
profile vlan.nmconnection <<E
[connection]
id=servers
uuid=${a%a}d
type=vlan

[vlan]
id=7
parent=$a
flags=1

[ipv4]
method=manual
address1=192.0.2.10/24,192.0.2.1
E
put "$r/etc/systemd/network/10-eth5.link" <<<"[Match]
MACAddress=$mac1
[Link]
Name=eth5"
carry "a VLAN on a bond" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "a VLAN on a bond: the VLAN has the addresses" is "$r/$nm/vlan.nmconnection" <<E
[connection]
id=servers
uuid=${a%a}d
type=vlan

[vlan]
id=7
parent=$a
flags=1

[ipv4]
method=manual
address1=203.0.113.5/24,203.0.113.1
dns=203.0.113.53;
E
check "a VLAN on a bond: the bond's MAC address follows, its options stay" is "$r/$nm/bond0.nmconnection" <<E
[connection]
id=bond0
uuid=$a
type=bond
interface-name=bond0
autoconnect-slaves=1

[ethernet]
cloned-mac-address=$mac2

[bond]
mode=active-backup
primary=eth5
miimon=100

[ipv4]
method=disabled

[ipv6]
method=disabled
E
if judge_ready; then # this kernel makes neither; the files are taken
    seen=$(judge_networkmanager "eth5:$mac2")
    check "a VLAN on a bond: NetworkManager takes all files" equal 4 "$(grep -c '^profile .*/etc/' <<<"$seen")"
else
    skip "a VLAN on a bond: NetworkManager does not run here"
fi
settle "a VLAN on a bond"

tree
simple untagged $a 192.0.2.10/24 interface-name=eth5
profile vlan7.nmconnection <<E
[connection]
id=vlan7
uuid=$b
type=vlan
interface-name=vlan7

[ethernet]
mac-address=$mac1

[vlan]
id=7

[ipv4]
method=manual
address1=198.51.100.10/24
E
sed -i "s/^\[ipv4\]/[ethernet]\nmac-address=$mac1\n\n&/" "$r/$nm/untagged.nmconnection"
carry "a VLAN beside its NIC" "{\"match\": {\"name\": \"vlan7\"}, \"mac\": \"$mac2\", $static}"
check "a VLAN beside its NIC: gets the address" has "$r/$nm/vlan7.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "a VLAN beside its NIC: and its parent's new MAC address" has "$r/$nm/vlan7.nmconnection" "mac-address=$mac2"
check "a VLAN beside its NIC: which keeps its own address" has "$r/$nm/untagged.nmconnection" "address1=192.0.2.10/24,192.0.2.1"
settle "a VLAN beside its NIC"

# The card has no name in any file; the VLAN says its UUID or its MAC address.
for below in "parent=$a" id=7; do
    tree
    simple untagged $a 192.0.2.66/26
    sed -i "/^\[ipv4\]/,\$d" "$r/$nm/untagged.nmconnection"
    printf '[ethernet]\nmac-address=%s\n[ipv4]\nmethod=disabled\n' $mac1 >>"$r/$nm/untagged.nmconnection"
    profile vlan7.nmconnection <<E
[connection]
id=vlan7
uuid=$b
type=vlan
interface-name=vlan7

[ethernet]
mac-address=$mac1

[vlan]
id=7
$below

[ipv4]
method=manual
address1=192.0.2.10/24
E
    for match in "\"mac\": \"$mac1\"" '"name": "vlan7"' "\"name\": \"vlan7\", \"mac\": \"$mac1\"" "\"name\": \"eth5\", \"mac\": \"$mac1\""; do
        carry "a VLAN on a card by its MAC address ($below, $match)" "{\"match\": {$match}, \"mac\": \"$mac2\", $static}"
        check "a VLAN on a card by its MAC address: has the address" has "$r/$nm/vlan7.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
        check "a VLAN on a card by its MAC address: and its card's" has "$r/$nm/vlan7.nmconnection" "mac-address=$mac2"
        check "a VLAN on a card by its MAC address: the card has no address" has "$r/$nm/untagged.nmconnection" "method=disabled"
        check "a VLAN on a card by its MAC address: and its new MAC address" has "$r/$nm/untagged.nmconnection" "mac-address=$mac2"
        settle "a VLAN on a card by its MAC address"
    done
done

# Two interfaces whose MAC addresses change places.
tree
simple one $a 192.0.2.10/24 interface-name=lan0
simple two $b 192.0.2.11/24 interface-name=lan1
sed -i "s/^\[ipv4\]/[ethernet]\nmac-address=$mac1\ncloned-mac-address=stable\n\n&/" "$r/$nm/one.nmconnection"
sed -i "s/^\[ipv4\]/[ethernet]\nmac-address=${mac2^^}\ncloned-mac-address=${mac2^^}\n\n&/" "$r/$nm/two.nmconnection"
carry "an exchange" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static},
    {\"match\": {\"mac\": \"$mac2\"}, \"mac\": \"$mac1\", \"dhcp\": true}"
check "an exchange: the first" equal "$(grep mac-address "$r/$nm/one.nmconnection" | tr '\n' ' ')" "mac-address=$mac2 cloned-mac-address=stable "
check "an exchange: the second" equal "$(grep mac-address "$r/$nm/two.nmconnection" | tr '\n' ' ')" "mac-address=$mac1 cloned-mac-address=$mac1 "
check "an exchange: the address" has "$r/$nm/one.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "an exchange: and DHCP" has "$r/$nm/two.nmconnection" method=auto
if judge_ready; then
    check "an exchange: as NetworkManager has it" equal "$(activates "lan0:$mac2,lan1:$mac1")" "lan0 one lan1 two "
else
    skip "an exchange: NetworkManager does not run here"
fi
settle "an exchange"

# By the profile's name, and only the MAC address.
tree
simple office $a 192.0.2.10/24 interface-name=eth5
sed -i "s/^\[ipv4\]/[ethernet]\nmac-address=$mac1\n\n&/" "$r/$nm/office.nmconnection"
carry "the profile's name" "{\"match\": {\"name\": \"office\"}, \"mac\": \"$mac2\"}"
check "the profile's name: only the MAC address is another" equal "$(grep -E 'mac-address|address1' "$r/$nm/office.nmconnection" | tr '\n' ' ')" \
    "mac-address=$mac2 address1=192.0.2.10/24,192.0.2.1 "
settle "the profile's name"

# Leases of the old network.
put "$r/var/lib/NetworkManager/internal-$a-eth5.lease" <<<"ADDRESS=192.0.2.77"
put "$r/var/lib/NetworkManager/internal-$a-eth6.lease" <<<"ADDRESS=192.0.2.78"
put "$r/var/lib/NetworkManager/secret_key" <<<"nm-v2:x"
carry "a lease" "{\"match\": {\"name\": \"eth5\"}, \"mac\": \"$mac2\", \"dhcp\": true}"
check "a lease: goes, another interface's stays" equal "$(cd "$r/var/lib/NetworkManager" && echo *)" "internal-$a-eth6.lease secret_key"
settle "a lease"

# ---- NetworkManager's own configuration ----------------------------------------------------------
tree
simple office $a 192.0.2.10/24 interface-name=eth5
put "$r/etc/NetworkManager/conf.d/10-off.conf" <<<"[keyfile]
unmanaged-devices=interface-name:eth?,except:interface-name:eth6"
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "unmanaged: refused" refused "leaves eth5 to others"
put "$r/etc/NetworkManager/conf.d/20-on.conf" <<<"[keyfile]
unmanaged-devices=none"
carry "unmanaged, and no more" "{\"match\": {\"name\": \"eth5\"}, $static}"
settle "unmanaged, and no more"
put "$r/etc/NetworkManager/conf.d/20-on.conf" <<<"[device-a]
match-device=interface-name:eth5
managed=0
[device-b]
match-device=interface-name:eth*
managed=1"
rm "$r/etc/NetworkManager/conf.d/10-off.conf"
check "[device]: the first section of a file counts" refused "leaves eth5 to others"
put "$r/etc/NetworkManager/conf.d/30-on.conf" <<<"[device-c]
match-device=interface-name:eth*
managed=1"
carry "[device]: of a later file" "{\"match\": {\"name\": \"eth5\"}, $static}"
if judge_ready; then
    check "[device]: so does NetworkManager" equal "$(activates "eth5:$mac1")" "eth5 office "
else
    skip "[device]: NetworkManager does not run here"
fi
settle "[device]: of a later file"
put "$r/etc/NetworkManager/conf.d/99-broken.conf" <<<"; none"
check "a configuration with which it does not start: refused" refused "/etc/NetworkManager/conf.d/99-broken.conf, line 1"

# Another folder for profiles.
tree
put "$r/etc/NetworkManager/conf.d/path.conf" <<<"[keyfile]
path=/etc/profiles"
simple unread $a 192.0.2.10/24 interface-name=eth5
simple read $b 192.0.2.11/24 interface-name=eth5
mkdir "$r/etc/profiles"
mv "$r/$nm/read.nmconnection" "$r/etc/profiles/"
carry "another folder" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "another folder: is the one that counts" has "$r/etc/profiles/read.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
settle "another folder"

# ifupdown's interfaces are not NetworkManager's.
tree
echo x >"$r/usr/sbin/ifup"
ln -s /lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
put "$r/etc/network/interfaces" <<'E'
auto eth5
iface eth5 inet static
    address 192.0.2.10/24
E
simple office $a 192.0.2.11/24 interface-name=eth5
simple other $b 192.0.2.12/24 interface-name=eth6
carry "ifupdown beside it" "{\"match\": {\"name\": \"eth5\"}, $static}, {\"match\": {\"name\": \"eth6\"}, \"dhcp\": true}"
check "ifupdown beside it: has its own interface" has "$r/etc/network/interfaces" "    address 203.0.113.5/24"
check "ifupdown beside it: a profile for that is not in force" has "$r/$nm/office.nmconnection" "address1=192.0.2.11/24,192.0.2.1"
check "ifupdown beside it: the other is NetworkManager's" has "$r/$nm/other.nmconnection" method=auto
if judge_ready; then
    check "ifupdown beside it: NetworkManager keeps off" matches "eth5:unmanaged:" "$(judge_networkmanager "eth5:$mac1")"
else
    skip "ifupdown beside it: NetworkManager does not run here"
fi
settle "ifupdown beside it"

# Ubuntu's server leaves cables to others, unless netplan hands them over.
tree
put "$r/usr/lib/NetworkManager/conf.d/10-globally-managed-devices.conf" <<<"[keyfile]
unmanaged-devices=*,except:type:wifi,except:type:gsm"
simple office $a 192.0.2.10/24 interface-name=eth5
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "Ubuntu's server: NetworkManager is not in use" refused "is in use here"
put "$r/etc/netplan/01.yaml" <<<"network:
  version: 2
  renderer: NetworkManager"
carry "Ubuntu's desktop" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "Ubuntu's desktop: the profile is in force" has "$r/$nm/office.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
settle "Ubuntu's desktop"

# Enabled by its alias of D-Bus alone, by OpenRC, and masked.
tree
simple office $a 192.0.2.10/24 interface-name=eth5
rm "$r/etc/systemd/system/multi-user.target.wants/NetworkManager.service"
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
refute "not enabled: not in use" run
ln -s /lib/systemd/system/NetworkManager.service "$r/etc/systemd/system/dbus-org.freedesktop.NetworkManager.service"
carry "the alias" "{\"match\": {\"name\": \"eth5\"}, $static}"
settle "the alias"
ln -s /dev/null "$r/etc/systemd/system/NetworkManager.service"
refute "masked: not in use" run
rm "$r/etc/systemd/system"/*NetworkManager.service
rm "$r/usr/lib/systemd/systemd"
mkdir -p "$r/etc/runlevels/default" "$r/sbin"
echo x >"$r/sbin/openrc"
ln -s /etc/init.d/NetworkManager "$r/etc/runlevels/default/"
carry "OpenRC" "{\"match\": {\"name\": \"eth5\"}, $static}"
settle "OpenRC"

# ---- Odd trees -----------------------------------------------------------------------------------
tree
simple office $a 192.0.2.10/24 interface-name=eth5
rm "$r/$nm/office.nmconnection"
mkdir -p "$r/etc/NetworkManager/kept"
simple office $a 192.0.2.10/24 interface-name=eth5
mv "$r/$nm/office.nmconnection" "$r/etc/NetworkManager/kept/"
ln -s ../kept/office.nmconnection "$r/$nm/office.nmconnection"
mkfifo -m 600 "$r/$nm/fifo"
mkdir "$r/$nm/folder"
ln -s nowhere "$r/$nm/dangling"
ln -s /dev/null "$r/$nm/${a%a}f.nmmeta"
printf '[connection]\nid=nul\0\ntype=ethernet\n[ipv4\n' | profile nul
head -c 5000 /dev/zero | tr '\0' '[' | profile brackets
carry "odd files" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "odd files: a link's target is rewritten" has "$r/etc/NetworkManager/kept/office.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "odd files: the link stays" test -L "$r/$nm/office.nmconnection"
settle "odd files"

tree
simple office $a 192.0.2.10/24 interface-name=eth5
(cd "$r/$nm" && seq 1100 | sed 's/^/x/' | xargs touch)
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "a thousand files: refused" refused "has more than 1024 files"

tree
simple gone $a 192.0.2.10/24 interface-name=eth5
ln -s /dev/null "$r/$nm/$a.nmmeta"
carry "a tombstone" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "a tombstone: its profile stays as it is" has "$r/$nm/gone.nmconnection" "address1=192.0.2.10/24,192.0.2.1"
check "a tombstone: there is a new one" has "$r/$nm/bootferry-eth5.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
if judge_ready; then
    check "a tombstone: as NetworkManager has it" equal "$(activates "eth5:$mac1")" "eth5 bootferry-eth5 "
else
    skip "a tombstone: NetworkManager does not run here"
fi
settle "a tombstone"

tree
profile manual.nmconnection <<E
[connection]
id=manual
uuid=$a
type=ethernet
interface-name=eth5
autoconnect=false

[ipv4]
method=manual
address1=192.0.2.10/24
E
simple top $b 192.0.2.11/24 autoconnect-priority=999 "[match]" "interface-name=e*;"
plan_of "{\"match\": {\"name\": \"eth5\"}, $static}"
check "nothing comes before a priority of 999: refused" refused "999"
rm "$r/$nm/top.nmconnection"
carry "not by itself" "{\"match\": {\"name\": \"eth5\"}, $static}"
check "not by itself: another is made" has "$r/$nm/bootferry-eth5.nmconnection" "address1=203.0.113.5/24,203.0.113.1"
check "not by itself: its address is named" says "keeps 192.0.2.10/24"
if judge_ready; then
    check "not by itself: NetworkManager activates ours" equal "$(activates "eth5:$mac1")" "eth5 bootferry-eth5 "
else
    skip "not by itself: NetworkManager does not run here"
fi
settle "not by itself"

# Without a profile NetworkManager brings up what there is, so the MAC address is enough.
tree
carry "no profile, by MAC address" "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "no profile: the new one is for the MAC address" has "$r/$nm/bootferry-525400000002.nmconnection" "mac-address=$mac2"
if judge_ready; then
    check "no profile: NetworkManager activates ours" equal "$(activates "eth5:$mac2")" "eth5 bootferry-525400000002 "
else
    skip "no profile: NetworkManager does not run here"
fi
settle "no profile, by MAC address"
simple eth9 $a 192.0.2.10/24 interface-name=eth9
simple eth8 $b 192.0.2.11/24 interface-name=eth8
plan_of "{\"match\": {\"mac\": \"$mac1\"}, \"mac\": \"$mac2\", $static}"
check "not where other interfaces have profiles: refused" refused "add match.name to the plan"
finish
