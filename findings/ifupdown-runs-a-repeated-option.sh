#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `mtu` twice in a stanza of ifupdown leaves the interface down: the shell gets the second value as a command.
#
# Versions: ifupdown 0.8.41 (Debian 12).
# Believed: of an option that is repeated in a stanza the last value counts, or the file is an error.
# True: the values of an option are joined by a line break, for up and down and those alike are commands. Of mtu and
#   gateway the whole is put into a line for the shell, which so becomes two: the second begins with the value. `ip
#   link set dev ens3 mtu 1400` lacks the "up" that stood behind it. address is another matter: there the second value
#   is dropped, and ifup ends with 0. `ifup --no-act` and ifquery end with 0 for all of them.
# Seen: "1500: not found", ens3 has its address and is DOWN; "192.0.2.2: not found", the first gateway is set.
#
# This script succeeds as long as that is so. It needs mmdebstrap and user namespaces, but neither root nor Bootferry.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
mmdebstrap --quiet --mode=chrootless --variant=extract --format=directory --aptopt='Acquire::Retries "5"' \
    --include=ifupdown=0.8.41,dash,debianutils,coreutils bookworm "$T/tree"
mkdir -p "$T/tree/run/network" "$T/tree"/etc/network/if-{pre-up,up}.d
rm -f "$T/tree"/etc/network/if-*.d/*
unshare --map-root-user chroot "$T/tree" ifup --version | sed q
# up STATUS OPTION...: ifup of a stanza with these options ends with STATUS; $T/state is what the kernel has then.
up() {
    local wanted=$1 got=0
    shift
    printf '%s\n' 'iface ens3 inet static' "${@/#/    }" >"$T/tree/etc/network/interfaces"
    rm -f "$T/tree"/run/network/*
    # Commands are for the shell in the namespaces.
    unshare --map-root-user --net --mount bash -c '
        ip link add ens3 type veth peer name far
        ip link set far up
        chroot "$0" ifup --no-act --force ens3 >/dev/null 2>&1 || exit 99
        status=0
        chroot "$0" ifup ens3 || status=$?
        ip -o link show dev ens3
        ip -4 -o addr show dev ens3
        ip route show default
        exit $status' "$T/tree" >"$T/state" 2>"$T/said" || got=$?
    echo "$*: ifup ends with $got: $(paste -sd' ' "$T/said")"
    sed 's/^/    /' "$T/state"
    [ "$got" = "$wanted" ] || differs "ifup ends with $got for $*"
}
up 1 'address 192.0.2.5/24' 'mtu 1400' 'mtu 1500'
grep -q '1500: not found' "$T/said" || differs 'the second mtu is no command'
grep -q '192\.0\.2\.5/24' "$T/state" || differs 'there is no address'
grep -q 'mtu 1400 .*state DOWN' "$T/state" || differs 'the link is not down with the first mtu'

up 1 'address 192.0.2.5/24' 'gateway 192.0.2.1' 'gateway 192.0.2.2'
grep -q '192\.0\.2\.2: not found' "$T/said" || differs 'the second gateway is no command'
grep -q '^default via 192\.0\.2\.1 ' "$T/state" || differs 'the first gateway is not set'

up 0 'address 192.0.2.5/24' 'address 192.0.2.6/24'
grep -q '192\.0\.2\.5/24' "$T/state" || differs 'the first address is not set'
! grep -q '192\.0\.2\.6' "$T/state" || differs 'the second address is set'
echo 'as described: a repeated option is a second line for the shell'
