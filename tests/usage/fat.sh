#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of FAT12, FAT16 and FAT32: file systems made by mkfs.fat and aged by mtools, the
# maps beside what fsck.fat counts, whole migrations with fsck.fat and every file's digest, and what
# must make a map untrustworthy.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$T/tree"
for ((i = 0; i < 40; i++)); do head -c $((i * i * 97 % 60000)) /dev/urandom >"$T/tree/file-$i"; done
mkdir "$T/tree/folder"
cp "$T/tree/file-20" "$T/tree/folder/copy"

disks=()
# make_fat NAME MIB OPTIONS...: filled, then full of holes, then filled again
make_fat() {
    local name=$1
    garbage "$T/$name.raw" "$2"
    shift 2
    mkfs.fat "$@" "$T/$name.raw" >/dev/null
    mcopy -s -i "$T/$name.raw" "$T/tree/"* ::
    mdel -i "$T/$name.raw" ::file-1? ::file-35
    mcopy -i "$T/$name.raw" "$T/tree/file-39" ::again
    mcopy -i "$T/$name.raw" "$T/tree/file-17" ::folder/later
    disks+=("$name")
}
agrees() { map "$T/$1.raw" && "$COMPARE" fat "$T/$1.raw" "$T/$1.raw.map"; }

make_fat 12 12 -F 12 -s 8
make_fat 16 60 -F 16 -s 4
make_fat 16-large 120 -F 16 -s 32
make_fat 32 160 -F 32 -s 1
make_fat 32-large 300 -F 32 -s 8
make_fat 32-4096 300 -F 32 -S 4096 -s 1
for name in "${disks[@]}"; do
    check "the map of FAT$name agrees with fsck.fat" agrees "$name"
done

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
paths=()
for name in "${disks[@]}"; do paths+=(--disk "$T/$name.raw"); done
arrived() {
    rm -rf "$T/out.raw" "$T/here" "$T/there"
    mkdir "$T/here" "$T/there"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" &&
        fsck.fat -n "$T/out.raw" &&
        mcopy -s -i "$T/$2.raw" '::*' "$T/here" && mcopy -s -i "$T/out.raw" '::*' "$T/there" &&
        [ "$(find "$T/here" -type f | wc -l)" = 32 ] &&
        cmp <(digests "$T/here") <(digests "$T/there")
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((850 << 20))
for i in "${!disks[@]}"; do
    check "disk $i (FAT${disks[i]}) arrived" arrived "$i" "${disks[i]}"
done

# ---- What makes a map untrustworthy ------------------------------------------------------------

# patch NAME AT BYTES: of a copy
patch() {
    cp "$T/$1.raw" "$T/doubt.raw"
    printf '%b' "$3" | dd of="$T/doubt.raw" bs=1 seek="$2" conv=notrunc status=none
}
table32=$((32 * 512))
patch 32 65 '\001'
check "FAT32 in use by Linux" whole "$T/doubt.raw" 'not unmounted properly'
patch 16 37 '\001'
check "FAT16 in use by Linux" whole "$T/doubt.raw" 'not unmounted properly'
patch 32 65 '\002'
check "errors" whole "$T/doubt.raw" 'it has errors'
patch 32 $((table32 + 4)) '\0377\0377\0377\007'
check "tables that do not agree" whole "$T/doubt.raw" 'tables do not begin'
second=$((table32 + $(od -An -tu4 -j36 -N4 "$T/32.raw") * 512))
dd if="$T/doubt.raw" of="$T/doubt.raw" bs=4 count=1 skip=$((table32 / 4 + 1)) seek=$((second / 4 + 1)) \
    conv=notrunc status=none
check "FAT32 in use by others" whole "$T/doubt.raw" 'not unmounted properly'
patch 32 40 '\0200'
check "one table only" whole "$T/doubt.raw" 'unknown features'
patch 32 16 '\001'
check "a number of tables that is not two" whole "$T/doubt.raw" 'inconsistent'
patch 32 36 '\010\0\0\0'
check "a table that is too short" whole "$T/doubt.raw" 'inconsistent'
patch 32 35 '\0177'
check "more clusters than its table has" whole "$T/doubt.raw" 'inconsistent'
cp "$T/32.raw" "$T/doubt.raw"
truncate -s -1M "$T/doubt.raw"
check "larger than its partition" whole "$T/doubt.raw" 'larger than its partition'
patch 32 1080 '\0123\0357'
check "a second owner" map_is_empty "$T/doubt.raw"

# A cluster that only one table calls free is used.
used_of() { map "$1" && awk '{ n += $2 - $1 } END { print n }' "$1.map"; }
patch 32 $((second + 4 * 300000)) '\01'
check "a cluster free in one table only" test "$(used_of "$T/doubt.raw")" = $(($(used_of "$T/32.raw") - 512))

check "the daemon stops" daemon_stop
finish
