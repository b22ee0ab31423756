#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of XFS: file systems made by mkfs.xfs and aged without mounting them, the maps
# beside xfs_db, whole migrations with xfs_repair and every file's digest, everything that must make a
# map untrustworthy, and flipped bits.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
FILES=$PWD/tests/usage/xfs_files.py
MUTATE=$PWD/tests/usage/mutate.py

files "$T/tree" 60
printf 'a block' >"$T/small"
# proto FOLDER SMALL: what mkfs.xfs -p fills a file system with
proto() {
    printf '/nothing\n1 1\nd--755 0 0\n'
    for ((i = 0; i < 60; i++)); do echo "file-$i ---644 0 0 $1/file-$i"; done
    for ((i = 0; i < $2; i++)); do echo "small-$i ---644 0 0 $T/small"; done
    printf 'deep d--755 0 0\ncopy ---644 0 0 %s/deep/er/copy\nlink l--777 0 0 ../file-1\n$\n$\n' "$1"
}
# age IMAGE: every other small file and every third one of the others are gone, as xfs_repair sees it
age() {
    xfs_db -r -c 'ls /' "$1" |
        awk '$6 ~ /^small-[0-9]*[02468]$|^file-[0-9]*[147]$/ { print "inode " $2 "\nwrite -d core.mode 0" }' |
        xfs_db -x "$1" >/dev/null
    xfs_repair -o force_geometry "$1" >/dev/null 2>&1
}
disks=()
# make_xfs NAME MIB SMALL OPTIONS...: --unsupported, since these are smaller than mkfs.xfs likes
make_xfs() {
    local name=$1
    garbage "$T/$name.raw" "$2"
    proto "$T/tree" "$3" >"$T/proto"
    shift 3
    mkfs.xfs -q -f -K --unsupported -p "$T/proto" "$@" "$T/$name.raw" >/dev/null 2>&1
    age "$T/$name.raw"
    disks+=("$name")
}
# agrees NAME [LEAST]
agrees() { map "$T/$1.raw" && "$COMPARE" xfs "$T/$1.raw" "$T/$1.raw.map" "${2:-0.95}"; }

make_xfs 4k 34 0 -d agcount=2
make_xfs 2k 64 3000 -b size=2048 -d agcount=2
make_xfs 1k-deep 64 18000 -b size=1024 -d agcount=2
make_xfs 16k 100 0 -b size=16384
make_xfs 64k 300 0 -b size=65536 -d agcount=2
make_xfs sectors 64 0 -s size=4096
make_xfs groups 110 0 -d agsize=17m
make_xfs short 83 0 -d agsize=32m
make_xfs one 64 0 -d agcount=1
make_xfs all-trees 80 0 -m rmapbt=1,reflink=1,finobt=1,inobtcount=1,bigtime=1 -i nrext64=1,sparse=1
make_xfs few-trees 64 0 -m reflink=0,finobt=0,bigtime=0,inobtcount=0 -i sparse=0
make_xfs stripes 80 0 -d su=64k,sw=4 -l su=64k
make_xfs v4 34 0 -m crc=0 -d agcount=2
make_xfs v4-512 64 9000 -m crc=0 -b size=512 -d agcount=2
make_xfs v4-oldest 64 0 -m crc=0 -l version=1,lazy-count=0 -i attr=1,projid32bit=0 -n ftype=0
for name in "${disks[@]}"; do
    case $name in
    v4*) check "most of the map of $name agrees with xfs_db" agrees "$name" 0.9 ;;
    *) check "the map of $name agrees with xfs_db" agrees "$name" ;;
    esac
