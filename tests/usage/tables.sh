#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whose block is it: disks whose partition tables are unusual, contradict each other or are those of
# other systems, made by the tools that make them. A map may exist only where one owner is certain,
# blocks of tables are never left out, and every partition has a line that says which way it went.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2317 # called by check
says() { grep -qF -- "$2" "$1.log" || { tail -n 5 "$1.log"; return 1; }; }
# left_at IMAGE FIRST END: something in these bytes is left out; kept_at: nothing of them is
left_at() { awk -v a="$2" -v b="$3" '$1 < b && $2 > a { n++ } END { exit !n }' "$1.map"; }
kept_at() { ! left_at "$@" || { cat "$1.map"; return 1; }; }
# ext4 IMAGE FIRST-SECTOR MIB: whatever lay there before stays in its free blocks
ext4() { mke2fs -q -F -t ext4 -b 4096 -E "nodiscard,offset=$(($2 * 512))" "$1" "$3M" 2>/dev/null; }
mbr() { # IMAGE LINES
    printf 'label: dos\n%b' "$2" | sfdisk -q -w never -W never "$1"
}
patch() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# ---- MBR as Linux takes it ---------------------------------------------------------------------

d=$T/past.raw
truncate -s 104M "$d"
mke2fs -q -F -t ext4 -b 4096 "$d" 98M # an earlier life
mbr "$d" "start=2048, size=$((103 * 2048)), type=83\n"
ext4 "$d" 2048 60
truncate -s 103M "$d"
check "a table whose only partition ends behind the disk is one" whole "$d" 'signatures of something else'

d=$T/cut.raw
garbage "$d" 104
mbr "$d" "start=2048, size=$((103 * 2048)), type=83\n"
ext4 "$d" 2048 60
truncate -s 100M "$d"
map "$d"
check "a partition is cut where the disk ends" left_at "$d" 1048576 $((61 << 20))

d=$T/type0.raw
garbage "$d" 64
mbr "$d" "start=2048, size=102400, type=83\n"
patch "$d" $((446 + 4)) '\0'
ext4 "$d" 2048 50
map "$d"
check "an entry of type 0 is a partition" says "$d" 'disk 0, partition 1: ext2/3/4, only what is used'
check "which has a map" left_at "$d" 1048576 $((51 << 20))

# Debian 12's fdisk puts the record of a logical partition into the partition before it.
d=$T/logical.raw
garbage "$d" 200
printf 'o\nn\ne\n1\n2048\n+180M\nn\nl\n8192\n+60M\nn\nl\n131072\n+60M\nw\n' |
    fdisk -w never -W never "$d" >"$T/fdisk" 2>&1
record=$(((2048 + $(od -An -tu4 -j $((2048 * 512 + 446 + 16 + 8)) -N4 "$d")) * 512))
ext4 "$d" 8192 60
ext4 "$d" 131072 60
map "$d"
check "both logical partitions have maps" left_at "$d" $((131072 * 512)) $((131072 * 512 + (60 << 20)))
check "the first one, too" left_at "$d" $((8192 * 512)) $((8192 * 512 + (60 << 20)))
check "the record of the second is kept" kept_at "$d" "$record" $((record + 512))

d=$T/over.raw
garbage "$d" 100
mbr "$d" "start=2048, size=40960, type=83\nstart=61440, size=102400, type=83\nstart=43008, size=18432, type=83\n"
ext4 "$d" 61440 50
ext4 "$d" 2048 20
patch "$d" $((446 + 32 + 12)) '\0\0\01\0' # the third one reaches into the second
map "$d"
check "overlapping partitions are nobody's" says "$d" 'partition 2: ext2/3/4, copied whole: it overlaps another'
check "others have their maps" left_at "$d" 1048576 $((21 << 20))

# ---- GPT ---------------------------------------------------------------------------------------

d=$T/many.raw
truncate -s 700M "$d"
sgdisk -o -S 160 "$d" >/dev/null
# shellcheck disable=SC2046
sgdisk $(for i in $(seq 140); do echo -n "-n $i:0:+4M "; done) "$d" >/dev/null
ext4 "$d" "$(sgdisk -i 140 "$d" | sed -n 's/First sector: \([0-9]*\).*/\1/p')" 4
map "$d"
check "the 140th partition has a line" says "$d" 'partition 140: ext2/3/4, only'
check "and the one in front of it" says "$d" 'partition 139: unknown, copied whole: no file system is recognised'

