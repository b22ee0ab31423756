#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another set of disks on a later run: one that has grown, a new one, one that is smaller, missing or exchanged; what is
# taken, what is refused, and what the operator accepts. Earlier points stay what they were.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
daemon_start --sessions 8
"$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null

# disk FILE MIB GUID: a GPT disk, which is known by its GUID.
disk() {
    truncate -s "$2M" "$1"
    sgdisk --clear --disk-guid="$3" "$1" >/dev/null
    head -c 3M /dev/urandom | dd of="$1" bs=1M seek=1 conv=notrunc iflag=fullblock status=none
}
guid() { printf '00000000-0000-4000-8000-%012d' "$1"; }
no_push() { # WORDS ARGUMENTS...
    local words=$1
    shift
    if "$PUSH" --conf "$T/web-1.conf" "$@" >"$T/push.log" 2>&1; then echo "it was taken"; return 1; fi
    grep -qE 'verdict=fail code=mismatch .*'"$words" "$T/push.log" && grep -qF 'bootferry machine accept web-1' "$T/push.log" && return
    cat "$T/push.log"
    return 1
}
disks() { # POINT LIST: the numbers of its disks
    json ".points[0].disks | map(.disk) == $2" "$B" points "web-1@$1" --json
}
less() { [ "$1" -lt "$2" ] || { echo "$1 is not less than $2"; return 1; }; }

disk "$T/a.raw" 24 "$(guid 1)"
disk "$T/b.raw" 16 "$(guid 2)"
disk "$T/c.raw" 24 "$(guid 3)"
check "the first point" push --disk "$T/a.raw"
check "nothing to accept yet" refused 1 'no disks of web-1 have been refused' "$B" machine accept web-1

# ---- Larger ------------------------------------------------------------------------------------

cp "$T/a.raw" "$T/a-1.raw"
head -c 1000000 /dev/urandom | cat - /dev/zero | head -c $((9 << 20)) >>"$T/a.raw" || true
check "a disk that has grown" push --disk "$T/a.raw"
check "is the same disk" disks 2 '[0]'
check "whose old chunks are the base" less "$(field sent)" 1500000
check "the event says so" grep -q 'a disk has grown' "$T/daemon.log"
check "the new point is right" exported 2 0 "$T/a.raw"
check "the old one too" exported 1 0 "$T/a-1.raw"
check "nothing to accept" json '.refused_disks == null' "$B" machine show web-1 --json

# ---- What --set may do -------------------------------------------------------------------------

says() { # WORDS ARGUMENTS...: the sender fails with them in its verdict
    ! "$PUSH" "${@:2}" --disk "$T/a.raw" >"$T/push.log" 2>/dev/null && grep -q "verdict=fail .*$1" "$T/push.log"
}
check "--set replaces what the medium says" says 'port 1 refused' --conf "$T/web-1.conf" --set server=127.0.0.1:1 --set retry=1
check "not who the machine is" says 'name= is set by .* cannot be replaced' --conf "$T/web-1.conf" --set name=other
check "and not before --conf" says 'has no --conf before it' --set retry=1 --conf "$T/web-1.conf"

# ---- Smaller -----------------------------------------------------------------------------------

cp "$T/a.raw" "$T/a-2.raw"
truncate -s 20M "$T/a.raw"
check "a disk that is smaller is refused" no_push 'is smaller than it was' --disk "$T/a.raw"
check "machine show says why" grep -q 'is smaller than it was' <("$B" machine show web-1)
check "what to do" grep -q 'bootferry machine accept web-1' <("$B" machine show web-1)
check "machine accept" json '.disks.accepted and (.disks.disks | length == 1)' "$B" machine accept web-1 --json
check "accepts these disks and no others" no_push 'is not a(ttached| disk)' --disk "$T/c.raw"
check "what was refused last is another set now" json '.refused_disks.accepted | not' "$B" machine show web-1 --json
check "the time is written as all are" json '.refused_disks.time | test("^20..-..-..T..:..:..Z$")' "$B" machine show web-1 --json
check "but the accepted one is taken" push --disk "$T/a.raw"
check "as a new disk" disks 3 '[1]'
check "which is right" exported 3 1 "$T/a.raw"
check "the earlier point stays" exported 2 0 "$T/a-2.raw"
check "a run with the same disks again" push --disk "$T/a.raw"
check "needs nobody's leave" disks 4 '[1]'
check "there is nothing to accept any more" refused 1 'no disks of web-1 have been refused' "$B" machine accept web-1

# ---- One more, one less ------------------------------------------------------------------------

check "a new disk that is named" push --disk "$T/a.raw" --disk "$T/b.raw"
check "is part of the next point" disks 5 '[1, 2]'
check "with what is on it" exported 5 2 "$T/b.raw"
check "a missing disk is refused" no_push 'disk 2 of this replica .* is not attached' --disk "$T/a.raw"
check "until it is accepted" exits 0 "$B" machine accept web-1
check "then it is left out" push --disk "$T/a.raw"
check "of the next point" disks 6 '[1]'
check "when it is back and named" push --disk "$T/a.raw" --disk "$T/b.raw"
check "it goes on where it was" disks 7 '[1, 2]'
check "without being sent again" less "$(field sent)" 200000

# ---- Exchanged ---------------------------------------------------------------------------------

mv "$T/a.raw" "$T/a-3.raw"
cp "$T/c.raw" "$T/a.raw"
check "another disk in its place is told from none" no_push 'disk 1 .* is not attached; in its place is .*: the .* differ' \
    --disk "$T/a.raw" --disk "$T/b.raw"
mv "$T/a-3.raw" "$T/a.raw"
check "an exchanged disk is refused" no_push 'disk 1 of this replica .* is not attached' --disk "$T/c.raw" --disk "$T/b.raw"
check "accepted" exits 0 "$B" machine accept web-1
ln "$T/c.raw" "$T/elsewhere.raw"
check "it is copied, also where another driver names its place in other words" \
    push --disk "$T/elsewhere.raw" --disk "$T/b.raw"
check "as another disk" disks 8 '[2, 3]'
check "and is right" exported 8 3 "$T/c.raw"
for point in {1..8}; do check "point $point verifies" exits 0 "$B" verify "web-1@$point"; done
daemon_stop TERM
finish
