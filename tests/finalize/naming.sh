#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Names of interfaces: files that give them, in all folders and spellings, what is written so that they stay, and
# leases of the old home. udev itself, and the helper that exchanges names, judge.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022

r=$work/root
bare() { # with udev as SYSTEMD: systemd's; CLASSIC: one without .link files; MDEV: BusyBox
    rm -rf "$r"
    mkdir -p "$r"/{usr/sbin,usr/bin,usr/lib,var/lib,etc/systemd/system/multi-user.target.wants}
    ln -s usr/lib "$r/lib"
    ln -s usr/sbin "$r/sbin"
    put "$r/etc/os-release" <<<"ID=debian"
    put "$r/etc/fstab" <<<"UUID=1 / ext4 defaults 0 1"
    echo x >"$r/usr/sbin/ifup"
    echo x >"$r/usr/sbin/ip"
    case $1 in
    SYSTEMD)
        put "$r/usr/lib/systemd/systemd" <<<x
        put "$r/usr/lib/systemd/systemd-udevd" <<<x
        put "$r/usr/lib/systemd/libsystemd-shared-${2:-252}.so" <<<x
        ln -s /usr/lib/systemd/system/networking.service "$r/etc/systemd/system/multi-user.target.wants/"
        ;;
    CLASSIC)
        put "$r/etc/inittab" <<<x
        echo x >"$r/usr/sbin/udevd"
        ;;
    MDEV)
        put "$r/etc/inittab" <<<x
        put "$r/etc/mdev.conf" <<<'-net/.*	root:root 600 @nameif'
        ;;
    esac
}
interfaces() { # NAME...: each with an address of its own
    local i=10 name
    mkdir -p "$r/etc/network"
    for name; do
        printf 'auto %s\niface %s inet static\n    address 192.0.2.%s/24\n' "$name" "$name" $i
        i=$((i + 1))
    done >"$r/etc/network/interfaces"
}
link() { printf '[Match]\n%s\n\n[Link]\nName=%s\n' "$2" "$3" | put "$r/$1"; } # FILE MATCH NAME
one=52:54:00:00:00:01 two=52:54:00:00:00:02 three=52:54:00:00:00:03 four=52:54:00:00:00:04
static='"addresses": ["203.0.113.5/24"], "gateway": "203.0.113.1"'
moves="\"match\": {\"mac\": \"$one\"}, \"mac\": \"$two\""
links=etc/systemd/network rules=etc/udev/rules.d
ours() { echo "$r/$links/00-bootferry-$1.link"; }
absent() { [ ! -e "$1" ]; }
rule() { printf 'SUBSYSTEM=="net", ACTION=="add", %s\n' "$1"; }

# found WHAT FILE: the interface is found by its MAC address through that file (standard input), beside another one.
found() {
    local what=$1 file=$2
    bare "${3:-SYSTEMD}"
    interfaces lan0 lan1
    put "$r/$file"
    plan_of "{$moves, $static}"
    check "found: $what" run
    check "found: $what: it gets the address" has "$r/etc/network/interfaces" "    address 203.0.113.5/24"
    check "found: $what: the other keeps its own" has "$r/etc/network/interfaces" "    address 192.0.2.11/24"
    check "found: $what: second run" again
}

# ---- How a file names an interface -------------------------------------------------------------
found "a .link file" $links/10-lan.link <<EOF
[Match]
MACAddress=$one

[Link]
Name=lan0
EOF
found "several addresses, with dashes and capital letters" $links/10-lan.link <<'EOF'
[Match]
MACAddress=52:54:00:00:00:07 52:54:00:00:00:08
MACAddress=52-54-00-00-00-0A 52-54-00-00-00-01
[Link]
Name=lan0
EOF
check "spelt as it was" has "$r/$links/10-lan.link" "MACAddress=52-54-00-00-00-0A 52-54-00-00-00-02"
found "a .link file, dotted, in /usr/local/lib" usr/local/lib/systemd/network/10-lan.link <<'EOF'
[Match]
PermanentMACAddress=5254.0000.0001
Type=ether
[Link]
Name=lan0
MTUBytes=9000
EOF
check "it follows where it stands" has "$r/usr/local/lib/systemd/network/10-lan.link" "PermanentMACAddress=5254.0000.0002"
check "and needs none of ours" absent "$(ours lan0)"
found "a rule" $rules/70-persistent-net.rules <<<"$(rule "ATTR{address}==\"$one\", NAME=\"lan0\"")"
found "a rule over several lines" $rules/70-my.rules <<EOF
# old: $one
SUBSYSTEM=="net", ACTION=="add", \\
  ATTR{address}=="$one", \\
  NAME="lan0"