d=$T/hybrid.raw
garbage "$d" 200
sgdisk -Z "$d" >/dev/null 2>&1 || true
sgdisk -o -n 1:2048:+20M -n 2:0:+60M -n 3:0:+80M "$d" >/dev/null
ext4 "$d" 43008 60
printf 'r\nh\n2\nY\n83\nN\nN\nw\nY\n' | gdisk "$d" >/dev/null
map "$d"
check "a hybrid MBR that repeats the GPT" says "$d" 'partition 2: ext2/3/4, only'
patch "$d" $((446 + 16 + 9)) '\xb0'
check "one that does not" whole "$d" 'its MBR and its GPT do not agree'

d=$T/4kn.raw
garbage "$d" 100
if loop=$(losetup -f --show -b 4096 "$d" 2>/dev/null); then
    sgdisk -Z "$loop" >/dev/null 2>&1 || true
    sgdisk -o -n 1:256:0 "$loop" >/dev/null
    losetup -d "$loop"
    ext4 "$d" 2048 90
    check "a GPT in blocks of 4096 bytes read in blocks of 512" whole "$d" '--block-size 4096'
    "$MAP" -b 4096 "$d" >"$d.map" 2>"$d.log"
    check "and read as it was made" left_at "$d" 1048576 $((90 << 20))
    patch "$d" $((100 * 1048576 - 8192)) 'Intel Raid ISM Cfg Sig. 1.1.00'
    "$MAP" -b 4096 "$d" >"$d.map" 2>"$d.log"
    check "a RAID that counts in the disk's blocks" says "$d" 'Intel RAID'
else
    echo "skip a GPT in blocks of 4096 bytes: no loop devices here"
fi

# ---- Other owners ------------------------------------------------------------------------------

d=$T/ldm.raw
garbage "$d" 100
mbr "$d" 'start=2048, type=42\n'
ext4 "$d" 2048 90
check "a Windows dynamic disk" whole "$d" 'Windows dynamic disk'

d=$T/verity.raw
garbage "$d" 120
sgdisk -Z "$d" >/dev/null 2>&1 || true
sgdisk -o -n 1:2048:+60M -n 2:0:+8M -n 3:0:+20M "$d" >/dev/null
ext4 "$d" 2048 60
ext4 "$d" 141312 20
# the superblock of a hash tree over 60 MiB: cryptsetup, lib/verity/verity.c
patch "$d" $((124928 * 512)) 'verity\0\0\x01\0\0\0\x01\0\0\0'
patch "$d" $((124928 * 512 + 32)) 'sha256'
patch "$d" $((124928 * 512 + 64)) '\0\x10\0\0\0\x10\0\0\0\x3c\0\0\0\0\0\0'
map "$d"
check "what a hash tree may cover is copied whole" says "$d" 'partition 1: ext2/3/4, copied whole: checksums of dm-verity'
check "what is smaller than it is not" says "$d" 'partition 3: ext2/3/4, only'
check "the tree itself has a line" says "$d" 'partition 2: dm-verity, copied whole'

# dm-integrity with its checksums on another disk: a group on what it covers is covered, too
d=$T/covered.raw
garbage "$d" 120
sgdisk -Z "$d" >/dev/null 2>&1 || true
sgdisk -o -n 1:2048:+100M "$d" >/dev/null
ext4 "$d" 2048 90
truncate -s 8M "$T/sums.raw"
patch "$T/sums.raw" 0 'integrt\0\x01\0\x04\0\x64\0\0\0\0\x1e\x03\0\0\0\0\0'
"$MAP" "$d" "$T/sums.raw" >"$d.map" 2>"$d.log"
check "checksums on a device of their own" says "$d" 'partition 1: ext2/3/4, copied whole: checksums of dm-verity or dm-integrity'
"$MAP" "$d" >"$d.map" 2>"$d.log"
check "and the same disk without them" says "$d" 'partition 1: ext2/3/4, only'
mke2fs -q -F -t ext4 -b 4096 -E "nodiscard,offset=1048576" "$d" 60M
patch "$d" $((1048576 + (60 << 20))) 'verity\0\0'
map "$d"
check "a hash tree behind the file system" says "$d" 'partition 1: ext2/3/4, dm-verity, copied whole'

