#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ifupdown-ng brings nothing up with the main file that Debian's ifupdown writes, for a wildcard in `source`.
#
# Versions: ifupdown-ng 0.11.4~rc1-1+b2 (Debian 12), which replaces ifupdown 0.8.41 and reads its files.
# Believed: at worst a line that it does not know is passed over; the interfaces behind and before it come up.
# True: `source` names one file, and one that cannot be opened makes the whole configuration unreadable, also what
#   stood before the line: "could not parse", exit status 1, not even lo. "source /etc/network/interfaces.d/*" is what
#   the postinst of ifupdown writes into a fresh /etc/network/interfaces, and that folder need not be empty for it.
#   source-directory is understood.
# Seen: "ifquery: could not parse /etc/network/interfaces", nothing listed; with source-directory "ens3 lo".
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown-ng=0.11.4~rc1-1+b2,dash,coreutils bookworm "$T/tree"
network=$T/tree/etc/network
mkdir -p "$network/interfaces.d"
printf '%s\n' 'auto ens3' 'iface ens3 inet static' '    address 192.0.2.5/24' >"$network/interfaces.d/ens3"
(
    cd "$T"
    apt-get -qq -o APT::Sandbox::User="$(id -un)" download ifupdown=0.8.41
    dpkg-deb --ctrl-tarfile ifupdown_*.deb | tar -xO ./postinst | grep -F 'source /etc/network/interfaces.d/*'
) || differs 'the postinst of ifupdown writes something else'
unshare --map-root-user chroot "$T/tree" ifquery --version | sed q
# reads STATUS NAMES LINE...: what ifquery and ifup make of these lines.
reads() {
    local wanted=$1 names=$2 got=0 listed
    shift 2
    printf '%s\n' "$@" >"$network/interfaces"
    listed=$(unshare --map-root-user chroot "$T/tree" ifquery --list 2>"$T/said") || got=$?
    listed=$(sort <<<"$listed" | paste -sd' ')
    echo "$(paste -sd'|' "$network/interfaces"): ends with $got, lists '$listed' $(cat "$T/said")"
    [ "$got" = "$wanted" ] || differs "ifquery ends with $got"
    [ "$listed" = "$names" ] || differs "it lists $listed"
    got=0
    unshare --map-root-user chroot "$T/tree" ifup --no-act -a >/dev/null 2>&1 || got=$?
    [ "$got" = "$wanted" ] || differs "ifup ends with $got"
}
reads 1 '' 'auto lo' 'iface lo inet loopback' 'source /etc/network/interfaces.d/*'
reads 0 'ens3 lo' 'auto lo' 'iface lo inet loopback' 'source /etc/network/interfaces.d/ens3'
reads 0 'ens3 lo' 'auto lo' 'iface lo inet loopback' 'source-directory /etc/network/interfaces.d'
echo "as described: the wildcard that Debian writes costs ifupdown-ng all interfaces"
