#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks that ask for as much work as they can (tests/usage/hostile.py, hostile_fs.py): what looking at them takes is
# counted and bounded, the reason names the step that took too much, at the source, at the server and
# for the point; and what is merely large still gets its maps.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

HOSTILE=$PWD/tests/usage/hostile.py
FILE_SYSTEMS=$PWD/tests/usage/hostile_fs.py
make_disk() { "$HOSTILE" "$1" "$T/$1.raw"; }
make_fs() { "$FILE_SYSTEMS" "$1" "$T/$1.raw"; }
work() { sed -n 's/^work \([0-9]*\) .*/\1/p' "$T/$1.log"; }
# examined KIND N [ANSWERS]: MiB that are examined until the maps are ready, at most N
examined() {
    "$MAP" -w -p "${3:-10000}" "$T/$1.raw" >"$T/$1.map" 2>"$T/$1.log" || return 1
    echo "# $1: $(($(work "$1") >> 20)) MiB"
    [ "$(work "$1")" -le $(($2 << 20)) ]
}
# answered KIND N: the same until the last answer
answered() {
    "$MAP" -w "$T/$1.raw" >"$T/$1.map" 2>"$T/$1.log" || return 1
    local bytes
    bytes=$(sed -n 's/^work [0-9]* \([0-9]*\)$/\1/p' "$T/$1.log")
    echo "# $1: $((bytes >> 20)) MiB"
    [ "$bytes" -le $(($2 << 20)) ]
}
# stopped KIND: some was left out until that needed too much reading
stopped() {
    [ -s "$T/$1.map" ] &&
        grep -q '^note .*: the rest, since its map of what is used needs more than 512 MiB of reading$' "$T/$1.log"
}
# trusted KIND NAME: it has a map, to the end
trusted() { grep -q "^note the whole disk: $2: $" "$T/$1.log"; }
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
check "the reason is the search for signatures" refused lvm_volumes 'the search for signatures'
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

# File systems, whose trees are judged before they are believed, and read again while the disk is copied.
make_fs xfs_deep
check "leaves below eight nodes" answered xfs_deep 760
check "end with the budget of the answers" stopped xfs_deep
check "to which computing checksums counts" test "$(wc -l <"$T/xfs_deep.map")" -lt 200
make_fs xfs_sizes
check "extents that are looked up in a deep tree" answered xfs_sizes 760
check "end with it, too" stopped xfs_sizes
make_fs xfs_groups
check "groups of 64 KiB are little more than reading them" answered xfs_groups 320
make_fs xfs_extents
check "300000 extents" answered xfs_extents 64
check "are a map" trusted xfs_extents XFS
make_fs xfs_child
check "one leaf three hundred times" answered xfs_child 16
check "is no map" grep -q 'allocation group 0 of an XFS file system is inconsistent' "$T/xfs_child.log"
make_fs xfs_log
check "a long log" answered xfs_log 16
check "is not replayed" grep -q ': its log has not been replayed$' "$T/xfs_log.log"
rm -f "$T"/*.raw
make_fs btrfs_child
check "one leaf four hundred times" answered btrfs_child 16
check "is no tree" grep -q '^note .*: its trees do not match$' "$T/btrfs_child.log"
for kind in btrfs_deep btrfs_sums; do
    make_fs $kind
    check "$kind: chunks below seven nodes" answered $kind 1040
    check "$kind: the reason is the map" refused $kind 'its map of what is used'
done
make_fs btrfs_extents
check "extents below seven nodes" answered btrfs_extents 600
check "end with the budget of the answers" stopped btrfs_extents
make_fs btrfs_strangers
check "devices whose file systems miss another" answered btrfs_strangers 2560
check "the reason is all of the disk" refused btrfs_strangers 'the mapping of its disk'
make_fs btrfs_chunks
check "60000 chunks" examined btrfs_chunks 512 100
check "are a map" trusted btrfs_chunks Btrfs
check "computing their checksums counts" test "$(work btrfs_chunks)" -gt $((300 << 20))
rm -f "$T"/*.raw
make_fs ntfs_jumps
check "files all over a scattered bitmap" answered ntfs_jumps 1040
check "the reason is the map" refused ntfs_jumps 'its map of what is used'
for kind in ntfs_runs ntfs_holes; do
    make_fs $kind
    check "$kind: a long table of files" answered $kind 512
    check "$kind: is a map" trusted $kind NTFS
done
make_fs ntfs_large
check "4 billion clusters" examined ntfs_large 16
check "are a map" trusted ntfs_large NTFS
make_fs f2fs_blocks
check "every other block" answered f2fs_blocks 256
check "is a map" trusted f2fs_blocks F2FS
check "of each of them" test "$(wc -l <"$T/f2fs_blocks.map")" -gt 400000
make_fs f2fs_segments
check "870000 segments" examined f2fs_segments 256
check "are a map" trusted f2fs_segments F2FS
rm -f "$T"/*.raw

# While a disk is copied: the answers of a map may take as much as reading what they are about.
make_disk ext_scattered
server scattered
check "the copy" push "$T/scattered.conf" --disk "$T/ext_scattered.raw"
check "some was left out before" test "$(left_out)" -gt $((16 << 20))
check "the source tells" grep -q 'the rest is copied whole: its map of what is used needs more than' "$T/push.log" "$T/push.err"
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
