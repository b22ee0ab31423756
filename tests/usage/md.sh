#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, on md RAID1 in all versions of its superblock: both sides of a mirror, with file
# systems, swap and LVM2 on it; superblocks that mdadm calls right; a migration of both disks; and
# every doubt that an array can be in.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

SUPER=$PWD/tests/usage/md_super.py
MIB=$((1 << 20))
first=(0 $((8 * MIB)) $((88 * MIB)) $((128 * MIB)) $((168 * MIB))) # of partitions 1 to 4
bytes=(0 $((64 * MIB)) $((32 * MIB)) $((32 * MIB)) $((32 * MIB)))
version=(0 1.2 1.0 0.90 1.1)

# super PARTITION KEYS...: on both sides of the mirror, in x.raw and y.raw
super() {
    for role in 0 1; do
        "$SUPER" "${version[$1]}" "$T/${sides[role]}.raw" "${first[$1]}" "${bytes[$1]}" role=$role uuid="$1" "${@:2}" >"$T/data$1"
    done
}
# fill PARTITION IMAGE: the data of both sides
fill() {
    local at
    at=$(cut -d' ' -f1 "$T/data$1")
    for side in "${sides[@]}"; do
        dd if="$2" of="$T/$side.raw" bs=64k seek="$at" oflag=seek_bytes conv=notrunc status=none
    done
}

# ---- Two disks, four arrays --------------------------------------------------------------------

sides=(a b)
garbage "$T/a.raw" 208
sgdisk -Z "$T/a.raw" >/dev/null 2>&1 || true
sgdisk -n 1:8M:+64M -n 2:88M:+32M -n 3:128M:+32M -n 4:168M:+32M "$T/a.raw" >/dev/null
cp "$T/a.raw" "$T/b.raw"
sgdisk -G "$T/b.raw" >/dev/null
for i in 1 2 3 4; do super $i bitmap=$((i < 3)); done
files "$T/tree" 60
garbage "$T/root.img" 62
mke2fs -q -F -t ext4 -b 1024 -E nodiscard -d "$T/tree" "$T/root.img"
fill 1 "$T/root.img"
garbage "$T/boot.img" 30
mke2fs -q -F -t ext3 -b 1024 -E nodiscard -d "$T/tree" "$T/boot.img"
fill 2 "$T/boot.img"
truncate -s "$(cut -d' ' -f2 "$T/data3")" "$T/swap.img"
mkswap -q "$T/swap.img"
head -c 64K "$T/swap.img" >"$T/swap.head"
fill 3 "$T/swap.head"

examine() { # PARTITION: of both sides
    for side in a b; do
        dd if="$T/$side.raw" of="$T/member" bs=1M skip=$((first[$1] / MIB)) count=$((bytes[$1] / MIB)) status=none
        mdadm --examine "$T/member" >"$T/examined"
        grep -q 'State : clean' "$T/examined" && grep -q 'Checksum : .* correct' "$T/examined" || return 1
    done
}
for i in 1 2 3 4; do check "mdadm knows version ${version[i]}" examine $i; done

maps() { for i in 0 1; do "$MAP" -d $i "$T/${sides[0]}.raw" "$T/${sides[1]}.raw" >"$T/$i.map" 2>"$T/$i.log"; done; }
# part MAP PARTITION: what of the map lies there
part() { awk -v a="${first[$2]}" -v b=$((first[$2] + bytes[$2])) '$1 < b && $2 > a' "$1" >"$T/part.map"; }
# same NUMBER PARTITION: the map of a disk is what dumpe2fs says of its own copy of the data
same() {
    part "$T/$1.map" "$2"
    "$COMPARE" ext "$T/${sides[$1]}.raw" "$T/part.map" "$(cut -d' ' -f1 "$T/data$2")"
}
maps
for i in 0 1; do
    check "ext4 on version 1.2, side $i" same $i 1
    check "ext3 on version 1.0, side $i" same $i 2
    part "$T/$i.map" 3
    check "swap on version 0.90, side $i" test "$(cat "$T/part.map")" = \
        "$((first[3] + 65536)) $((first[3] + $(cut -d' ' -f2 "$T/data3")))"
    part "$T/$i.map" 4
    check "an array without anything, side $i" test ! -s "$T/part.map"