EOF
check "a comment keeps its bytes" has "$r/$rules/70-my.rules" "# old: $one"
check "the rule follows" has "$r/$rules/70-my.rules" "  ATTR{address}==\"$two\", \\"
found "a rule with ATTRS and NAME:=" usr/lib/udev/rules.d/60-x.rules <<<"$(rule "ATTRS{address}==\"52:54:00:00:00:07|$one\", NAME:=\"lan0\"")"
found "a rule of old, with SYSFS" $rules/z.rules <<<"SUBSYSTEM==\"net\",SYSFS{address}==\"$one\",NAME=\"lan0\""
found "mactab" etc/mactab MDEV <<<"lan0 mac=$one"
check "mactab: follows" is "$r/etc/mactab" <<<"lan0 $two"
check "mactab: no .link file" absent "$r/$links"

bare SYSTEMD
interfaces lan0 lan1
link $links/10-lan.link "MACAddress=$one" lan1
ln -s /dev/null "$r/$links/20-hidden.link"
link usr/lib/systemd/network/10-lan.link "MACAddress=$one" lan0
link usr/lib/systemd/network/05-lan.link.d/x.link "MACAddress=$three" lan1
link usr/lib/systemd/network/20-hidden.link "MACAddress=$four" lan0
plan_of "{$moves, $static}"
check "a file of /etc hides that of the same name in /usr/lib" run
check "the one in /etc decides" has "$r/etc/network/interfaces" "    address 192.0.2.10/24"
plan_of "{\"match\": {\"mac\": \"$four\"}, $static}"
refute "a masked file names nothing" run

bare SYSTEMD
interfaces lan0 lan1
link $links/10-lan.link "MACAddress=52:54:00:00:00:07" lan1
put "$r/usr/lib/systemd/network/10-lan.link.d/mac.conf" <<EOF
[Match]
MACAddress=
MACAddress=$one
[Link]
Name=lan0
EOF
plan_of "{$moves, $static}"
check "drop-ins count, and an empty value begins anew" run
check "by the drop-in it is lan0" has "$r/etc/network/interfaces" "    address 192.0.2.11/24"

bare SYSTEMD
interfaces lan0 lan1
put "$r/$links/10-lan.link" <<EOF
[Match]
MACAddress=$one
[Link]
Name=lan0
AlternativeName=office
EOF
plan_of "{\"match\": {\"name\": \"office\"}, $static}"
check "an alternative name" run
check "is that of the interface" has "$r/etc/network/interfaces" "    address 203.0.113.5/24"

# ---- Contradictions ----------------------------------------------------------------------------
refuses() { # WHAT NIC: refused, naming both places or the one
    plan_of "{$2, $static}"
    refute "refused: $1" run
    shift 2
    for word; do check "refused: it says $word" says "$word"; done
}
both() {
    bare SYSTEMD
    interfaces lan0 wan0
}
both
{
    rule "ATTR{address}==\"$one\", NAME=\"lan0\""
    rule "ATTR{address}==\"$two\", NAME=\"wan0\""
} | put "$r/$rules/70-persistent-net.rules"
refuses "name and MAC address of two interfaces" "\"match\": {\"name\": \"wan0\", \"mac\": \"$one\"}" \
    "belongs to lan0" "70-persistent-net.rules, line 1"