d=$T/odd.raw
garbage "$d" 60
truncate -s $((100003 * 512)) "$d"
mke2fs -q -F -t ext4 -b 4096 -E nodiscard "$d" 40M
map "$d"
check "an odd number of sectors" left_at "$d" 0 $((40 << 20))
cp "$d" "$T/image.raw"
patch "$d" $((100003 * 512 / 4096 * 4096 - 4096 + 60)) '\x83\x74\x02\x6d'
check "where DRBD keeps its metadata in the last whole 4 KiB" whole "$d" 'DRBD'
patch "$T/image.raw" 0 'conectix'
check "the disk image of a virtual machine" whole "$T/image.raw" 'a disk image'

d=$T/fat.raw
garbage "$d" 100
mkfs.fat -F 32 --mbr=y "$d" >/dev/null 2>&1
map "$d"
check "FAT with a table that names the disk itself" left_at "$d" $((8 << 20)) $((90 << 20))
mke2fs -q -F -t ext2 "$T/small" 8M >/dev/null 2>&1
dd if="$T/small" of="$d" bs=1024 skip=1 seek=1 count=1 conv=notrunc status=none
check "which an ext4 shares with it" map_is_empty "$d"
garbage "$d" 100
sgdisk -o -n 1:2048:0 "$d" >/dev/null 2>&1
mkfs.fat -F 32 --mbr=y -I "$d" >/dev/null 2>&1
check "over a GPT whose backup is still there" whole "$d" 'a GPT'

d=$T/fat-in.raw
garbage "$d" 100
sgdisk -Z "$d" >/dev/null 2>&1 || true
sgdisk -o -n 1:2048:+90M "$d" >/dev/null
mformat -F -T $((90 * 2048)) -h 16 -s 63 -i "$d@@1M" ::
map "$d"
check "a partition whose boot record names itself" says "$d" "partition 1: FAT32, only"

d=$T/live.raw
garbage "$d" 120
mkdir -p "$T/iso/boot"
head -c 20M /dev/urandom >"$T/iso/squashfs"
mformat -C -f 2880 -i "$T/iso/boot/efi.img" ::
head -c 432 /dev/zero >"$T/mbr"
xorriso -as mkisofs -quiet -o "$T/live.iso" -isohybrid-mbr "$T/mbr" -e boot/efi.img -no-emul-boot \
    -isohybrid-gpt-basdat "$T/iso" 2>/dev/null
dd if="$T/live.iso" of="$d" conv=notrunc status=none
printf 'n\np\n3\n%d\n\nw\n' $((40 * 2048)) | fdisk -w never -W never "$d" >"$T/fdisk" 2>&1
ext4 "$d" $((40 * 2048)) 70
map "$d"
check "a live image" kept_at "$d" 0 $((40 << 20))
check "and what is kept behind it" left_at "$d" $((40 << 20)) $((110 << 20))

garbage "$T/iso.raw" 30
dd if="$T/live.iso" of="$T/iso.raw" bs=32K skip=1 seek=1 count=1 conv=notrunc status=none
check "an image on a disk without a table" whole "$T/iso.raw" 'ISO 9660, copied whole: unused blocks are not recognised in this format'

d=$T/lines.raw
garbage "$d" 100
sgdisk -Z "$d" >/dev/null 2>&1 || true
sgdisk -o -n 1:2048:+20M -n 2:0:+20M -n 3:0:+20M "$d" >/dev/null
patch "$d" $((2048 * 512 + 32768)) 'JFS1'
ext4 "$d" 43008 20
patch "$d" $((43008 * 512)) 'XFSB'
map "$d"
check "a file system without a map" says "$d" 'partition 1: JFS, copied whole: unused blocks are not recognised in this format'
check "two owners" says "$d" 'partition 2: ext2/3/4, XFS, copied whole: it has signatures of more than one format'
check "nothing known" says "$d" 'partition 3: unknown, copied whole: no file system is recognised'
finish