done
levels() { xfs_db -r -c 'agf 0' -c 'p bnolevel' "$T/$1.raw" | grep -o '[0-9]*$'; }
check "trees of three levels are among them" test "$(levels 1k-deep) $(levels v4-512)" = "3 3"
check "and the last group may be short" test \
    "$(xfs_db -r -c 'agf 2' -c 'p length' "$T/short.raw" | grep -o '[0-9]*$')" -lt 8192

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
migrated=(4k 1k-deep 64k sectors short all-trees v4 v4-512)
paths=()
for name in "${migrated[@]}"; do paths+=(--disk "$T/$name.raw"); done
# arrived POINT NUMBER NAME: the copy is right byte for byte, as a file system, and file by file
arrived() {
    rm -f "$T/out.raw"
    "$B" export "$1" --disk "$2" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$3.raw" "$T/out.raw" "$T/$3.raw.map" "$CHUNK" &&
        xfs_repair -n "$T/out.raw" &&
        "$FILES" "$T/$3.raw" >"$T/here" && "$FILES" "$T/out.raw" >"$T/there" &&
        [ "$(grep -c 'file-\|copy' "$T/here")" -gt 35 ] && cmp "$T/here" "$T/there"
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((440 << 20))
check "what was sent verifies" exits 0 "$B" verify web-1
for i in "${!migrated[@]}"; do
    check "disk $i (${migrated[i]}) arrived" arrived web-1 "$i" "${migrated[i]}"
done

# In partitions, of a disk with sectors of 4096 bytes.
garbage "$T/disk.raw" 160
printf 'g\nn\n1\n2048\n18431\nn\n2\n18432\n34815\nw\n' | fdisk -w always -W always -b 4096 "$T/disk.raw" >/dev/null
dd if="$T/sectors.raw" of="$T/disk.raw" bs=1M seek=8 conv=notrunc status=none
dd if="$T/v4.raw" of="$T/disk.raw" bs=1M seek=72 conv=notrunc status=none
"$MAP" -b 4096 "$T/disk.raw" >"$T/disk.raw.map" 2>/dev/null
check "in partitions" cmp "$T/disk.raw.map" \
    <(awk '{ print $1 + 8 * 2 ^ 20, $2 + 8 * 2 ^ 20 }' "$T/sectors.raw.map"
      awk '{ print $1 + 72 * 2 ^ 20, $2 + 72 * 2 ^ 20 }' "$T/v4.raw.map")

# ---- What makes a map untrustworthy ------------------------------------------------------------

# change NAME COMMAND...: on a copy; xfs_db makes its checksum right
change() {
    local name=$1
    cp "$T/$name.raw" "$T/doubt.raw"
    shift
    xfs_db -x "${@/#/-c}" "$T/doubt.raw" >/dev/null 2>&1
}
doubt() { # WHAT WORDS FIELD VALUE [NAME]
    change "${5:-4k}" "sb 0" "write -d $3 $4"
    check "$1" whole "$T/doubt.raw" "$2"
}
same_map() { map "$T/doubt.raw" && cmp "$T/doubt.raw.map" "$T/4k.raw.map"; }
# patch NAME AT BYTES: of a copy
patch() {
    cp "$T/$1.raw" "$T/doubt.raw"
    printf '%b' "$3" | dd of="$T/doubt.raw" bs=1 seek="$2" conv=notrunc status=none
}
doubt "an incompatible feature" 'unknown features' features_incompat 0x80000003
doubt "a read-only compatible feature" 'unknown features' features_ro_compat 0x105
doubt "a compatible feature" 'unknown features' features_compat 1
doubt "a feature of version 4" 'unknown features' features2 0x4008a v4
doubt "a version to come" 'unknown features' versionnum 0xb4b6 v4
doubt "damaged" 'it needs repair' features_incompat 0x1b
doubt "a realtime device" 'realtime device' rblocks 100
doubt "a log on another device" 'log is on another device' logstart 0
doubt "changes in the log that only some can replay" 'has not been replayed' features_log_incompat 1
doubt "half-made" 'inconsistent' inprogress 1
doubt "groups that do not add up" 'inconsistent' agcount 5
doubt "blocks of another size" 'inconsistent' blocklog 11
doubt "a log beyond its group" 'inconsistent' logblocks 40000
change 4k "sb 0" "write -d features_incompat 0xcb"
check "features that change nothing here: exchange range, parent pointers" same_map
patch 4k 40 x
check "a superblock with a wrong checksum" whole "$T/doubt.raw" 'checksum of its superblock'
cp "$T/4k.raw" "$T/doubt.raw"
truncate -s -1M "$T/doubt.raw"
check "larger than its partition" whole "$T/doubt.raw" 'larger than its partition'
patch 4k $((17 << 20)) x
check "a copy of the superblock that is gone" whole "$T/doubt.raw" 'copies of its superblock'
patch 4k $((65536 + 64)) _BHRfS_M
check "a second owner" map_is_empty "$T/doubt.raw"

# The log: byte 0 of its first record, of the sector behind, and of one in the round before.
log_at() {
    xfs_db -r -c 'sb 0' -c 'p logstart agblocks blocksize agblklog' "$T/$1.raw" |
        awk '{ v[$1] = $3 } END { g = int(v["logstart"] / 2 ^ v["agblklog"])
            print (g * v["agblocks"] + v["logstart"] - g * 2 ^ v["agblklog"]) * v["blocksize"] }'
}
log=$(log_at 4k)
patch 4k $((log + 512 + 9)) '\001'
check "a last record that is not that of unmounting" whole "$T/doubt.raw" 'has not been replayed'
patch 4k $((log + 1024)) '\0376\0355\0272\0276\0\0\0\001'
check "a record behind it" whole "$T/doubt.raw" 'has not been replayed'
patch 4k $((log + 40 * 512)) '\0\0\0\001'
check "a sector of it further on" whole "$T/doubt.raw" 'has not been replayed'
patch 4k $((log + 304)) 'another disk'
check "the log of another file system" whole "$T/doubt.raw" 'has not been replayed'
change 4k "logformat -c 7 -s 4096"
check "a log in a later round" same_map
log=$(log_at v4)
patch v4 "$log" '\0\0\0\0\0\0\0\0'
check "an empty log" whole "$T/doubt.raw" 'has not been replayed'