refuses "the same the other way" "\"match\": {\"name\": \"lan0\", \"mac\": \"$two\"}" "line 2"
refuses "an unknown MAC address for a name that has another" "\"match\": {\"name\": \"lan0\", \"mac\": \"$three\"}" "$one"
both
rule "ATTR{address}==\"$one\", NAME=\"lan0\"" | put "$r/$rules/60-a.rules"
rule "ATTR{address}==\"$one\", NAME=\"wan0\"" | put "$r/$rules/70-b.rules"
refuses "of rules in two files the later one counts" "\"match\": {\"name\": \"lan0\", \"mac\": \"$one\"}" "70-b.rules"
both
rule "ATTR{address}==\"$one\", NAME:=\"lan0\"" | put "$r/$rules/60-a.rules"
rule "ATTR{address}==\"$one\", NAME=\"wan0\"" | put "$r/$rules/70-b.rules"
refuses "NAME:= is final" "\"match\": {\"name\": \"wan0\", \"mac\": \"$one\"}" "60-a.rules"
both
link $links/10.link "MACAddress=$one" lan0
rule "ATTR{address}==\"$one\", NAME=\"wan0\"" | put "$r/$rules/70-b.rules"
refuses "a rule goes before a .link file" "\"match\": {\"name\": \"lan0\", \"mac\": \"$one\"}" "70-b.rules"
both
link $links/10.link "MACAddress=$one" lan0
link $links/20.link "MACAddress=$one" wan0
refuses "of two .link files the first counts" "\"match\": {\"name\": \"wan0\", \"mac\": \"$one\"}" "10.link, line 5"
both
{
    rule "ATTR{address}==\"$three\", NAME=\"lan0\""
    rule "ATTR{address}==\"$one\", NAME=\"lan0\""
} | put "$r/$rules/70-persistent-net.rules"
plan_of "{\"match\": {\"name\": \"lan0\", \"mac\": \"$one\"}, \"mac\": \"$two\", $static}"
check "a name with the rules of two cards, one replaced by the other" run
both
rule "ATTR{address}==\"$one\", NAME=\"lan0\"" | sed 's/add/remove/' | put "$r/$rules/70.rules"
printf 'SUBSYSTEM=="usb", ATTR{address}=="%s", NAME="lan0"\n' $one | put "$r/$rules/71.rules"
refuses "rules about something else name nothing" "\"match\": {\"mac\": \"$one\"}" "nothing in this system says"

# ---- What is written ---------------------------------------------------------------------------
bare SYSTEMD
interfaces enp0s3
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"enp0s3\"}, \"mac\": \"$two\", $static}"
check "a .link file" run
check "by the new MAC address" is "$(ours enp0s3)" <<EOF
# Written by bootferry-finalize: keeps the interface's name in its new home.
[Match]
Type=ether
MACAddress=$two

[Link]
Name=enp0s3
EOF
check "one card needs no helper" absent "$r/usr/lib/bootferry"
check "second run" again
check "undo" undone "$before"

bare SYSTEMD
interfaces lan0
put "$r/$links/10-lan.link" <<'EOF'
[Match]
Path=pci-0000:02:00.0

[Link]
Description=first port
NamePolicy=kernel
Name=lan0
WakeOnLan=magic
MTUBytes=9000
EOF
plan_of "{\"match\": {\"name\": \"lan0\"}, \"mac\": \"$two\", $static}"
check "a name by slot" run
check "ours has the settings of the file that decided before" is "$(ours lan0)" <<EOF
# Written by bootferry-finalize: keeps the interface's name in its new home.
[Match]
Type=ether
MACAddress=$two

[Link]
Name=lan0
WakeOnLan=magic
MTUBytes=9000
EOF
check "a name by slot: second run" again

bare SYSTEMD
interfaces lan0 lan1
put "$r/$links/10-lan1.link" <<'EOF'
[Match]
Path=pci-0000:02:00.1
[Link]
Name=lan1
EOF
plan_of "{\"match\": {\"name\": \"lan0\"}, \"mac\": \"$two\", $static}"
check "an interface beside the plan, named by its slot" run
check "is warned of with file and line" says "10-lan1.link, line 4"
bare SYSTEMD
interfaces lan0 lan1
plan_of "{\"match\": {\"name\": \"lan0\"}, $static}"
check "no MAC address, and several cards" run
check "it is not guessed" absent "$(ours lan0)"
check "and said" says "its MAC address is not known"

bare SYSTEMD
interfaces wlan0
plan_of "{\"match\": {\"name\": \"wlan0\"}, \"mac\": \"$two\", $static}"
check "Wi-Fi" run
check "is of another type" has "$(ours wlan0)" "Type=wlan"

# A VLAN's name, and a bridge's.
for device in vlan10 br0; do
    bare SYSTEMD
    ln -s /usr/lib/systemd/system/systemd-networkd.service "$r/etc/systemd/system/multi-user.target.wants/"
    rm "$r/usr/sbin/ifup"
    put "$r/$links/10-eth0.network" <<<"[Match]
