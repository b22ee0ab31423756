#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `auto lo ens3` brings up lo alone under ifupdown-ng, which says that all is well.
#
# Versions: ifupdown-ng 0.11.4~rc1-1+b2, ifupdown 0.8.41 (Debian 12).
# Believed: both take a list of names behind auto, as interfaces(5) of ifupdown describes; ng is made for its files.
# True: ifupdown-ng looks at the first name only and drops the others without a word: `ifup -a` ends with 0, ifquery
#   shows the stanza as whole, and only that it has no "auto" tells of it. A machine with the usual two stanzas and
#   one line auto has no network after a change to it.
# Seen: "ifupdown: lo ens3" and "ifupdown-ng: lo"; ifquery ens3 of ng begins with "iface ens3".
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown=0.8.41,dash,coreutils bookworm "$T/tree"
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown-ng=0.11.4~rc1-1+b2,dash,coreutils bookworm "$T/ng"
mkdir -p "$T"/{tree,ng}/run/network
printf '%s\n' 'auto lo ens3' 'iface lo inet loopback' 'iface ens3 inet static' '    address 192.0.2.5/24' |
    tee "$T/tree/etc/network/interfaces" "$T/ng/etc/network/interfaces"
inside() { unshare --map-root-user chroot "$T/$1" "${@:2}"; }
inside ng ifup --version | sed q

old=$(inside tree ifup --no-act --force -a -v 2>&1 |
    sed -n 's/^ifup: configuring interface \(.*\)=.*/\1/p' | paste -sd' ')
echo "ifupdown: $old"
new=$(inside ng ifup --no-act -a -v 2>&1) || differs 'ifup of ng fails'
new=$(sed -n "s/.* interface \(.*\) to 'up'.*/\1/p" <<<"$new" | paste -sd' ')
echo "ifupdown-ng: $new"
inside ng ifquery ens3 | tee "$T/ens3"
[ "$old" = 'lo ens3' ] || differs 'ifupdown does not bring up both'
[ "$new" = lo ] || differs 'ifupdown-ng does not bring up lo alone'
grep -q '192\.0\.2\.5' "$T/ens3" || differs 'ifquery does not know the stanza'
! grep -q auto "$T/ens3" || differs 'the stanza is one that comes up by itself'
echo 'as described: the second name behind auto is lost'