# A log that a tool has cleared: its first record, nothing, and older rounds from 256 KiB on.
# cleared NAME COMMAND...: on a copy of NAME, which becomes NAME-cleared
cleared() {
    local name=$1
    cp "$T/$name.raw" "$T/$name-cleared.raw"
    "${@:2}" "$T/$name-cleared.raw" >"$T/cleared" 2>&1 || { cat "$T/cleared"; return 1; }
    xfs_logprint -t "$T/$name-cleared.raw" 2>&1 | grep -c '<CLEAN>' && agrees "$name-cleared"
}
copied() { xfs_copy "$1" "$T/copied.raw" && mv "$T/copied.raw" "$1"; }
for name in 4k sectors stripes; do
    check "a log cleared by xfs_repair -L ($name)" cleared $name xfs_repair -o force_geometry -L
done
check "a log cleared by xfs_admin -U" cleared 16k xfs_admin -U generate
check "a log cleared by xfs_copy" cleared short copied
check "a log of version 4, cleared" cleared v4 xfs_repair -o force_geometry -L
log=$(log_at 16k-cleared)
cycle() { od -An -tx4 --endian=big -j$((log + $1 * 512)) -N4 "$T/16k-cleared.raw" | tr -d ' '; }
check "in which older rounds follow" test "$(cycle 1) $(cycle 2) $(cycle 513)" = "00000002 00000000 00000001"
patch 16k-cleared $((log + 1024)) '\0376\0355\0272\0276\0\0\0\002'
check "a record where it was cleared" whole "$T/doubt.raw" 'has not been replayed'
patch 16k-cleared $((log + 90 * 512 + 100)) '\001'
check "a byte where it was cleared" whole "$T/doubt.raw" 'has not been replayed'
patch 16k-cleared $((log + 600 * 512)) '\0\0\0\002'
check "a sector of the present round further on" whole "$T/doubt.raw" 'has not been replayed'
patch 16k-cleared $((log + 32)) '\0\0\0\001'
check "a first record that no tool wrote" whole "$T/doubt.raw" 'has not been replayed'

# damaged WHAT NAME COMMAND...: what follows group 1 counts as used then, group 0 does not
damaged() {
    local what=$1 name=$2 at
    shift 2
    at=$(xfs_db -r -c 'sb 0' -c 'p agblocks blocksize' "$T/$name.raw" | awk '{ v[NR] = $3 } END { print v[1] * v[2] }')
    change "$name" "$@"
    check "$what: the map ends" ends_at "$at"
}
ends_at() {
    map "$T/doubt.raw"
    [ -s "$T/doubt.raw.map" ] && cmp "$T/doubt.raw.map" <(awk -v at="$1" '$1 < at' "$T/$name.raw.map") &&
        grep -q 'allocation group 1 of an XFS file system is inconsistent' "$T/doubt.raw.log"
}
for name in 4k v4; do
    damaged "a count that does not fit ($name)" "$name" "agf 1" "write -d freeblks 5"
    damaged "a longest extent that does not fit ($name)" "$name" "agf 1" "write -d longest 5"
    damaged "another group's header ($name)" "$name" "agf 1" "write -d seqno 0"
    damaged "a tree of other height ($name)" "$name" "agf 1" "write -d bnolevel 2"
    damaged "an extent that goes beyond the group ($name)" "$name" "agf 1" "addr bnoroot" "write -d recs[1].blockcount 90000"
    damaged "an extent in the headers ($name)" "$name" "agf 1" "addr bnoroot" "write -d recs[1].startblock 0"
    damaged "a block of another tree ($name)" "$name" "agf 1" "addr bnoroot" "write -d magic 0x41423343"
done
name=v4
damaged "an extent that was moved" v4 "agf 1" "addr bnoroot" "write -d recs[1].startblock 9"
name=4k
damaged "a block of another group" 4k "agf 1" "addr bnoroot" "write -d owner 0"
damaged "a change that the log does not know" 4k "agf 1" "addr bnoroot" "write -d lsn 0x700000000"
damaged "a header that the log does not know" 4k "agf 1" "write -d lsn 0x700000000"

# ---- Flipped bits ------------------------------------------------------------------------------

for name in 4k v4 all-trees; do
    check "flipped bits ($name)" "$MUTATE" xfs "$T/$name.raw" "$MAP" "${BF_ROUNDS:-100}" "${BF_SEED:-1}"
done
check "the daemon stops" daemon_stop
finish