Name=eth0
[Network]
$([ $device = br0 ] && echo Bridge=br0 || echo VLAN=vlan10)"
    put "$r/$links/20.netdev" <<<"[NetDev]
Name=$device
Kind=$([ $device = br0 ] && echo bridge || printf 'vlan\n[VLAN]\nId=10')"
    put "$r/$links/30.network" <<<"[Match]
Name=$device
[Network]
Address=192.0.2.10/24"
    for mac in ", \"mac\": \"$one\"" ''; do
        plan_of "{\"match\": {\"name\": \"$device\"$mac}, \"mac\": \"$two\", $static}"
        check "$device${mac:+ with a MAC address}" run
        check "$device: no hardware gets its name" absent "$(ours $device)"
        [ $device = vlan10 ] || check "$device: its port keeps its own" has "$(ours eth0)" "Name=eth0"
    done
done

# ---- Another udev, mdev, none ------------------------------------------------------------------
bare CLASSIC
interfaces eth0 eth1
rule "DRIVERS==\"?*\", ATTR{address}==\"$one\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"eth0\"" |
    put "$r/$rules/70-persistent-net.rules"
before=$(snapshot "$r")
plan_of "{$moves, $static}, {\"match\": {\"name\": \"eth1\"}, \"mac\": \"$three\"}"
check "udev without .link files" run
check "rules: the old one follows, a new one is added" is "$r/$rules/70-persistent-net.rules" <<EOF
SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="$two", ATTR{type}=="1", KERNEL=="eth*", NAME="eth0"
# Written by bootferry-finalize
SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="$three", ATTR{type}=="1", NAME="eth1"
EOF
check "rules: no .link file" absent "$r/$links"
check "rules: no unit of systemd" absent "$r/usr/lib/bootferry"
check "rules: that names may not be exchanged is said" says "may not exchange names"
check "rules: second run" again
check "rules: undo" undone "$before"
put "$r/usr/lib/udev/write_net_rules" <<<x
check "rules: with its generator udev exchanges names" run
refute "rules: so nothing is said" says "may not exchange names"

bare CLASSIC
interfaces eth0
rule "ATTR{address}==\"$one\", DRIVERS==\"e1000\", NAME=\"eth0\"" | put "$r/$rules/70-persistent-net.rules"
plan_of "{$moves, $static}"
check "a rule that wants the old driver" run
check "is not enough" has "$r/$rules/70-persistent-net.rules" "$(rule "DRIVERS==\"?*\", ATTR{address}==\"$two\", ATTR{type}==\"1\", NAME=\"eth0\"")"

bare MDEV
interfaces wan lan
plan_of "{\"match\": {\"name\": \"wan\"}, \"mac\": \"$two\", $static}"
check "mdev" run
check "mdev: mactab" is "$r/etc/mactab" <<<"wan $two"
check "mdev: second run" again
bare MDEV
interfaces eth0 eth1
plan_of "{\"match\": {\"name\": \"eth0\"}, \"mac\": \"$two\", $static}"
check "mdev: eth0 and eth1" run
check "mdev: what nameif cannot do is said" says "nameif cannot exchange names"
bare MDEV
: >"$r/etc/mdev.conf"
interfaces wan
plan_of "{\"match\": {\"name\": \"wan\"}, \"mac\": \"$two\", $static}"
check "mdev without nameif: wan" run
check "mdev without nameif: said" says "nothing here names interfaces by their MAC address"
bare none
put "$r/etc/inittab" <<<x
interfaces eth0
plan_of "{\"match\": {\"name\": \"eth0\"}, \"mac\": \"$two\", $static}"
check "neither udev nor mdev" run
check "neither: said" says "neither udev nor mdev"

