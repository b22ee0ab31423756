#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a tree is: distributions old and new by os-release, by the files of before it and by their parts; their inits;
# where each has its host name; and the systems that are refused, with the reason. Trees are written from the
# distributions' documentation, with as little as recognition needs.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
r=$work/root
start() { rm -rf "$r" && mkdir -p "$r"/{etc,usr/bin,usr/sbin,usr/lib,var/lib,boot,sbin}; }
os() { printf 'ID=%s\nVERSION_ID="%s"\nID_LIKE="%s"\nPRETTY_NAME="%s"\n' "$@" | put "$r/etc/os-release"; }
file() { local f; for f; do put "$r/$f" <<<x; done; }
dir() { local d; for d; do mkdir -p "$r/$d"; done; }
systemd() { file usr/lib/systemd/systemd && ln -sf ../usr/lib/systemd/systemd "$r/sbin/init"; }
inspect() { "$FINALIZE" --root "$r" --inspect --report "$work/report" 2>"$work/err"; }
# is_a NAME ID VERSION FAMILY INIT PACKAGES
is_a() {
    inspect || return 1
    equal "$*" "$(jq -r '.system | [.os.id, .os.version, .os.family, .init, .os.packages] | join(" ")' "$work/report")"
}
named() { check "$1" is_a "${@:2}"; }

# ---- Distributions with os-release ----------------------------------------------------------------
while IFS='|' read -r id version like family packages database; do
    start
    os "$id" "$version" "$like" "$id"
    dir "$database"
    systemd
    named "$id $version" "$id" "$version" "$family" systemd "$packages"
done <<'E2'
linuxmint|21.3|ubuntu debian|debian|dpkg|var/lib/dpkg/status
kali|2024.1|debian|debian|dpkg|var/lib/dpkg/status
rhel|9.4|fedora|redhat|rpm|var/lib/rpm
centos|9|rhel fedora|redhat|rpm|var/lib/rpm
rocky|9.4|rhel centos fedora|redhat|rpm|var/lib/rpm
almalinux|9.4|rhel centos fedora|redhat|rpm|var/lib/rpm
ol|8.9|fedora|redhat|rpm|var/lib/rpm
amzn|2|centos rhel fedora|redhat|rpm|var/lib/rpm
amzn|2023|fedora|redhat|rpm|var/lib/rpm
fedora|40||redhat|rpm|usr/lib/sysimage/rpm
photon|5.0||redhat|rpm|usr/lib/sysimage/rpm
sles|15.5|suse|suse|rpm|var/lib/rpm
opensuse-leap|15.5|suse opensuse|suse|rpm|usr/lib/sysimage/rpm
opensuse-tumbleweed|20240501|opensuse suse|suse|rpm|usr/lib/sysimage/rpm
arch|||arch|pacman|var/lib/pacman/local
manjaro||arch|arch|pacman|var/lib/pacman/local
E2
start
os alpine 3.20.1 "" Alpine
dir lib/apk/db etc/runlevels/boot
file lib/apk/db/installed sbin/openrc etc/inittab
ln -s /bin/busybox "$r/sbin/init"
named "Alpine" alpine 3.20.1 alpine openrc apk
start
os gentoo 2.15 "" Gentoo
dir var/db/pkg etc/portage etc/runlevels/default
file sbin/openrc etc/inittab
named "Gentoo with sysvinit and OpenRC" gentoo 2.15 gentoo openrc portage
start
os void "" "" Void
dir var/db/xbps etc/runit/runsvdir/default
ln -s runit-init "$r/sbin/init"
named "Void" void "" void runit xbps
start
os devuan 5 debian Devuan
file var/lib/dpkg/status etc/inittab
named "Devuan with SysV" devuan 5 debian sysvinit dpkg
start
os debian 12 "" Debian
file var/lib/dpkg/status lib/systemd/systemd
ln -s /lib/sysvinit/init "$r/sbin/init"
named "a Debian that has systemd's program and starts sysvinit" debian 12 debian sysvinit dpkg

