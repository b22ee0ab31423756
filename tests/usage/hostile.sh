#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks that ask for as much work as they can (tests/usage/hostile.py): what looking at them takes is
# counted and bounded, the reason names the step that took too much, at the source, at the server and
# for the point; and what is merely large still gets its maps.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

HOSTILE=$PWD/tests/usage/hostile.py
make_disk() { "$HOSTILE" "$1" "$T/$1.raw"; }
# examined KIND N: MiB that are examined until the maps are ready, at most N
examined() {
    "$MAP" -w -p 10000 "$T/$1.raw" >"$T/$1.map" 2>"$T/$1.log" || return 1
    local bytes
    bytes=$(sed -n 's/^work \([0-9]*\) .*/\1/p' "$T/$1.log")
    echo "# $1: $((bytes >> 20)) MiB"
    [ "$bytes" -le $(($2 << 20)) ]
}
# refused KIND WORDS: nothing is left out, since that needs too much reading
refused() { [ ! -s "$T/$1.map" ] && grep -q "^note .*: $2 needs more than [0-9]* MiB of reading" "$T/$1.log"; }
mapped() { grep -q '^note the whole disk: LVM2: $' "$T/$1.log"; }

# What is long, and in the usual order, takes work in proportion.
for kind in lvm_segments lvm_nested lvm_spaces lvm_legs; do
    make_disk $kind
    check "$kind: little is examined" examined $kind 64
done
check "4600 segments are a map" mapped lvm_segments
# What is not ends with the budget of the step: that, and what was spent before.
make_disk lvm_shuffled
check "segments out of order" examined lvm_shuffled 520
check "the reason is the group's text" refused lvm_shuffled 'its LVM metadata'
make_disk lvm_names
check "one name for all volumes" examined lvm_names 520
check "the reason is the group's text, too" refused lvm_names 'its LVM metadata'
make_disk md_one
check "an array of a thousand members" examined md_one 2400
check "the reason is the array" refused md_one 'its RAID metadata'
make_disk exfat_jumps
check "a chain without an end" examined exfat_jumps 1040
check "the reason is the map" refused exfat_jumps 'its map of what is used'
make_disk lvm_volumes
check "2700 volumes with marks" examined lvm_volumes 2200
check "the reason is the search for marks" refused lvm_volumes 'the search for marks'
for kind in mbr_chain gpt_array gpt_entries; do
    make_disk $kind
    check "$kind: a table" examined $kind 1024
done
for kind in verity md_members; do
    make_disk $kind
    check "$kind: not quadratic" examined $kind 2400
done
make_disk lvm_thousand
check "a thousand volumes" examined lvm_thousand 2048
check "each of them has its map" test "$(wc -l <"$T/lvm_thousand.map")" = 1000
rm -f "$T"/*.raw

# While a disk is copied: the answers of a map may take as much as reading what they are about.
make_disk ext_scattered
server scattered
check "the copy" push "$T/scattered.conf" --disk "$T/ext_scattered.raw"
check "some was left out before" test "$(left_out)" -gt $((16 << 20))
check "the source tells" grep -q 'what is left of it is copied whole: its map of what is used needs more than' "$T/push.log" "$T/push.err"
"$B" points scattered@1 >"$T/points"
check "the point tells" grep -q 'whole: the rest, since its map of what is used needs more than 512 MiB of reading' "$T/points"
check "the point verifies" exits 0 "$B" verify scattered
# Looking takes its time, shows where it is, and can be stopped.
make_disk lvm_shuffled
mkfifo "$T/lines"
"$PUSH" --conf "$T/scattered.conf" --disk "$T/lvm_shuffled.raw" >"$T/lines" 2>"$T/push.err" &
push_pid=$!
exec 9<"$T/lines"
until_looking() {
    while read -r line <&9; do
        case $line in *event=looking*) return 0 ;; esac
    done
    return 1
}
check "a look at a disk shows where it is" until_looking
kill -INT $push_pid
cat <&9 >"$T/rest"
exec 9<&-
check "it can be stopped" exits 1 wait $push_pid
check "the verdict says so" grep -q '^BOOTFERRY verdict=fail code=cancelled' "$T/rest"
check "the daemon stops" daemon_stop
finish