done
check "the log names the array" grep -q 'the array on partition 1: ext2/3/4, only what is used' "$T/0.log"

# LVM2 on an array: a volume of 12 MiB with a file system, the rest unallocated.
volume=$(($(cut -d' ' -f1 "$T/data4") + MIB)) end=$(($(cut -d' ' -f1 "$T/data4") + 31 * MIB))
if pv=$(truncate -s 31M "$T/pv.img" && losetup -f --show "$T/pv.img" 2>/dev/null); then
    detach() { [ -z "$pv" ] || losetup -d "$pv"; pv=''; }
    at_exit detach
    mkdir "$T/lvm"
    export LVM_SYSTEM_DIR=$T/lvm LVM_SUPPRESS_FD_WARNINGS=1
    echo "devices { use_devicesfile=0 scan_lvs=0 obtain_device_list_from_udev=0 external_device_info_source=\"none\"
 filter=[\"a|^$pv\$|\",\"r|.*|\"] } backup { backup=0 archive=0 }" >"$T/lvm/lvm.conf"
    for command in "pvcreate $pv" "vgcreate -s 1m web $pv" "lvcreate -an -Zn -Wn -n data -l 12 web"; do
        # shellcheck disable=SC2086 # words
        lvm ${command%% *} --driverloaded n ${command#* } >>"$T/lvm.log" 2>&1
    done
    detach
    mke2fs -q -F -t ext4 -b 1024 -E nodiscard,offset=$MIB -d "$T/tree" "$T/pv.img" 12M
    fill 4 "$T/pv.img"
    maps
    for i in 0 1; do
        awk -v a="$volume" -v b=$((volume + 12 * MIB)) '$1 < b && $2 > a { print $1, $2 < b ? $2 : b }' "$T/$i.map" >"$T/part.map"
        check "a volume on an array, side $i" "$COMPARE" ext "$T/${sides[i]}.raw" "$T/part.map" "$volume"
        # shellcheck disable=SC2016 # awk's
        check "extents without a volume, side $i" awk -v a=$((volume + 12 * MIB)) -v b="$end" \
            '$1 <= a && $2 == b { found = 1 } END { exit !found }' "$T/$i.map"
    done
else
    echo "skip a volume on an array: no loop devices here"
fi

# in_data MAP PARTITION: what of the map lies there, in bytes of the array
in_data() {
    awk -v a="${first[$2]}" -v b=$((first[$2] + bytes[$2])) -v at="$(cut -d' ' -f1 "$T/data$2")" \
        '$1 < b && $2 > a { print $1 - at, $2 - at }' "$1"
}
# alike PARTITION: both sides leave out the same
alike() { cmp <(in_data "$T/0.map" "$1") <(in_data "$T/1.map" "$1"); }
for i in 1 2 3 4; do check "the sides have one map, partition $i" alike $i; done

# Of a disk above 1 TiB the chunks are larger: what is left out is whole chunks on both.
cp "$T/b.raw" "$T/b.kept"
truncate -s 1100G "$T/b.raw"
sgdisk -e "$T/b.raw" >/dev/null 2>&1
maps
check "a disk with larger chunks on the other side" same 0 1
for i in 1 2 3; do check "has the same map, partition $i" alike $i; done
part "$T/1.map" 1
check "in its own chunks" awk '($1 % 131072 || $2 % 131072) { bad = 1 } END { exit bad || !NR }' "$T/part.map"
mv "$T/b.kept" "$T/b.raw"

# What one side uses is used on both. A file is gone on one side only: nothing of what it changed
# there is left out on any, and what is left out is free on both.
cp "$T/b.raw" "$T/b.kept"
debugfs -w -R 'rm /file-50' "$T/b.raw?offset=$(cut -d' ' -f1 "$T/data1")" >/dev/null 2>&1
maps
check "sides that differ have the same map" alike 1
check "and the log says so" grep -q 'the sides of a mirror differ near byte' "$T/0.log"
cp "$T/b.kept" "$T/b.raw"
# the bitmap of a group, but not the superblock
bitmap=$(dumpe2fs "$T/a.raw?offset=$(cut -d' ' -f1 "$T/data1")" 2>/dev/null | sed -n '/^Group 2:/,/^Group 3:/s/^ *Block bitmap at \([0-9]*\).*/\1/p')
printf '\0377' | dd of="$T/b.raw" bs=1 seek=$(($(cut -d' ' -f1 "$T/data1") + bitmap * 1024 + 1000)) conv=notrunc status=none
maps
check "sides that differ in one group have the same map" alike 1
part "$T/0.map" 1
group=$(($(cut -d' ' -f1 "$T/data1") + 2 * 8192 * 1024 + 1024))
check "without that group" awk -v a="$group" '$1 < a + 8388608 && $2 > a { bad = 1 } END { exit bad || NR < 3 }' "$T/part.map"
mv "$T/b.kept" "$T/b.raw"

# ---- Migrated ----------------------------------------------------------------------------------

server mirror
maps
check "a migration of both sides" push "$T/mirror.conf" --disk "$T/a.raw" --disk "$T/b.raw"
check "leaves out most of it" test "$(left_out)" -gt $((180 * MIB))
check "what was sent verifies" exits 0 "$B" verify mirror
dd if="$T/a.raw" of="$T/out.img" bs=64k skip="$(cut -d' ' -f1 "$T/data1")" count=$((62 * 16)) iflag=skip_bytes status=none
mkdir "$T/here" "$T/there"
debugfs -R "rdump / $T/here" "$T/out.img" >/dev/null 2>&1
for i in 0 1; do
    rm -f "$T/out.raw"
    "$B" export mirror --disk $i --format raw "$T/out.raw" >/dev/null
    for p in 1 2 3 4; do
        read -r at size <"$T/data$p"
        dd if="$T/out.raw" bs=64k skip="$at" count="$size" iflag=skip_bytes,count_bytes status=none | sha256sum >"$T/sum-$i-$p"
        [ "$i" = 0 ] || check "the sides of array $p are equal on the copy" cmp "$T/sum-0-$p" "$T/sum-1-$p"
    done
    check "side $i arrived" "$COMPARE" copy "$T/${sides[i]}.raw" "$T/out.raw" "$T/$i.map" "$CHUNK"
    dd if="$T/out.raw" of="$T/out.img" bs=64k skip="$(cut -d' ' -f1 "$T/data1")" count=$((62 * 16)) iflag=skip_bytes status=none
    check "its file system is clean" e2fsck -fn "$T/out.img"
    rm -r "$T/there"
    mkdir "$T/there"
    debugfs -R "rdump / $T/there" "$T/out.img" >/dev/null 2>&1
    check "its files are the same" diff -r "$T/here" "$T/there"
done

# ---- What an array can be in doubt about -------------------------------------------------------

# From here on one partition, the first, on small disks.
sides=(x y)
again() { for side in x y; do dd if="$T/a.raw" of="$T/$side.raw" bs=1M count=80 status=none; truncate -s 208M "$T/$side.raw"; done; }
# doubtful WORDS: nothing of that partition is left out on any side, for this reason
doubtful() {
    maps
    for i in 0 1; do
        part "$T/$i.map" 1
        [ ! -s "$T/part.map" ] && grep -qF -- "$1" "$T/$i.log" && continue
        cat "$T/part.map" "$T/$i.log"
        return 1
    done
}
# doubt WHAT WORDS KEYS...: said by both sides
doubt() {
    super 1 "${@:3}"
    check "$1" doubtful "$2"
}
again
doubt "resync under way" 'not stopped properly' resync=4096
doubt "writes under way" 'writes were under way' bitmap=2
doubt "a bitmap that is behind" 'writes were under way' bitmap=3
doubt "a reshape" 'unknown features' features=4
doubt "a journal" 'unknown features' features=0x200
doubt "bad blocks" 'unknown features' features=8
doubt "a feature that nobody knows" 'unknown features' features=0x80000000
doubt "a failed member" 'one of its disks has failed' dev_role=0xfffe
doubt "a missing member" 'one of its disks has failed' disks=3 dev_role=0xffff
doubt "a wrong checksum" 'its superblock is damaged' sum=1
doubt "data where the superblock is" 'its superblock is inconsistent' data=0
for level in 0 4 5 6 10 -1; do
    doubt "level $level" 'only RAID1 is examined' level=$level
done
super 1
"$SUPER" 1.2 "$T/y.raw" "${first[1]}" "${bytes[1]}" role=1 events=21 >/dev/null
check "members that do not agree" doubtful 'its members do not agree'
"$SUPER" 1.2 "$T/y.raw" "${first[1]}" "${bytes[1]}" role=0 >/dev/null
check "clones" doubtful 'its members do not agree'
version[1]=0.90
again
dd if=/dev/zero of="$T/x.raw" bs=4k count=1 seek=$((first[1] / 4096 + 1)) conv=notrunc status=none
cp "$T/x.raw" "$T/y.raw"
doubt "0.90: not stopped" 'not stopped properly' state=0
doubt "0.90: errors" 'has errors' state=3
doubt "0.90: writes under way" 'writes were under way' bitmap=2
doubt "0.90: a failed member" 'one of its disks has failed' dev_role=1
doubt "0.90: a wrong checksum" 'its superblock is damaged' sum=1
again
super 1
check "two superblocks" doubtful 'more than one superblock'
version[1]=1.2

# An old superblock behind somebody else's file system.
again
super 1
for side in x y; do printf 'XFSB' | dd of="$T/$side.raw" bs=1 seek="${first[1]}" conv=notrunc status=none; done
check "a second owner" doubtful 'signatures of something else'

printf 'S1SUSPEND\0' | dd of="$T/b.raw" bs=1 seek=$((first[3] + 4086)) conv=notrunc status=none
for i in 0 1; do
    "$MAP" -d $i "$T/a.raw" "$T/b.raw" >"$T/$i.map" 2>"$T/$i.log"
    check "a system that hibernated into a mirror, side $i" test ! -s "$T/$i.map"
    check "the log says where, side $i" grep -q 'a hibernated system is on partition 3 of disk 1' "$T/$i.log"
done

# One side alone, and both sides on one disk.
again
super 1
"$MAP" "$T/x.raw" >"$T/0.map" 2>"$T/0.log"
check "one side alone" grep -q 'md RAID1, copied whole: not all of its members are on the disks of this run' "$T/0.log"
part "$T/0.map" 1
check "is whole" test ! -s "$T/part.map"
# The other side begins 36 KiB further on.
printf '%s\n' 'label: gpt' "start=$((first[1] / 512 + 72)), size=$((bytes[1] / 512))" | sfdisk -q "$T/y.raw"
dd if="$T/a.raw" of="$T/y.raw" bs=4k skip=$((first[1] / 4096)) seek=$((first[1] / 4096 + 9)) count=$((bytes[1] / 4096)) conv=notrunc status=none
"$SUPER" 1.2 "$T/y.raw" $((first[1] + 36864)) "${bytes[1]}" role=1 uuid=1 >/dev/null
"$SUPER" 1.2 "$T/x.raw" "${first[1]}" "${bytes[1]}" role=0 uuid=1 >/dev/null
check "sides that lie differently" doubtful 'its members are aligned differently on their disks'
sgdisk -d 2 -d 3 -d 4 -n 2:88M:+64M "$T/a.raw" >/dev/null
dd if="$T/x.raw" of="$T/a.raw" bs=1M skip=8 seek=88 count=64 conv=notrunc status=none
first[2]=$((88 * MIB))
"$SUPER" 1.2 "$T/a.raw" "${first[2]}" "${bytes[1]}" role=1 >/dev/null
"$SUPER" 1.2 "$T/a.raw" "${first[1]}" "${bytes[1]}" role=0 >"$T/data1"
"$MAP" "$T/a.raw" >"$T/0.map" 2>"$T/0.log"
check "both sides on one disk" test ! -s "$T/0.map"
check "are whole" test "$(grep -c 'md RAID1, copied whole: two of its members are on the same disk' "$T/0.log")" = 2
check "the daemon stops" daemon_stop
finish
