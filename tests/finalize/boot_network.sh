#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network of an initramfs (dropbear, clevis, iSCSI): ip=, ifname= and nameserver= on the kernel's command lines and
# IP= of initramfs-tools follow the plan; klibc's ipconfig, which initramfs-tools runs, judges the result.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/judge.sh
. "$(dirname "$0")/judge.sh"
umask 022
r=$work/root
devices "$work/devices"
run() { finalize "$r" "$work/plan"; }
tree() {
    rm -rf "$r"
    debian "$r"
    ifupdown "$r"
    plan "$work/plan"
}
# word WORD: what becomes of it in grub.cfg, /etc/default/grub and a loader entry, which must agree.
word() {
    tree
    [ -z "${edit:-}" ] || jq "$edit" "$work/plan" >"$work/p" && mv -f "$work/p" "$work/plan" 2>/dev/null
    sed -i "s|ro quiet|ro $1 quiet|" "$r/boot/grub/grub.cfg"
    sed -i "s|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX=\"$1\"|" "$r/etc/default/grub"
    put "$r/boot/efi/loader/entries/a.conf" <<<"options ro $1 quiet"
    run >&2 || return 1
    local cfg default entry
    cfg=$(sed -nE 's|.* ro (.*) quiet.*|\1|p' "$r/boot/grub/grub.cfg" | head -n 1)
    default=$(sed -nE 's|^GRUB_CMDLINE_LINUX="([^"]*)".*|\1|p' "$r/etc/default/grub" | sed 's/ console=.*//')
    entry=$(sed -nE 's|^options ro (.*) quiet.*|\1|p' "$r/boot/efi/loader/entries/a.conf")
    equal "$cfg" "$default" >&2 && equal "$cfg" "$entry" >&2 && echo "$cfg"
}
becomes() { equal "$2" "$(word "$1")"; }

check "a static address in the kernel's form" becomes \
    ip=192.0.2.10::192.0.2.1:255.255.255.0:host:enp0s3:off ip=203.0.113.5::203.0.113.1:255.255.255.0:host:enp0s3:off
check "with a server, and a length instead of a mask" becomes \
    ip=192.0.2.10:192.0.2.99:192.0.2.1:24::enp0s3:none ip=203.0.113.5:192.0.2.99:203.0.113.1:24::enp0s3:none
check "with name servers" becomes \
    ip=192.0.2.10::192.0.2.1:255.255.255.0:host:enp0s3:off:192.0.2.53:8.8.8.8 \
    ip=203.0.113.5::203.0.113.1:255.255.255.0:host:enp0s3:off:203.0.113.53:
check "with dracut's MTU and MAC address" becomes \
    ip=192.0.2.10::192.0.2.1:24::enp0s3:none:1400 ip=203.0.113.5::203.0.113.1:24::enp0s3:none:1400
check "an address alone" becomes ip=192.0.2.10 ip=203.0.113.5::203.0.113.1:255.255.255.0
check "IPv6 in brackets" becomes \
    'ip=[2001:db8::10]::[2001:db8::1]:64:host:enp0s3:none' 'ip=[2001:db8:5::5]::[2001:db8:5::1]:64:host:enp0s3:none'
check "a name server" becomes nameserver=192.0.2.53 nameserver=203.0.113.53
for w in ip=dhcp ip=enp0s3:dhcp ip=198.51.100.99::198.51.100.1:24::eth7:off ip= ip=::::::: rd.neednet=1 nameserver=9.9.9.9 \
    ifname=lan:52:54:00:99:99:99 ip=192.0.2.10:::::::::::::::: ip=192.0.2.1000; do
    check "$w stays" becomes "$w" "$w"
done
edit='.nics[0].match.mac = "52:54:00:00:00:01"'
check "a name by MAC address" becomes ifname=lan0:52:54:00:00:00:01 ifname=lan0:52:54:00:aa:bb:cc
edit='.nics[0] |= {match, mac, dhcp: true}'
check "DHCP instead" becomes ip=192.0.2.10::192.0.2.1:255.255.255.0:host:enp0s3:off ip=::::host:enp0s3:dhcp
edit=

# ---- initramfs-tools ----------------------------------------------------------------------------
tree
put "$r/etc/initramfs-tools/initramfs.conf" <<<$'MODULES=most\nBOOT=local\nIP=192.0.2.10::192.0.2.1:255.255.255.0:host:enp0s3:off\nCOMPRESS=zstd'
put "$r/etc/initramfs-tools/conf.d/ip" <<<$'# for dropbear\nIP="192.0.2.10::192.0.2.1:255.255.255.0::enp0s3"'
before=$(snapshot "$r")
check "initramfs-tools: applied" run
new=203.0.113.5::203.0.113.1:255.255.255.0:host:enp0s3:off
check "initramfs.conf" is "$r/etc/initramfs-tools/initramfs.conf" <<<$'MODULES=most\nBOOT=local\nIP='$new$'\nCOMPRESS=zstd'
check "conf.d" is "$r/etc/initramfs-tools/conf.d/ip" <<<$'# for dropbear\nIP="203.0.113.5::203.0.113.1:255.255.255.0::enp0s3"'
appended() { grep -aqF "$1" "$r/boot/initrd.img-6.1.0-1-amd64"; }
check "today's image has the new ones too" appended "IP=$new"
check "both of them" appended conf/conf.d/ip
again=$(snapshot "$r")
check "once more" run
check "changes nothing" equal "$again" "$(snapshot "$r")"
undone() { "$FINALIZE" --root "$r" --undo --report "$work/report" && equal "$before" "$(snapshot "$r")"; }
check "and is undone" undone

if judge_ready; then
    ipconfig() { judge_run enp0s3:52:54:00:00:00:02 "ip link set p0 up; /usr/lib/klibc/bin/ipconfig -t 2 '$1' >&2; ip -br addr show enp0s3; ip route"; }
    check "ipconfig gives the address" matches 'enp0s3.* 203.0.113.5/24' "$(ipconfig "$new")"
    check "and the gateway" matches 'default via 203.0.113.1 dev enp0s3' "$(ipconfig "$new")"
    check "and reads the one with dns" matches 'enp0s3.* 203.0.113.5/24' "$(ipconfig 203.0.113.5::203.0.113.1:255.255.255.0:host:enp0s3:off:203.0.113.53:)"
else
    skip "ipconfig as a judge" "it needs root and overlays"
fi
finish