# ---- Names of the kernel's kind ----------------------------------------------------------------
swap="{\"match\": {\"name\": \"eth0\", \"mac\": \"$one\"}, \"mac\": \"$two\", $static},
    {\"match\": {\"name\": \"eth1\"}, \"mac\": \"$three\", \"addresses\": [\"198.51.100.20/24\"]}"
bare SYSTEMD
interfaces eth0 eth1
before=$(snapshot "$r")
plan_of "$swap"
check "eth0 and eth1" run
check "the table" is "$r/usr/lib/bootferry/names" <<EOF
$two eth0
$three eth1
EOF
check "the unit is wanted" has "$r/etc/systemd/system/sysinit.target.d/bootferry-names.conf" "Wants=bootferry-names.service"
check "before the network" matches "network-pre.target" "$(grep ^Before= "$r/etc/systemd/system/bootferry-names.service")"
check "the script can be executed" test -x "$r/usr/lib/bootferry/keep-names"
check "it is said" says "eth0, eth1"
if command -v shellcheck >/dev/null; then
    check "the script: shellcheck" shellcheck -s sh "$r/usr/lib/bootferry/keep-names"
fi
check "kernel's names: second run" again
cp -a "$r" "$work/swap"
check "kernel's names: undo" undone "$before"
rm -rf "$r"
mv "$work/swap" "$r"
plan_of "{\"match\": {\"name\": \"enp1s0\"}, \"mac\": \"$four\"}"
interfaces enp1s0
check "another plan" run
check "takes the helper away" absent "$r/usr/lib/bootferry/names"
check "and the wish for it" absent "$r/etc/systemd/system/sysinit.target.d/bootferry-names.conf"

bare SYSTEMD
rm "$r/usr/sbin/ip"
interfaces eth0 eth1
plan_of "$swap"
check "no ip command" run
check "no ip command: said" says "needs the ip command"
bare SYSTEMD 239
interfaces ens3
plan_of "{\"match\": {\"name\": \"ens3\"}, \"mac\": \"$two\", $static}"
check "a systemd that keeps the initramfs' names" run
check "gets the helper" has "$r/usr/lib/bootferry/names" "$two ens3"

if judge_ready; then
    bare SYSTEMD
    interfaces eth0 eth1
    plan_of "$swap"
    run
    # LINKS, and what they must be called once udev and the helper were at work.
    named() {
        local what=$1 links=$2 seen
        shift 2
        seen=$(judge_run "$links" "in_udev $(judge_names "$links") >/dev/null
            sh /usr/lib/bootferry/keep-names && sh /usr/lib/bootferry/keep-names >/tmp/again && [ ! -s /tmp/again ]
            echo \"status \$?\"
            for at in /sys/class/net/*; do echo \"\$(cat \$at/address) \${at##*/}\"; done") || true
        grep -qx "status 0" <<<"$seen" || { echo "$seen"; return 1; }
        for wanted; do grep -qx "$wanted" <<<"$seen" || { echo "wanted $wanted: $seen"; return 1; }; done
    }
    judged() { check "judged: $1" named "$@"; }
    judged "the same order" "eth0:$two,eth1:$three" "$two eth0" "$three eth1"
    judged "the other order" "eth0:$three,eth1:$two" "$two eth0" "$three eth1"
    judged "a third one in front" "eth0:$four,eth1:$two,eth2:$three" "$two eth0" "$three eth1" "$four eth2"
    judged "a third one between" "eth0:$three,eth1:$four,eth2:$two" "$two eth0" "$three eth1" "$four eth2"
    judged "predictable names" "ens3:$three,ens4:$two" "$two eth0" "$three eth1"
    kernels_names() { # with net.ifnames=0 a .link file's Name= still counts
        matches "$two eth0" "$(judge_run "eth5:$two" "export SYSTEMD_PROC_CMDLINE=net.ifnames=0; in_udev eth5")"
    }
    check "judged: net.ifnames=0" kernels_names
    judged "one is missing" "eth0:$three" "$three eth1"
    judged "one is missing, another has its name" "eth0:$four,eth1:$two" "$two eth0" "$four eth1"
    dash_up() {
        judge_run "eth0:$three,eth1:$two" "ip link set eth0 up; ip link add br0 type bridge; ip link set br0 address $two
            dash /usr/lib/bootferry/keep-names; for at in /sys/class/net/*; do echo \"\$(cat \$at/address) \${at##*/}\"; done" >"$work/up" 2>&1
        grep -qx "$two eth0" "$work/up" && grep -qx "$three eth1" "$work/up" && grep -qx "$two br0" "$work/up"
    }
    check "judged: a card that is up, and a bridge with the same address" dash_up

    if busybox --list 2>/dev/null | grep -qx nameif; then
        bare MDEV
        interfaces wan
        plan_of "{\"match\": {\"name\": \"wan\"}, \"mac\": \"$two\", $static}"
        run
        by_nameif() {
            matches "wan.*$two" "$(unshare -n sh -c "ip link add eth7 address $two type veth peer name p0
                busybox nameif -c '$r/etc/mactab'; ip -o link")"
        }
        check "judged: nameif reads mactab" by_nameif
    fi

    bare SYSTEMD
    interfaces lan0 lan1
    link $links/10.link "MACAddress=$one" lan0
    rule "ATTR{address}==\"$one\", NAME=\"lan1\"" | put "$r/$rules/70.rules"
    check "judged: a rule goes before a .link file" matches "$one lan1" "$(judge_udev eth0:$one)"
    rm "$r/$rules/70.rules"
    plan_of "{$moves, $static}"
    run
    check "judged: a file that follows names the card" matches "$two lan0" "$(judge_udev eth0:$two)"
    link $links/05.link "OriginalName=*" lan1
    run
    check "judged: ours goes before a file that matches everything" matches "$two lan0" "$(judge_udev eth0:$two)"
