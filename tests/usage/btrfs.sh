#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of Btrfs: file systems made by mkfs.btrfs and, where this may mount one, aged by the
# kernel; the maps beside btrfs-progs's dump of the trees, whole migrations with btrfs check and every
# file's digest, damage, and everything that must make a map untrustworthy.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
FREE=$PWD/tests/usage/btrfs_free.py
PATCH=$PWD/tests/usage/btrfs_patch.py

files "$T/tree" 60
holes() { truncate -s "$2M" "$1"; } # quickly copied
disks=()
# make_btrfs NAME MIB OPTIONS...: on what $fill makes
fill=garbage
make_btrfs() {
    local name=$1
    "$fill" "$T/$name.raw" "$2"
    shift 2
    mkfs.btrfs -q -K --rootdir "$T/tree" "$@" "$T/$name.raw" >/dev/null 2>&1
    disks+=("$name")
}
agrees() {
    map "$T/$1.raw" && "$FREE" 1 "$T/$1.raw" >"$T/$1.free" && "$COMPARE" maps "$T/$1.raw.map" "$T/$1.free"
}

make_btrfs plain 130
make_btrfs nodes-64k 220 -n 65536
fill=holes
make_btrfs nodes-4k 120 -n 4096
make_btrfs sectors-64k 220 -s 65536 -n 65536
make_btrfs xxhash 120 --csum xxhash
make_btrfs sha256 120 --csum sha256
make_btrfs single 120 -d single -m single -n 4096
make_btrfs old 120 -O ^no-holes,^skinny-metadata -R ^free-space-tree
make_btrfs renamed 120
btrfstune -f -m "$T/renamed.raw" >/dev/null
make_btrfs large $((300 << 10)) # where the superblock has its third copy
fill=garbage
make_btrfs blake2 120 --csum blake2
make_btrfs mixed 60 -M
make_btrfs dup 220 -d dup -m dup
for name in "${disks[@]}"; do
    check "the map of $name agrees with btrfs-progs" agrees "$name"
done

# In a partition it is the same.
truncate -s 160M "$T/parted.raw"
sgdisk -n 1:8M:+120M "$T/parted.raw" >/dev/null
dd if="$T/single.raw" of="$T/parted.raw" bs=1M seek=8 conv=notrunc,sparse status=none
map "$T/parted.raw"
check "a partition" cmp "$T/parted.raw.map" \
    <(awk -v by=$((8 << 20)) '{ print $1 + by, $2 + by }' OFMT=%.0f CONVFMT=%.0f "$T/single.raw.map")

# ---- Aged --------------------------------------------------------------------------------------

leave() { ! mountpoint -q "$T/mnt" || umount "$T/mnt"; }
at_exit leave
may_mount() {
    [ "$(id -u)" = 0 ] && grep -qw btrfs /proc/filesystems && mkdir "$T/mnt" &&
        mount -t btrfs -o loop,ro "$T/plain.raw" "$T/mnt" 2>/dev/null && umount "$T/mnt"
}
aged=()
# make_aged NAME MIB MOUNT-OPTIONS OPTIONS...
make_aged() {
    local name=$1 mount=$3
    garbage "$T/$name.raw" "$2"
    shift 3
    mkfs.btrfs -q -K "$@" "$T/$name.raw" >/dev/null 2>&1
    check "$name is aged" tests/usage/btrfs_age.sh "$T/tree" "$mount" "$T/$name.raw"
    check "the map of $name agrees with btrfs-progs" agrees "$name"
    aged+=("$name")
}
if may_mount; then
    make_aged aged 150 compress=zstd
    make_aged aged-small 130 compress=no -n 4096 -m single
    make_aged aged-mixed 120 compress=no,space_cache=v1 -M -R ^free-space-tree
    # What was fsynced and not committed is in a log tree, which the extent tree knows nothing of.
    cp "$T/plain.raw" "$T/mounted.raw"
    mount -t btrfs -o loop,commit=3600 "$T/mounted.raw" "$T/mnt"
    sync -f "$T/mnt"
    # An fsync may become a whole commit: another one then, until the superblock names the tree.
    for _ in {1..20}; do
        dd if=/dev/urandom of="$T/mnt/file-30" bs=4096 count=4 conv=fsync,notrunc status=none
        cp "$T/mounted.raw" "$T/doubt.raw"
        [ "$(od -An -tu8 -j$((0x10060)) -N8 "$T/doubt.raw" | tr -d ' ')" = 0 ] || break
    done
    umount "$T/mnt"
    check "a log tree" whole "$T/doubt.raw" 'its log tree has not been replayed'
    check "the map of what was mounted again agrees with btrfs-progs" agrees mounted
