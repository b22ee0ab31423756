#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A comment that ends in a backslash gives an interface of ifupdown2 the address of the next one.
#
# Versions: ifupdown2 3.0.0-1.1, ifupdown 0.8.41 (Debian 12).
# Believed: a comment ends with its line, as it does in the shell, and in ifupdown, whose files ifupdown2 reads.
# True: ifupdown2 joins lines before it looks for comments. The line behind the comment is gone, here `iface ens5`,
#   and nothing is said. The options that follow belong to the stanza before: ens4 has two addresses and ens5 is
#   unknown. A path of Windows or a picture of ASCII in a comment is enough.
# Seen: "ifupdown2: ens4 has 198.51.100.5/24 203.0.113.5/24", "ifupdown: ens4 has 198.51.100.5".
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown2=3.0.0-1.1,dash,coreutils bookworm "$T/tree"
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown=0.8.41,dash,coreutils bookworm "$T/old"
mkdir -p "$T"/{tree,old}/run/network "$T/tree/dev"
touch "$T/tree/dev/null" # a file serves: the folder may be on a file system without devices
chmod 755 "$T/tree/usr/share/ifupdown2/__main__.py" # as its postinst does
tee "$T/tree/etc/network/interfaces" "$T/old/etc/network/interfaces" <<'END'
iface ens4 inet static
    address 198.51.100.5/24

# for the files at \\server\site\
iface ens5 inet static
    address 203.0.113.5/24
END
query() { unshare --map-root-user chroot "$T/$1" ifquery "$2" 2>"$T/said" || { cat "$T/said" && false; }; }
addresses() { query "$1" "$2" | sed -n 's/^[[:space:]]*address:* //p' | paste -sd' '; }
new=$(addresses tree ens4) old=$(addresses old ens4)
echo "ifupdown2: ens4 has $new"
echo "ifupdown: ens4 has $old"
[ "$new" = '198.51.100.5/24 203.0.113.5/24' ] || differs "ens4 has $new"
[ "$old" = 198.51.100.5 ] || differs "ens4 of ifupdown has $old"
! query tree ens5 || differs 'ifupdown2 knows ens5'
grep 'cannot find interfaces: ens5' "$T/said" || differs 'it says something else of ens5'
[ "$(addresses old ens5)" = 203.0.113.5 ] || differs 'ifupdown does not know ens5'
echo 'as described: the comment took the stanza along'