# ---- Before os-release, and by parts --------------------------------------------------------------
start
put "$r/etc/redhat-release" <<<'CentOS release 6.10 (Final)'
dir var/lib/rpm
file etc/init/rc.conf etc/inittab
named "CentOS 6" centos 6.10 redhat upstart rpm
start
put "$r/etc/redhat-release" <<<'Red Hat Enterprise Linux Server release 5.11 (Tikanga)'
dir var/lib/rpm
file etc/inittab
named "RHEL 5" rhel 5.11 redhat sysvinit rpm
start
put "$r/etc/system-release" <<<'Amazon Linux AMI release 2018.03'
dir var/lib/rpm
file etc/init/rc.conf
named "Amazon Linux 1" amzn 2018.03 redhat upstart rpm
start
printf 'SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n' | put "$r/etc/SuSE-release"
dir var/lib/rpm
file etc/inittab
named "SLES 11 SP4" sles 11.4 suse sysvinit rpm
start
printf 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\n' | put "$r/etc/lsb-release"
put "$r/etc/debian_version" <<<squeeze/sid
file var/lib/dpkg/status etc/init/rc-sysinit.conf
named "Ubuntu 10.04" ubuntu 10.04 debian upstart dpkg
start
put "$r/etc/debian_version" <<<6.0.10
file var/lib/dpkg/status etc/inittab
named "Debian 6" debian 6.0.10 debian sysvinit dpkg
start
put "$r/etc/slackware-version" <<<'Slackware 14.2'
dir var/log/packages etc/rc.d
file etc/rc.d/rc.M etc/inittab
named "Slackware 14.2" slackware 14.2 slackware sysvinit pkgtools
start
os own 1 "" "A distribution of our own"
file var/lib/dpkg/status
systemd
named "a name that nobody knows, by its package database" own 1 debian systemd dpkg
start
os own 1 "" Own
dir var/lib/rpm
file usr/bin/zypper
systemd
named "the same with rpm and zypper" own 1 suse systemd rpm
start
os own 1 "" Own
systemd
named "and with nothing at all" own 1 other systemd ""

# ---- Host names -----------------------------------------------------------------------------------
put "$work/plan" <<<'{"version": 1, "target": {"kind": "kvm"}, "hostname": "web-2"}'
apply() { "$FINALIZE" --root "$r" --plan "$work/plan" --report "$work/report" 2>"$work/err"; }
start
put "$r/etc/redhat-release" <<<'CentOS release 6.10 (Final)'
file etc/init/rc.conf
printf 'NETWORKING=yes\nHOSTNAME="old.example.org" # name\nGATEWAY=192.0.2.1\n' | put "$r/etc/sysconfig/network"
printf '192.0.2.10 old.example.org old\n' | put "$r/etc/hosts"
before=$(snapshot "$r")
check "RHEL 6: applied" apply
check "its name is in /etc/sysconfig/network, the rest stays" is "$r/etc/sysconfig/network" <<<$'NETWORKING=yes\nHOSTNAME="web-2.example.org" # name\nGATEWAY=192.0.2.1'
check "no file is made that it does not read" [ ! -e "$r/etc/hostname" ]
check "/etc/hosts follows" has "$r/etc/hosts" "192.0.2.10 web-2.example.org web-2"
again=$(snapshot "$r")
check "once more" apply
check "changes nothing" equal "$again" "$(snapshot "$r")"
undo() { "$FINALIZE" --root "$r" --undo --report "$work/report" && equal "$before" "$(snapshot "$r")"; }
check "and is undone" undo
start
os gentoo 2.15 "" Gentoo
dir etc/runlevels
printf '# Set to the hostname\nhostname="old"\n' | put "$r/etc/conf.d/hostname"
check "Gentoo: applied" apply
check "its name is in conf.d" is "$r/etc/conf.d/hostname" <<<$'# Set to the hostname\nhostname="web-2"'
start
os sles 11 suse SLES
put "$r/etc/HOSTNAME" <<<old.example.org
check "SLES 11: applied" apply
check "its name with the domain" is "$r/etc/HOSTNAME" <<<web-2.example.org
start
os sles 15 suse SLES
systemd
put "$r/etc/hostname" <<<old
ln -s hostname "$r/etc/HOSTNAME"
check "SLES 15: applied" apply
check "one file with two names" is "$r/etc/hostname" <<<web-2
start
os void "" "" Void
dir etc/runit/runsvdir/default
check "Void without a name: applied" apply
check "it gets one where it reads it" is "$r/etc/hostname" <<<web-2

# ---- What is refused ------------------------------------------------------------------------------
refused() { # NAME WORD
    local before
    before=$(snapshot "$r")
    refute "$1 is refused" apply
    check "$1: the reason" says "$2"
    check "$1: nothing was changed" equal "$before" "$(snapshot "$r")"
}
start
os nixos 24.05 "" "NixOS 24.05"
file etc/NIXOS
refused NixOS "NixOS 24.05 makes /etc from its configuration at every start"
for id in flatcar talos bottlerocket; do
    start
    os "$id" 1 "" "$id"
    refused "$id" "$id "
done
start
rm -rf "${r:?}/etc"
dir ostree/deploy/fedora/deploy/0123.0/etc ostree/repo
refused "an ostree system" "is made of ostree deployments"
start
rm -rf "${r:?}/etc"
dir Windows/System32
refused Windows "this looks like a Windows system"
start
rm -rf "${r:?}/etc"
file bin/freebsd-version
refused FreeBSD "this looks like a FreeBSD system"
rm -rf "$r" && mkdir -p "$r/lost+found" "$r/data"
refused "a disk of data" "this looks like a file system of Linux with data"
rm -rf "$r" && mkdir -p "$r/loader/entries"
refused "a boot partition" "this looks like a boot partition of Linux, whose root is elsewhere"
finish
