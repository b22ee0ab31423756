#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of ext2, ext3, ext4 and swap: file systems made and aged by e2fsprogs, the maps
# beside dumpe2fs, whole migrations with e2fsck and every file's digest, and everything that must
# make a map untrustworthy.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

files "$T/tree" 60
files "$T/more" 25

# age IMAGE: holes among the files, and new files in them
age() {
    {
        for ((i = 1; i < 60; i += 3)); do echo "rm /file-$i"; done
        echo 'mkdir /later'
        for ((i = 0; i < 25; i++)); do echo "write $T/more/file-$i /later/file-$i"; done
        for ((i = 0; i < 25; i += 2)); do echo "rm /later/file-$i"; done
    } >"$T/script"
    debugfs -w -f "$T/script" "$1" >/dev/null 2>&1
}
# make NAME MIB OPTIONS...
disks=()
make_ext() {
    local name=$1
    garbage "$T/$name.raw" "$2"
    shift 2
    mke2fs -q -F -E nodiscard -d "$T/tree" "$@" "$T/$name.raw"
    age "$T/$name.raw"
    disks+=("$name")
}
agrees() { map "$T/$1.raw" && "$COMPARE" ext "$T/$1.raw" "$T/$1.raw.map"; }

make_ext 1k 96 -t ext4 -b 1024
make_ext 2k 70 -t ext4 -b 2048
make_ext 4k 300 -t ext4 -b 4096
make_ext narrow 150 -t ext4 -b 4096 -O ^64bit
make_ext bigalloc 200 -t ext4 -b 4096 -O bigalloc -C 65536
make_ext bigalloc1k 90 -t ext4 -b 1024 -O bigalloc -C 8192
make_ext super2 200 -t ext4 -b 1024 -O sparse_super2
make_ext every-super 100 -t ext4 -b 1024 -O ^sparse_super,^resize_inode
make_ext no-journal 140 -t ext4 -O ^has_journal
make_ext meta-bg 120 -t ext4 -b 1024 -O meta_bg,^resize_inode
make_ext meta-bg-old 120 -t ext4 -b 1024 -O meta_bg,^resize_inode,^64bit,^flex_bg
make_ext uninit-bg 100 -t ext4 -b 1024 -O ^metadata_csum,uninit_bg
make_ext no-sums 100 -t ext4 -b 1024 -O ^metadata_csum,^uninit_bg
make_ext inline 64 -t ext4 -I 256 -O inline_data
make_ext ext3 80 -t ext3 -b 1024
make_ext ext2 80 -t ext2 -b 1024
for name in "${disks[@]}"; do
    check "the map of $name agrees with dumpe2fs" agrees "$name"
done

# ---- Migrated ----------------------------------------------------------------------------------

server web-1 web-2
migrated=(1k 4k bigalloc bigalloc1k super2 meta-bg no-sums ext2)
paths=()
for name in "${migrated[@]}"; do paths+=(--disk "$T/$name.raw"); done