else
    skip "judged: udev and the helper" "no root, or no judges"
fi

# ---- Leases ------------------------------------------------------------------------------------
bare SYSTEMD
interfaces eth0 eth1
lease() { put "$r/var/lib/$1" <<<"lease {
  interface \"${2:-eth0}\";
  fixed-address 192.0.2.10;
}"; }
gone='dhcp/dhclient.eth0.leases dhcp/dhclient6.eth0.leases dhcp/dhclient.leases dhclient/dhclient-4e0c-eth0.lease
    NetworkManager/internal-4e0c-eth0.lease dhcpcd/eth0.lease wicked/lease-eth0-dhcp-ipv4.xml'
kept='dhcp/dhclient.eth1.leases dhcp/dhclient.eth0.10.leases NetworkManager/internal-4e0c-eth1.lease dhcpcd/eth1.lease
    dhcpcd/duid wicked/duid.xml wicked/lease-eth0.10-dhcp-ipv4.xml dhcp/other-eth0.txt'
for file in $gone $kept; do lease "$file"; done
lease dhcp/dhclient6.leases eth1
before=$(snapshot "$r")
plan_of "{\"match\": {\"name\": \"eth0\", \"mac\": \"$one\"}, \"mac\": \"$two\", $static}"
check "leases" run
for file in $gone; do check "a lease goes: $file" absent "$r/var/lib/$file"; done
for file in $kept dhcp/dhclient6.leases; do check "stays: $file" test -e "$r/var/lib/$file"; done
check "leases: the reason" says "a lease of the old home"
check "leases: second run" again
check "leases: undo" undone "$before"
plan_of "{\"match\": {\"name\": \"eth0\", \"mac\": \"$one\"}}"
check "an interface that keeps all" run
check "keeps its lease" test -e "$r/var/lib/dhcp/dhclient.eth0.leases"

# ---- Odd and hostile input ---------------------------------------------------------------------
bare SYSTEMD
interfaces lan0 lan1
backslash=$(printf '\134')
{
    echo "SUBSYSTEM==\"net\", $backslash"
    printf 'NAME="lan0\n\0"\n=="\nATTR{address}=="", NAME=""\nNAME="../../x", ATTR{address}=="%s"\n' $one
    printf 'ATTR{address}=="%s", NAME="lan%%n"\n' $one
    printf 'ATTR{address}=="%s" NAME="a-name-that-is-too-long"\n' $one
    printf '%s\n%s' "$backslash" "$backslash"
} | put "$r/$rules/00-odd.rules"
head -c 100000 /dev/zero | tr '\0' '\134' | put "$r/$rules/01-odd.rules"
printf '[Match\nMACAddress=%s\n[Link]\nName=\n=\n[Match]\nMACAddress=zz 5:5 %s' $one "$one$one" | put "$r/$links/00-odd.link"
printf '[Match]\nMACAddress=%s\n[Link]\nName=../../../etc/passwd\n' $one | put "$r/$links/01-odd.link"
plan_of "{$moves, $static}"
refute "odd files name nothing" run
check "odd files: refused for that" says "nothing in this system says"
rule "ATTR{address}==\"$one\", NAME=\"lan0\"" | put "$r/$rules/99.rules"
check "odd files beside a good one" run
check "odd files: second run" again
finish
