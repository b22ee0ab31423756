#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three hundred strangers a second at the port, of every kind and from one address or from as many as there are: a machine
# with a certificate opens a session and seals a point, one without enrols, and the memory that strangers take is bounded.
# In a network of its own, so that whole networks of IPv6 are on the loopback.
if [ -z "${BF_INSIDE:-}" ]; then
    for how in '-rn' '-Urn'; do
        if unshare "$how" true 2>/dev/null; then BF_INSIDE=1 exec unshare "$how" "$0" "$@"; fi
    done
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
FLOOD=$PWD/build/tests/flood
RATE=300      # a second
FEW=450       # of them have been there when the machine comes,
MANY=900      # or more than there are places with TLS state
MEMORY_MIB=48 # that strangers may take: 768 TLS handshakes, 64 enrolments, sockets
networks=
if [ -n "${BF_INSIDE:-}" ] && ip link set lo up && ip -6 route add local 2001:db8::/32 dev lo; then networks=1; fi

serve() { # on both families
    : >"$T/daemon.out" # not the line of the one before
    bf_bound "$D" --listen '[::]:0' >>"$T/daemon.out" 2>>"$T/daemon.log" &
    daemon_pid=$!
    within 20 grep -q '^bootferryd: listening on ' "$T/daemon.out"
    port=$(sed -n 's/^bootferryd: listening on .*:\([0-9]*\)$/\1/p' "$T/daemon.out")
}
"$B" init --address 127.0.0.1,::1 >/dev/null
"$B" machine add web >/dev/null
"$B" media web --conf "$T/web.conf" --set server=127.0.0.1 >/dev/null
"$B" media web --pxe "$T/pxe" --image "$EFI" --enrol-uses 100 --set server=127.0.0.1 >/dev/null
truncate -s 8M "$T/disk.raw"
head -c 100000 /dev/urandom | dd of="$T/disk.raw" conv=notrunc status=none

peak() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$daemon_pid/status"; }
points() { "$B" points web --json | jq '.points | length'; }
flood_pid=
# flood ADDRESS KIND one|many COUNT: returns when COUNT of them have been there.
flood() {
    rm -f "$T/note"
    bf_bound "$FLOOD" "$1" "$port" "$2" "$RATE" "$3" "$T/note" "$4" >"$T/flood.out" &
    flood_pid=$!
    within 60 test -e "$T/note"
}
ebb() {
    kill "$flood_pid"
    wait "$flood_pid" || true
}
# gets_in CONF ADDRESS: the machine makes a point. On a server that is so busy that a handshake takes ten seconds, not at once.
gets_in() {
    local before
    before=$(points)
    "$PUSH" --conf "$1" --disk "$T/disk.raw" --set retry=300 --set "server=$2:$port" >"$T/push.log" 2>&1 || { cat "$T/push.log"; return 1; }
    [ "$(points)" = $((before + 1)) ]
}
attempts() { echo "# $1: connected at attempt $(grep -c 'phase=connecting' "$T/push.log"), $(cat "$T/flood.out")"; }
# under ADDRESS KIND one|many COUNT SERVER
under() {
    local what="$2 from $3 ($1)" before used
    serve
    before=$(peak)
    check "$what: so many were there" flood "$1" "$2" "$3" "$4"
    used=$((($(peak) - before) / 1024))
    check "$what: they took $used of $MEMORY_MIB MiB" test "$used" -le "$MEMORY_MIB"
    check "$what: the machine gets in" gets_in "$T/web.conf" "$5"
    ebb
    attempts "$what"
    check "$what: the server ends as it should" daemon_stop
}

# The strangers' processor time is counted for the thread of the door, in ticks, while they ask for more than there is.
ticks() {
    local task
    for task in "/proc/$daemon_pid/task/"*; do
        [ "$(cat "$task/comm")" != door ] || echo "$(($(cut -d' ' -f14,15 "$task/stat" | tr ' ' +)))"
    done
}

# Not from the machine's own address: whoever floods from behind that shares its fate.
for kind in silent close half full word; do under 127.0.0.1 "$kind" many "$FEW" 127.0.0.1; done
under 127.0.0.1 stall many "$MANY" 127.0.0.1
under ::1 full one "$MANY" 127.0.0.1
if [ -n "$networks" ]; then
    under ::1 full many "$FEW" '[::1]'
    under ::1 stall many "$MANY" '[::1]'
else
    echo "skip floods from many networks of IPv6: no network namespace"
fi

serve
check "first words" flood 127.0.0.1 word many "$FEW"
check "a machine without a certificate enrols meanwhile" gets_in "$T/pxe/bootferry.efi" 127.0.0.1
ebb
check "it is recorded" json '[.machines[0].events[].text] | any(startswith("enrolled from"))' "$B" status web --json

RATE=5000
began=$SECONDS
before=$(ticks)
check "five thousand a second" flood 127.0.0.1 stall many 10000
used=$(($(ticks) - before)) most=$(((SECONDS - began + 1) * $(getconf CLK_TCK) * 40 / 100))
check "take less than half a processor ($used of $most ticks)" test "$used" -le "$most"
ebb
check "the server ends as it should" daemon_stop
finish