# arrived POINT NUMBER NAME: the copy is right byte for byte, as a file system, and file by file
arrived() {
    rm -rf "$T/out.raw" "$T/here" "$T/there"
    mkdir "$T/here" "$T/there"
    "$B" export "$1" --disk "$2" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$3.raw" "$T/out.raw" "$T/$3.raw.map" "$CHUNK" &&
        e2fsck -fn "$T/out.raw" &&
        debugfs -R "rdump / $T/here" "$T/$3.raw" >/dev/null 2>&1 &&
        debugfs -R "rdump / $T/there" "$T/out.raw" >/dev/null 2>&1 &&
        [ "$(find "$T/here" -type f | wc -l)" -gt 50 ] &&
        cmp <(digests "$T/here") <(digests "$T/there")
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((600 << 20))
check "what was sent verifies" exits 0 "$B" verify web-1
check "the point says what was unused" json '[.disks[].unused] | min > 100' "$B" verify web-1 --json
for i in "${!migrated[@]}"; do
    check "disk $i (${migrated[i]}) arrived" arrived web-1 "$i" "${migrated[i]}"
done

# What is freed later is left out then, what is new arrives, and what stays is not sent again.
debugfs -w -R "rm /file-59" "$T/4k.raw" >/dev/null 2>&1
debugfs -w -R "write $T/more/file-9 /new" "$T/4k.raw" >/dev/null 2>&1
check "the map of the changed disk" agrees 4k
check "a later migration" push "$T/web-1.conf" "${paths[@]}"
check "sends little" test \
    "$(sed -n 's/.* event=progress .* sent=\([0-9]*\) .*/\1/p' "$T/push.log" | tail -1)" -lt $((2 << 20))
check "and the changed disk arrived" arrived web-1@2 1 4k
check "the earlier point is what it was" exits 0 "$B" verify web-1@1

# copy=all is the disk, every byte of it.
check "copy=all" push "$T/web-2.conf" --set copy=all --disk "$T/4k.raw"
check "leaves out nothing" test "$(left_out)" = 0
rm -f "$T/out.raw"
"$B" export web-2 --disk 0 --format raw "$T/out.raw" >/dev/null
check "and is the disk" cmp "$T/4k.raw" "$T/out.raw"

# ---- Partitions and swap -----------------------------------------------------------------------

garbage "$T/disk.raw" 160
sgdisk -Z "$T/disk.raw" >/dev/null 2>&1 || true
sgdisk -n 1:8M:+60M -n 2:72M:+40M -n 3:120M:+20M -t 2:8200 "$T/disk.raw" >/dev/null
mke2fs -q -F -t ext4 -E "nodiscard,offset=$((8 << 20))" "$T/disk.raw" 60M
truncate -s 40M "$T/swap"
mkswap "$T/swap" >/dev/null 2>&1
dd if="$T/swap" of="$T/disk.raw" bs=4096 count=1 seek=$((72 << 8)) conv=notrunc status=none
map "$T/disk.raw"
awk -v first=$((8 << 20)) -v end=$((68 << 20)) '$1 >= first && $2 <= end' "$T/disk.raw.map" >"$T/map1"
awk -v end=$((68 << 20)) '$1 >= end' "$T/disk.raw.map" >"$T/map2"
check "ext4 in a partition" "$COMPARE" ext "$T/disk.raw" "$T/map1" $((8 << 20))
check "swap but for its header, and no gap" \
    test "$(cat "$T/map2")" = "$(((72 << 20) + 65536)) $((112 << 20))"
cp "$T/disk.raw" "$T/asleep.raw"
printf 'S1SUSPEND\0' | dd of="$T/asleep.raw" bs=1 seek=$(((72 << 20) + 4086)) conv=notrunc status=none
check "a hibernated system is copied whole" whole "$T/asleep.raw" 'hibernated system is on partition 2 of disk 0'

# The same in sectors of 4096 bytes, and with a table of the older kind, in a logical partition.
garbage "$T/native.raw" 96
printf 'g\nn\n1\n2048\n18431\nw\n' | fdisk -w always -W always -b 4096 "$T/native.raw" >/dev/null
mke2fs -q -F -t ext4 -E "nodiscard,offset=$((8 << 20))" "$T/native.raw" 64M
"$MAP" -b 4096 "$T/native.raw" >"$T/native.raw.map" 2>/dev/null
check "sectors of 4096 bytes" "$COMPARE" ext "$T/native.raw" "$T/native.raw.map" $((8 << 20))
garbage "$T/mbr.raw" 96
printf 'label: dos\nstart=2048, size=180224, type=5\nstart=16384, size=131072\n' | sfdisk -q "$T/mbr.raw"
mke2fs -q -F -t ext4 -E "nodiscard,offset=$((8 << 20))" "$T/mbr.raw" 64M
map "$T/mbr.raw"
check "a logical partition" "$COMPARE" ext "$T/mbr.raw" "$T/mbr.raw.map" $((8 << 20))

# ---- What makes a map untrustworthy ------------------------------------------------------------

# doubt WHAT WORDS DEBUGFS-COMMAND: on a copy of the 1k disk
doubt() {
    cp "$T/1k.raw" "$T/doubt.raw"
    debugfs -w -R "$3" "$T/doubt.raw" >/dev/null 2>&1
    check "$1" whole "$T/doubt.raw" "$2"
}
# patch AT BYTES: of a copy of the disk without checksums
patch() {
    cp "$T/no-sums.raw" "$T/doubt.raw"
    printf '%b' "$2" | dd of="$T/doubt.raw" bs=1 seek="$1" conv=notrunc status=none
}
doubt "a journal to replay" 'its journal has not been replayed' 'feature needs_recovery'
doubt "not unmounted" 'not unmounted properly' 'ssv state 0'
doubt "errors" 'it has errors' 'ssv state 3'
doubt "orphans" 'deleted files that are still to be freed' 'ssv last_orphan 20'
doubt "an incompatible feature" 'unknown features' 'feature FEATURE_I30'
doubt "a read-only compatible feature" 'unknown features' 'feature FEATURE_R30'
doubt "a compatible feature" 'unknown features' 'feature FEATURE_C30'
doubt "an external journal" 'unknown features' 'feature journal_dev'
doubt "more inodes than groups have" 'inconsistent' 'ssv inodes_count 3'
doubt "larger than its partition" 'larger than its partition' 'ssv blocks_count 98305'
patch $((1024 + 0x6e)) 'x' # the identifier's version: others may be an x by chance
check "backups of another file system" whole "$T/doubt.raw" 'backups of its superblock'
cp "$T/1k.raw" "$T/doubt.raw"
printf 'x' | dd of="$T/doubt.raw" bs=1 seek=$((1024 + 0x88)) conv=notrunc status=none
check "a superblock with a wrong checksum" whole "$T/doubt.raw" 'checksum of its superblock'
for other in '0 XFSB' '0 LUKS\0272\0276' '512 LABELONE' '4096 \0374\0116\0053\0251' '65600 _BHRfS_M'; do
    patch "${other%% *}" "${other#* }"
    check "a second owner, ${other#* }" map_is_empty "$T/doubt.raw"
done

# RAID of a mainboard keeps its mark at the end of the disk. FROM-END MARK
for other in '512 $XIDE$' '1024 NVIDIA' '32256 Promise Technology, Inc.' '5632 \xf3\x16\x78\x5a'; do
    cp "$T/ext2.raw" "$T/doubt.raw"
    printf '%b' "${other#* }" | dd of="$T/doubt.raw" bs=1 seek=$(($(stat -c %s "$T/doubt.raw") - ${other%% *})) conv=notrunc status=none
    check "the mark of a RAID ${other%% *} bytes before the end" map_is_empty "$T/doubt.raw"
done
# Marks of two or four bytes count when the rest of their header agrees, as libblkid has it.
at_end() { printf '%b' "$2" | dd of="$T/doubt.raw" bs=1 seek=$(($(stat -c %s "$T/doubt.raw") - $1)) conv=notrunc status=none; }
has_map() { map "$1" && ! "$COMPARE" none "$1.map"; }
last_sector() { cp "$T/ext2.raw" "$T/doubt.raw"; at_end 512 "$(printf '\\x00%.0s' {1..512})"; }
last_sector; at_end 512 'JM'
check "a last sector that begins with JM" has_map "$T/doubt.raw"
at_end 510 '\x00\x00\xb6\xb2'
check "the mark of a JMicron RAID with its checksum" whole "$T/doubt.raw" 'JMicron'
last_sector; at_end 416 '\x00\x00\x00\x2f'
check "four bytes as Silicon Image has them" has_map "$T/doubt.raw"
at_end 194 '\x00\xd1'
check "the mark of a Silicon Image RAID with its checksum" whole "$T/doubt.raw" 'Silicon Image'
last_sector; at_end 512 '\x55\xaa'
check "a last sector that begins with 55 aa" has_map "$T/doubt.raw"
at_end 462 '\xff'
check "the mark of a VIA RAID with its checksum" whole "$T/doubt.raw" 'VIA'

# damaged_group NAME BLOCK WHAT: group 1 is used as a whole then, the others are not
group1() { awk -v a=$((8193 * 1024)) -v b=$((16385 * 1024)) '$2 > a && $1 < b' "$1.map" | wc -l; }
damaged_group() {
    cp "$T/$1.raw" "$T/doubt.raw"
    map "$T/doubt.raw"
    [ "$(group1 "$T/doubt.raw")" -gt 0 ] || { echo "it has no free blocks"; return 1; }
    printf '\017' | dd of="$T/doubt.raw" bs=1 seek="$2" conv=notrunc status=none
    map "$T/doubt.raw"
    [ "$(group1 "$T/doubt.raw")" = 0 ] && [ -s "$T/doubt.raw.map" ]
}
bitmap_of() { # in bytes, of group 1
    dumpe2fs "$T/$1.raw" 2>/dev/null | sed -n '/^Group 1:/,/^Group 2:/s/^ *Block bitmap at \([0-9]*\).*/\1/p'
}
check "a bitmap with a wrong checksum" damaged_group 1k $(($(bitmap_of 1k) * 1024 + 700))
check "a bitmap with a wrong count" damaged_group no-sums $(($(bitmap_of no-sums) * 1024 + 1020))
check "a descriptor with a wrong checksum" damaged_group 1k $((2048 + 64 + 2))
check "a descriptor with a wrong old checksum" damaged_group uninit-bg $((2048 + 64 + 14))
# A group with files in it that is marked as never written: its own count of free blocks knows better.
uninit() { # NAME GROUP
    cp "$T/$1.raw" "$T/doubt.raw"
    debugfs -w -R "set_bg $2 flags 0x6" "$T/doubt.raw" >/dev/null 2>&1
    debugfs -w -n -R "set_bg $2 checksum calc" "$T/doubt.raw" >/dev/null 2>&1
    dumpe2fs "$T/doubt.raw" >"$T/groups" 2>/dev/null
    grep -q "^Group $2:.*BLOCK_UNINIT" "$T/groups" && map "$T/doubt.raw" &&
        [ "$(group1 "$T/doubt.raw")" = 0 ] && [ -s "$T/doubt.raw.map" ]
}
for name in 1k uninit-bg; do
    check "a group in use that is marked as never written ($name)" uninit "$name" 1
done
check "the daemon stops" daemon_stop
finish
