#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What else in the guest names its old network or its disks is listed with file and line, and not touched.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
umask 022
r=$work/root
run() { finalize "$r" "$work/plan"; }
plan "$work/plan"
devices "$work/devices"
debian "$r"
ifupdown "$r"
e=$r/etc
put "$e/ssh/sshd_config" <<<$'# ListenAddress 192.0.2.10\nPort 22\nListenAddress 192.0.2.10'
put "$e/nginx/sites-enabled/a" <<<$'server {\n  listen 192.0.2.10:80;\n  listen [2001:db8::10]:80;\n}'
put "$e/exports" <<<'/srv 192.0.2.20(rw) 10.0.0.0/8(ro)'
put "$e/lvm/lvm.conf" <<<$'devices {\n\tfilter = [ "a|^/dev/sda3$|", "r|.*|" ]\n}'
put "$e/multipath.conf" <<<$'blacklist {\n\tdevnode "^vd"\n}'
put "$e/dhcp/dhcpd.conf" <<<'host a { hardware ethernet 52:54:00:00:00:01; }'
put "$e/other.conf" <<<$'# 192.0.2.10\n; 192.0.2.10\nversion = 192.0.2\nnear = 1192.0.2.10'
put "$e/old.conf.dpkg-old" <<<'192.0.2.10'
printf '192.0.2.10\0\1' >"$e/data.conf"
ln -s /etc/ssh "$e/loop"
ln -s . "$e/ssh/again"
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=a -addext subjectAltName=IP:192.0.2.10 \
    -out "$e/kubernetes.crt" 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=a -addext subjectAltName=IP:192.0.2.20 \
    -out "$e/other.crt" 2>/dev/null
cp -a "$e" "$work/etc"
jq '.nics[0].match.mac = "52:54:00:00:00:01"' "$work/plan" >"$work/p" && mv "$work/p" "$work/plan"

check "applied" run
said() { jq -r '.notes[] | "\(.level) \(.about) \(.text)"' "$work/report" >"$work/notes" && has "$work/notes" "$1"; }
unsaid() { ! jq -r '.notes[] | "\(.about) \(.text)"' "$work/report" | grep -F -- "$1"; }
check "SSH's address, not the comment" said "warning /etc/ssh/sshd_config line 3 names an address that this machine had: 192.0.2.10 (SSH)"
check "two lines of one file are one note" \
    said "warning /etc/nginx/sites-enabled/a line 2, and 1 more names an address that this machine had: 192.0.2.10 (nginx)"
check "a neighbour of the old network" said "info /etc/exports line 1 names an address of a network that this machine leaves: 192.0.2.20 (NFS exports)"
check "LVM's filter" said "info /etc/lvm/lvm.conf line 2 names a disk by a name that may be another's in the new home: /dev/sda3 (LVM)"
check "multipath's names" said "info /etc/multipath.conf line 2 chooses disks by names that may be others' in the new home: devnode (multipath)"
check "the old MAC address" said "warning /etc/dhcp/dhcpd.conf line 1 names a MAC address that this machine had: 52:54:00:00:00:01 (the DHCP client or server)"
check "a certificate for the old address" said "warning /etc/kubernetes.crt line 1 is a certificate for an address that this machine had: 192.0.2.10"
check "a certificate for another is not listed" unsaid /etc/other.crt
check "comments and longer numbers are not" unsaid /etc/other.conf
check "nor are old copies of packages" unsaid dpkg-old
check "nor binary files" unsaid data.conf
check "nor what a link leads to once more" unsaid /again
for f in ssh/sshd_config nginx/sites-enabled/a exports lvm/lvm.conf multipath.conf dhcp/dhcpd.conf; do
    check "$f is not touched" cmp "$work/etc/$f" "$e/$f"
done

# What is planned once more is not old, and its network is not left; two MAC addresses that change places neither.
rm -rf "$r"
debian "$r"
ifupdown "$r"
put "$e/app.conf" <<<'allow 192.0.2.10 192.0.2.77 52:54:00:00:00:01'
put "$e/gone.conf" <<<'allow 192.0.2.11'
put "$work/plan" <<'EOF'
{"version": 1, "target": {"kind": "kvm"}, "nics": [
 {"match": {"name": "enp0s3", "mac": "52:54:00:00:00:01"}, "mac": "52:54:00:00:00:02", "addresses": ["192.0.2.10/24"]},
 {"match": {"name": "enp0s4", "mac": "52:54:00:00:00:02"}, "mac": "52:54:00:00:00:01"}]}
EOF
check "one of two addresses stays: applied" run
check "the address that stays is not listed, nor its network, nor MAC addresses that change places" unsaid /etc/app.conf
check "the one that goes is" said "warning /etc/gone.conf line 1 names an address that this machine had: 192.0.2.11"

# Too much to look through refuses nothing.
rm -rf "$r"
debian "$r"
ifupdown "$r"
mkdir -p "$e/many"
(cd "$e/many" && seq 4200 | xargs touch)
check "a folder of too many files: applied" run
check "the report says that the search ended early" says "the search for what names the old network ended early"
finish
