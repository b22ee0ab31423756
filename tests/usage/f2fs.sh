#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of F2FS: file systems made by mkfs.f2fs and filled by sload.f2fs, the maps beside
# the segment information table as dump.f2fs has it, a migration with fsck.f2fs, tables in their second
# copy and in the journal, and what must make a map untrustworthy.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
PATCH=$PWD/tests/usage/f2fs_patch.py

files "$T/tree" 60
rm "$T/tree/deep/link"
for i in {1..300}; do echo "$i" >"$T/tree/small-$i"; done
head -c 9000000 /dev/urandom >"$T/tree/large"
mkdir "$T/more"
for i in {1..40}; do head -c $((i * 5000)) /dev/urandom >"$T/more/later-$i"; done

disks=()
# make_f2fs NAME MIB OPTIONS...
make_f2fs() {
    garbage "$T/$1.raw" "$2"
    mkfs.f2fs -q -f "${@:3}" "$T/$1.raw" >/dev/null
    sload.f2fs -f "$T/tree" "$T/$1.raw" >/dev/null
    sload.f2fs -f "$T/more" -t / "$T/$1.raw" >/dev/null
    fsck.f2fs -f "$T/$1.raw" >/dev/null
    disks+=("$1")
}
make_f2fs plain 200
make_f2fs usual 700 -O extra_attr,inode_checksum,sb_checksum,inode_crtime
make_f2fs sections 500 -s 4
make_f2fs bitmaps 300 -i
agrees() { map "$T/$1.raw" && (cd "$T" && "$COMPARE" f2fs "$T/$1.raw" "$T/$1.raw.map"); }
for name in "${disks[@]}"; do
    check "the map of $name agrees with dump.f2fs" agrees "$name"
done

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
paths=()
for name in "${disks[@]}"; do paths+=(--disk "$T/$name.raw"); done
clean() { fsck.f2fs --dry-run "$1" >"$T/fsck" 2>&1 && ! grep -F '[Fail]' "$T/fsck" && grep -F 'SIT valid block bitmap checking                [Ok..]' "$T/fsck"; }
arrived() { # NUMBER NAME
    rm -f "$T/out.raw"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" && clean "$T/out.raw"
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((1400 << 20))
for i in "${!disks[@]}"; do
    check "disk $i (${disks[i]}) arrived" arrived "$i" "${disks[i]}"
done

# ---- The table elsewhere -----------------------------------------------------------------------

# change ARGUMENTS...: of a copy
change() {
    cp "$T/plain.raw" "$T/doubt.raw"
    "$PATCH" "$T/doubt.raw" "$@"
}
# same_map WHAT: the changed one is right to fsck.f2fs, and has the same map
same_map() { clean "$T/doubt.raw" && map "$T/doubt.raw" && cmp "$T/doubt.raw.map" "$T/plain.raw.map"; }
# segment VALID: the first with more valid blocks than that
(cd "$T" && dump.f2fs -s 0~40 plain.raw >/dev/null)
segment() { sed -n 's/^segno: *\([0-9]*\)\tvblocks: *\([0-9]*\)\t.*/\1 \2/p' "$T/dump_sit" | awk -v n="$1" '$2 > n { print $1; exit }'; }
full=$(segment 500) partly=$(sed -n 's/^segno: *\([0-9]*\)\tvblocks: *\([0-9]*\)\t.*/\1 \2/p' "$T/dump_sit" | awk '$2 > 20 && $2 < 500 { print $1; exit }')
change journal "$full"
"$PATCH" "$T/doubt.raw" journal "$partly"
check "a journal of two segments" same_map
change swap 0
check "the other copy of a block of the table" same_map
"$PATCH" "$T/doubt.raw" journal "$full"
check "and a journal" same_map

# ---- What makes a map untrustworthy ------------------------------------------------------------

# doubt WHAT WORDS ARGUMENTS...
doubt() {
    change "${@:3}"
    check "$1" whole "$T/doubt.raw" "F2FS, copied whole: $2"
}
# patch AT BYTES: of a copy, as it is
patch() {
    cp "$T/plain.raw" "$T/doubt.raw"
    printf '%b' "$2" | dd of="$T/doubt.raw" bs=1 seek="$1" conv=notrunc status=none
}
change cp 132 81010000
check "nothing changed" same_map
doubt "in use" 'it was not unmounted properly' cp 132 80010000
for flag in 83 89 91 a1; do doubt "a flag of a checkpoint, $flag" 'it has errors, deleted files to be freed' cp 132 "${flag}010000"; done
for flag in 08 10 20 40; do doubt "a higher flag, $flag" 'it has errors, deleted files to be freed' cp 132 "81${flag}0000"; done
doubt "synced after it was mounted" 'its log has not been replayed' node
doubt "a zoned disk" 'it is made for a zoned disk' super 2180 02000000
doubt "a read-only layout" 'it has unknown features' super 2180 00400000
doubt "a feature that nobody knows" 'it has unknown features' super 2180 00000080
doubt "a checksum that is wrong" 'the checksum of its superblock' super 2180 00080000
doubt "several devices" 'it lies on several devices' super 2201 2f646576
doubt "errors that Linux noted" 'it has errors' super 2770 01
doubt "areas with a gap" 'its superblock is inconsistent' super 92 01100000
doubt "more segments than there are" 'its superblock is inconsistent' super 68 ffff0000
doubt "blocks of another size" 'its superblock is inconsistent' super 16 0d000000
patch $((1024 + 36)) '\01'
check "copies that differ" whole "$T/doubt.raw" 'copies of its superblock differ'
patch $((1024 + 4096)) '\01'
check "a copy that is gone" whole "$T/doubt.raw" 'copies of its superblock differ'
patch $((512 * 4096 + 17)) '\0377'
check "a damaged checkpoint" whole "$T/doubt.raw" 'one of its checkpoints is damaged'
patch $((1024 * 4096 + 17)) '\0377'
check "the other one, damaged" whole "$T/doubt.raw" 'one of its checkpoints is damaged'
doubt "other valid nodes" 'its table of segments and its checkpoint do not agree' cp 144 07000000
doubt "fewer valid blocks" 'its table of segments and its checkpoint do not agree' cp 16 0700000000000000
doubt "other free segments" 'its table of segments and its checkpoint do not agree' cp 32 07000000
doubt "a log beyond the end" 'its checkpoint is inconsistent' cp 36 ffffff00
doubt "a bitmap of another size" 'its checkpoint is inconsistent' cp 156 20000000
doubt "bits that do not add up" 'its table of segments is inconsistent' sit "$full" 5 00
doubt "an entry that is gone" 'its table of segments and its checkpoint do not agree' sit "$partly" 0 "$(printf '%0148d' 0)"
cp "$T/plain.raw" "$T/doubt.raw"
truncate -s -4M "$T/doubt.raw"
check "larger than its partition" whole "$T/doubt.raw" 'larger than its partition'
patch 65600 _BHRfS_M
check "a second owner" map_is_empty "$T/doubt.raw"

check "the daemon stops" daemon_stop
finish