else
    skip "aged by the kernel" "this may not mount Btrfs"
fi

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
migrated=(plain nodes-64k blake2 mixed dup "${aged[@]}")
paths=()
for name in "${migrated[@]}"; do paths+=(--disk "$T/$name.raw"); done
arrived() {
    rm -rf "$T/out.raw" "$T/here" "$T/there"
    mkdir "$T/here" "$T/there"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" &&
        btrfs check --readonly --check-data-csum "$T/out.raw" &&
        btrfs restore -s "$T/$2.raw" "$T/here" >/dev/null &&
        btrfs restore -s "$T/out.raw" "$T/there" >/dev/null &&
        [ "$(find "$T/here" -type f | wc -l)" -gt 50 ] &&
        cmp <(digests "$T/here") <(digests "$T/there")
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((700 << 20))
for i in "${!migrated[@]}"; do
    check "disk $i (${migrated[i]}) arrived" arrived "$i" "${migrated[i]}"
done

# ---- Damage ------------------------------------------------------------------------------------

# blocks IMAGE TREE: logical addresses of a tree's blocks
blocks() {
    btrfs inspect-internal dump-tree --noscan -t "$2" "$1" | sed -nE 's/^(leaf|node) ([0-9]+) .*/\2/p'
}
# damage NAME TREE COPY: a byte in one copy of the first block of the tree, on a copy of the disk
damage() {
    local at
    cp "$T/$1.raw" "$T/doubt.raw"
    at=$(btrfs-map-logical -l "$(blocks "$T/doubt.raw" "$2" | head -1)" "$T/doubt.raw" |
        sed -n "s/^mirror $3 logical .* physical \([0-9]*\) .*/\1/p")
    [ -n "$at" ] && printf '\0377\0376' | dd of="$T/doubt.raw" bs=1 seek=$((at + 300)) conv=notrunc status=none
}
same_map() { map "$T/doubt.raw" && cmp "$T/$1.raw.map" "$T/doubt.raw.map"; }
map "$T/plain.raw"
for tree in chunk root extent dev; do
    damage plain "$tree" 1
    check "one copy of the $tree tree is damaged" same_map plain
    damage single "$tree" 1
    if [ "$tree" = extent ]; then
        # What is in no chunk is still known to be unused.
        map "$T/doubt.raw"
        "$FREE" -c 1 "$T/single.raw" >"$T/gaps"
        check "the only copy of the extent tree is damaged" cmp "$T/gaps" "$T/doubt.raw.map"
    else
        check "the only copy of the $tree tree is damaged" whole "$T/doubt.raw" 'its trees do not match'
    fi
done
agrees single >/dev/null
check "flipped bits never make a map larger" tests/usage/btrfs_mutate.py "$MAP" "$T/single.free" 150 "$T/single.raw"

# ---- What makes a map untrustworthy ------------------------------------------------------------

# lie WHAT OFFSET HEX WORDS: in the superblocks of a copy, checksum made right
lie() {
    cp "$T/single.raw" "$T/doubt.raw"
    "$PATCH" super "$2" "$3" "$T/doubt.raw"
    check "$1" whole "$T/doubt.raw" "$4"
}
known='unknown features'
lie "an unknown incompatible feature" 0xbf 01 "$known"
lie "zones" 0xbd 13 'made for a zoned disk'
lie "the second version of the extent tree" 0xbd 23 "$known"
lie "a tree of stripes" 0xbd 43 "$known"
lie "an unknown read-only compatible feature" 0xb5 01 "$known"
lie "an unknown compatible feature" 0xac 01 "$known"
lie "a seed device" 0x3c 01 'it is a seed device'
lie "an identity that is being changed" 0x3c 08 'its identity is being changed'
lie "an unknown checksum" 0xc4 04 "$known"
lie "errors" 0x38 05 'it has errors'
lie "a log tree, by the superblock" 0x60 000080 'its log tree has not been replayed'
lie "several devices of which one is here" 0x88 02 'one of its devices is missing'
lie "a device that is being replaced" 0xc9 00 'one of its devices is being replaced'
# The byte of an identifier that holds its version, which is never ff: every other one may be by chance.
lie "a device that is not the chunk tree's" 0x111 ff 'its trees do not match'
lie "an older generation" 0x48 01 'its superblock is inconsistent'
lie "a newer generation" 0x49 01 'its trees do not match'
lie "a node size that is too large" 0x95 000001 'its superblock is inconsistent'
lie "larger than its partition" 0xd5 01 'it is larger than its partition'
# lie_in TREE KEY OFFSET HEX: in an item of a copy
lie_in() {
    cp "$T/single.raw" "$T/doubt.raw"
    "$PATCH" "$@" "$T/doubt.raw"
}
lie_in root "DATA_RELOC_TREE ROOT_ITEM 0" key fcfffffffffffffff80000000000000000
check "a balance" whole "$T/doubt.raw" 'its chunks are being moved'
lie_in root "DATA_RELOC_TREE ROOT_ITEM 0" key f8ffffffffffffff840000000000000000
check "a relocation that was not finished" whole "$T/doubt.raw" 'its chunks are being moved'
lie_in dev "1 DEV_EXTENT 1048576" key 0000000000000000fa0000000000000000
check "a device being replaced, by its tree" whole "$T/doubt.raw" 'devices is being replaced'
lie_in chunk "DEV_ITEMS DEV_ITEM 1" 88 ff
check "a device of a seed" whole "$T/doubt.raw" 'grown out of a seed device'
lie_in chunk "DEV_ITEMS DEV_ITEM 1" 16 ff
check "a device that has other bytes used" whole "$T/doubt.raw" 'its trees do not match'
lie_in dev "1 DEV_EXTENT 5242880" 25 01
check "a device extent of another length" whole "$T/doubt.raw" 'its trees do not match'
lie_in dev "1 DEV_EXTENT 13631488" key 0100000000000000cc0000000200000000
check "a device extent at another place" whole "$T/doubt.raw" 'its trees do not match'
lie_in chunk "FIRST_CHUNK_TREE CHUNK_ITEM 5242880" 25 ff
check "a chunk of an unknown profile" whole "$T/doubt.raw" 'its trees do not match'

# A block group whose extents do not add up to what it says is used as a whole; the others are not.
in_group() { awk -v a=5242880 -v b=13631488 '$2 > a && $1 < b' "$1.map" | wc -l; }
lie_in extent "5242880 BLOCK_GROUP_ITEM 8388608" 0 01
map "$T/doubt.raw"
map "$T/single.raw"
check "there is something unused in a block group" test "$(in_group "$T/single.raw")" -gt 0
check "but not when its extents do not add up" test "$(in_group "$T/doubt.raw")" = 0
check "others are not concerned" test -s "$T/doubt.raw.map"
check "and the log says so" grep -q 'Btrfs: at least one block group cannot be examined' "$T/doubt.raw.log"
# An extent that reaches out of its block group: neither that one nor the next is to be trusted.
last=$(btrfs inspect-internal dump-tree --noscan -t extent "$T/single.raw" |
    sed -nE 's/.*key \(([0-9]+ METADATA_ITEM [0-9]+)\) itemoff.*/\1/p' | tail -1)
in_data() { awk -v a=13631488 -v b=22020096 '$2 > a && $1 < b' "$1.map" | wc -l; }
lie_in extent "$last" key "$(printf '%016x' "${last%% *}" | fold -w 2 | tac | tr -d '\n')a80000000100000000"
map "$T/doubt.raw"
check "there is something unused in the next block group" test "$(in_data "$T/single.raw")" -gt 0
check "but not when an extent reaches into it" test "$(in_data "$T/doubt.raw")" = 0
# patch AT BYTES: of a copy
patch() {
    cp "$T/single.raw" "$T/doubt.raw"
    printf '%b' "$2" | dd of="$T/doubt.raw" bs=1 seek="$1" conv=notrunc status=none
}
patch $((65536 + 0x130)) 'label'
check "a superblock with a wrong checksum" whole "$T/doubt.raw" 'checksum of its superblock is wrong'
patch $(((64 << 20) + 0x130)) 'label'
check "a damaged copy of the superblock" whole "$T/doubt.raw" 'copies of its superblock are not the same'
cp "$T/single.raw" "$T/doubt.raw"
dd if="$T/plain.raw" of="$T/doubt.raw" bs=64K skip=1024 seek=1024 count=1 conv=notrunc status=none
check "a copy of another superblock" whole "$T/doubt.raw" 'copies of its superblock are not the same'
for other in '0 XFSB' '0 LUKS\0272\0276' '1080 \0123\0357' '4096 \0374\0116\0053\0251'; do
    patch "${other%% *}" "${other#* }"
    check "a second owner, ${other#* }" map_is_empty "$T/doubt.raw"
done
check "the daemon stops" daemon_stop
finish
