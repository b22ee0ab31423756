#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, through LVM2 and over two disks: physical volumes, groups and volumes made by
# lvm(8), which needs no device-mapper for that; file systems copied to where it says that a volume
# lies; the maps beside lvs, pvs and dumpe2fs; a migration of both disks; and every doubt that a
# group can be in.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

VOLUMES=$PWD/tests/usage/volumes.py
loops=()
detach() { [ ${#loops[@]} = 0 ] || losetup -d "${loops[@]}"; loops=(); }
at_exit detach

if ! spare=$(losetup -f 2>/dev/null) || ! losetup "$spare" /etc/hostname 2>/dev/null; then
    echo "skip volumes: no loop devices here"
    finish
fi
losetup -d "$spare"
export LVM_SYSTEM_DIR=$T/lvm LVM_SUPPRESS_FD_WARNINGS=1
mkdir "$T/lvm"
# attach FILE[:OFFSET:BYTES]...: as loop devices, which alone lvm sees
attach() {
    local at filter=
    for at; do
        IFS=: read -r file offset bytes <<<"$at"
        loops+=("$(losetup -f --show -o "${offset:-0}" ${bytes:+--sizelimit "$bytes"} "$file")")
        filter+="\"a|^${loops[-1]}\$|\","
    done
    cat >"$T/lvm/lvm.conf" <<END
devices { use_devicesfile=0 dir="/dev" scan_lvs=0 obtain_device_list_from_udev=0 external_device_info_source="none"
 filter=[$filter"r|.*|"] }
backup { backup=0 archive=0 }
END
}
lvm() { command lvm "$1" --driverloaded n "${@:2}" >>"$T/lvm.log" 2>&1 || { cat "$T/lvm.log"; return 1; }; }
create() { lvm lvcreate -an -Zn -Wn "$@"; }

# ---- A group on a partition and on a whole disk ------------------------------------------------

garbage "$T/a.raw" 200
garbage "$T/b.raw" 160
sgdisk -Z "$T/a.raw" >/dev/null 2>&1 || true
sgdisk -n 1:8M:+20M -n 2:32M:+160M -t 2:8e00 "$T/a.raw" >/dev/null
part=$T/a.raw:$((32 << 20)):$((160 << 20))
attach "$part" "$T/b.raw"
lvm pvcreate -y -ff "${loops[0]}"
lvm pvcreate -y -ff --bootloaderareasize 1m "${loops[1]}"
lvm vgcreate -s 1m web "${loops[@]}"
create -n root -l 20 web "${loops[0]}"
create -n striped -i 2 -I 16k -l 60 web
create -n root2 -l 10 web "${loops[0]}"
lvm lvextend -l +15 web/root "${loops[1]}"
create -n swap -l 16 web "${loops[1]}"
create -n raw -l 5 web "${loops[1]}"
lvm lvextend -l +7 web/root "${loops[0]}"
lvm lvextend -i 2 -I 8k -l +8 web/striped
"$VOLUMES" layout web "${loops[0]}=$((32 << 20))@0" "${loops[1]}=0@1" >"$T/layout"
detach

files "$T/tree" 60
volume() { # NAME MIB BLOCK
    garbage "$T/$1.img" "$2"
    mke2fs -q -F -t ext4 -b "$3" -E nodiscard -d "$T/tree" "$T/$1.img"
    for ((i = 1; i < 60; i += 3)); do echo "rm /file-$i"; done | debugfs -w -f - "$T/$1.img" >/dev/null 2>&1
    "$VOLUMES" put "$T/layout" "$1" "$T/$1.img" "$T/a.raw" "$T/b.raw"
}
volume root 42 1024
volume striped 68 4096
truncate -s 16M "$T/swap.img"
mkswap -q "$T/swap.img"
dd if="$T/swap.img" of="$T/raw.img" bs=1M count=5 status=none # no end of it: of an unknown size
"$VOLUMES" put "$T/layout" swap "$T/swap.img" "$T/a.raw" "$T/b.raw"

disks=("$T/a.raw" "$T/b.raw")
# agrees NUMBER WHAT...: the map of disk a or b with both
agrees() { "$VOLUMES" judge "$T/layout" "$1" "$T/$1.map" "${@:2}"; }
both() { for i in 0 1; do "$MAP" -d $i "${disks[@]}" >"$T/$i.map" 2>"$T/$i.log"; done; }
both
known=(root="$T/root.img" striped="$T/striped.img" swap=65536)
check "the partition agrees with lvm and dumpe2fs" agrees 0 "${known[@]}"
check "the whole disk agrees, too" agrees 1 "${known[@]}"
check "free extents are left out" test "$(awk '{ n += $2 - $1 } END { print n }' "$T/0.map")" -gt $((60 << 20))
check "the log names volumes" grep -q 'volume web/root: ext2/3/4, only what is used' "$T/0.log"
check "those of this disk" test "$(grep -c swap "$T/0.log")" = 0

# ---- Migrated ----------------------------------------------------------------------------------

server two asleep
check "a migration of both" push "$T/two.conf" --disk "$T/a.raw" --disk "$T/b.raw"
check "leaves out most of it" test "$(left_out)" -gt $((180 << 20))
check "what was sent verifies" exits 0 "$B" verify two
for i in 0 1; do
    "$B" export two --disk $i --format raw "$T/out$i.raw" >/dev/null
    check "disk $i arrived" "$COMPARE" copy "${disks[i]}" "$T/out$i.raw" "$T/$i.map" "$CHUNK"
done
# arrived NAME: the volume on the copies is whole, and file by file what it was
arrived() {
    rm -rf "$T/here" "$T/there"
    mkdir "$T/here" "$T/there"
    "$VOLUMES" get "$T/layout" "$1" "$T/out.img" "$T/out0.raw" "$T/out1.raw" &&
        e2fsck -fn "$T/out.img" &&
        debugfs -R "rdump / $T/here" "$T/$1.img" >/dev/null 2>&1 &&
        debugfs -R "rdump / $T/there" "$T/out.img" >/dev/null 2>&1 &&
        [ "$(find "$T/here" -type f | wc -l)" -gt 40 ] &&
        cmp <(digests "$T/here") <(digests "$T/there")
}
check "a volume in pieces" arrived root
check "a volume in stripes" arrived striped
attach "$T/out0.raw:$((32 << 20)):$((160 << 20))" "$T/out1.raw"
check "lvm finds the group on the copies" lvm vgck web
detach

# ---- What a group can be in doubt about --------------------------------------------------------

both_whole() { # WORDS: of the disks in x.raw and y.raw
    for i in 0 1; do
        "$MAP" -d "$i" "$T/x.raw" "$T/y.raw" >"$T/$i.map" 2>"$T/$i.log"
        [ ! -s "$T/$i.map" ] && grep -qF -- "$1" "$T/$i.log" && continue
        cat "$T/$i.map" "$T/$i.log"
        return 1
    done
}
again() { cp --sparse=always "$T/a.raw" "$T/x.raw"; cp --sparse=always "$T/b.raw" "$T/y.raw"; }
# unused_in IMAGE FIRST END: what is unused there, bytes
unused_in() { awk -v a="$2" -v b="$3" '$1 < b && $2 > a { n += ($2 < b ? $2 : b) - ($1 > a ? $1 : a) } END { print n + 0 }' "$1"; }
lv_at() { jq -r ".volumes[\"$1\"][$2].legs[$3][1]" "$T/layout"; }

# One of the disks alone: stripes are not to be told, nor is the volume that goes on elsewhere; free
# extents are.
"$MAP" "$T/a.raw" >"$T/alone.map" 2>"$T/alone.log"
check "without the other disk its volumes are whole" grep -q 'web/striped' "$T/alone.log"
at=$(lv_at striped 0 0)
check "all of the stripes" test "$(unused_in "$T/alone.map" "$at" $((at + (30 << 20))))" = 0
at=$(lv_at root 0 0)
check "and of the volume" test "$(unused_in "$T/alone.map" "$at" $((at + (20 << 20))))" = 0
check "free extents are not" test "$(awk '{ n += $2 - $1 } END { print n }' "$T/alone.map")" -gt $((40 << 20))

"$MAP" "$T/a.raw" "$T/b.raw" "$T/b.raw" >"$T/clone.map" 2>"$T/clone.log"
check "clones" test ! -s "$T/clone.map"
check "the log says so" grep -q 'two disks carry the same physical volume' "$T/clone.log"

again
printf 'S1SUSPEND\0' | dd of="$T/y.raw" bs=1 seek=$(($(lv_at swap 0 0) + 4086)) conv=notrunc status=none
check "a system that hibernated into a volume" both_whole 'a hibernated system is on volume web/swap of disk 1'

check "is copied" push "$T/asleep.conf" --disk "$T/x.raw" --disk "$T/y.raw"
check "whole" test "$(left_out)" = 0
check "the disk of that volume is marked" grep -q 'event=disk .*number=1 .* hibernated=1 ' "$T/push.log"
check "the other is not" grep -q 'event=disk .*number=0 .* hibernated=0 ' "$T/push.log"
check "and the operator is told" grep -q 'disk 1 holds a volume of a hibernated system' "$T/push.err"

# patch FILE AT BYTES
patch() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
mda=$((32 << 20))
again
patch "$T/x.raw" $((mda + 600)) x
"$MAP" "$T/x.raw" "$T/y.raw" >"$T/x.map" 2>"$T/x.log"
check "a label with a wrong checksum" test ! -s "$T/x.map"
check "the log says so, too" grep -q 'its label or its metadata is damaged' "$T/x.log"
"$MAP" -d 1 "$T/x.raw" "$T/y.raw" >"$T/y.map" 2>/dev/null
check "what lies on the other disk is not in doubt" test "$(awk '{ n += $2 - $1 } END { print n }' "$T/y.map")" -gt $((16 << 20))
again
patch "$T/x.raw" $((mda + 4096 + 40)) x
check "a metadata area with a wrong checksum" both_whole 'LVM2, copied whole'
again
patch "$T/x.raw" $((mda + 4096 + 16#$(od -An -tx8 -j$((mda + 4096 + 40)) -N8 "$T/x.raw" | tr -d ' ') + 20)) '~'
check "a text with a wrong checksum" both_whole 'LVM2, copied whole'

# A virtual machine's disk, whose table leaves the superblock of an earlier file system alone.
again
at=$(lv_at root 0 0)
patch "$T/x.raw" $((at + 446)) '\00\00\00\00\0203\00\00\00\00\010\00\00\00\0100\00\00'
patch "$T/x.raw" $((at + 510)) '\0125\0252'
"$MAP" "$T/x.raw" "$T/y.raw" >"$T/x.map" 2>/dev/null
check "a volume with a partition table" test "$(unused_in "$T/x.map" "$at" $((at + (20 << 20))))" = 0
check "leaves the others as they are" test "$(awk '{ n += $2 - $1 } END { print n }' "$T/x.map")" -gt $((16 << 20))

# with COMMAND...: on both disks, or on one of them
with() {
    attach "$T/x.raw:$((32 << 20)):$((160 << 20))" "$T/y.raw"
    "$@" || not_ok "$*"
    detach
}
again
with lvm vgchange --addtag old web
cp --sparse=always "$T/b.raw" "$T/y.raw"
check "copies that differ" both_whole 'the copies of its metadata differ'
again
with lvm vgchange --vgmetadatacopies 1 web
both_x() { for i in 0 1; do "$MAP" -d $i "$T/x.raw" "$T/y.raw" >"$T/$i.map" 2>"$T/$i.log"; done; }
both_x
for i in 0 1; do check "a metadata area that is not in use, disk $i" agrees $i "${known[@]}"; done
again
with lvm vgexport web
check "an exported group" both_whole 'its status is unusual'

# edit SED-EXPRESSION: the text of the group, as vgcfgrestore takes it
edit() {
    lvm vgcfgbackup -f "$T/text" web
    sed -i "$1" "$T/text"
    lvm vgcfgrestore --force -f "$T/text" web
}
# lv NAME TYPE KEYS...: one more volume that is built on others
lv() {
    local id
    id=$(printf '%06d-0000-0000-0000-0000-0000-000000' "$((RANDOM + 100000))")
    printf '%s { id="%s" status=["READ","WRITE"%s] flags=[] segment_count=1 segment1 { start_extent=0 extent_count=%s type="%s" %s } }' \
        "$1" "$id" "$4" "$5" "$2" "$3"
}
in_volumes() { printf 's/^\\tlogical_volumes {/&\\n%s/' "$1"; }
again
with edit "$(in_volumes "$(lv snapshot0 snapshot 'chunk_size=8 origin="root" cow_store="raw"' ',"VISIBLE"' 42)")"
both_x
at=$(lv_at root 0 0)
check "what has a snapshot is whole" test "$(unused_in "$T/0.map" "$at" $((at + (20 << 20))))" = 0
check "and says why" grep -q 'volume web/root: LVM2, copied whole: another volume is built on it' "$T/0.log"
check "the rest is not" agrees 0 striped="$T/striped.img"
again
with edit 's/"root2" {/&/; /root2 {/,/}/ s/type = "striped"/type = "novelty"/'
check "a type that is not known and names disks" both_whole 'extents are used in an unknown way'
again
with edit '/striped {/,/}/ s/status = \["READ"/status = ["LOCKED", "READ"/'
both_x
check "a volume that is locked" grep -q 'volume web/striped: LVM2, copied whole: its status is unusual' "$T/0.log"
# The rest is what lvm would not write.
text() { "$VOLUMES" edit "$T/x.raw" $((32 << 20)) "$@" && "$VOLUMES" edit "$T/y.raw" 0 "$@"; }
again
pv1=$(python3 -c 'import re, sys
print(re.search(rb"pv1 \{\n(id = .*)", open(sys.argv[1], "rb").read())[1].decode())' "$T/x.raw")
text "$pv1\n" "$pv1\nflags = [\"MISSING\"]\n"
both_x
check "a disk that was missing" test ! -s "$T/1.map"
check "takes with it what lies on it" grep -q 'web/striped: LVM2, copied whole: one of its disks is missing' "$T/0.log"
check "and nothing else" test "$(awk '{ n += $2 - $1 } END { print n }' "$T/0.map")" -gt $((40 << 20))
for kind in "thin-pool 'metadata=\"raw\" pool=\"root\"'" "mirror 'mirrors=[\"root\", 0, \"root2\", 0]'" "cache-pool 'x=[1] cache_pool=\"root\"'"; do
    again
    text 'logical_volumes {' "logical_volumes { $(lv more "${kind%% *}" "${kind#* }" ',\"VISIBLE\"' 42 | tr -d "'")"
    both_x
    at=$(lv_at root 0 0)
    check "what a ${kind%% *} is made of" test "$(unused_in "$T/0.map" "$at" $((at + (20 << 20))))" = 0
    check "is whole for that reason" grep -q 'volume web/root: LVM2, copied whole: another volume is built on it' "$T/0.log"
done
again
text '"pv0", 50\n' '"pv0", 49\n'
check "extents that are taken twice" both_whole 'its metadata is inconsistent'
for change in 'pe_count = 15 pe_count = 99915' 'start_extent = 20 start_extent = 21' 'pe_start = 2048 pe_start = 1024' \
    'extent_size = 2048 extent_size = 0' 'segment_count = 3 segment_count = 4' 'extent_count = 60 extent_count = 61'; do
    again
    text "$(cut -d' ' -f1-3 <<<"$change")" "$(cut -d' ' -f4- <<<"$change")"
    check "the text says ${change#* = * }" both_whole 'its metadata is inconsistent'
done
again
text 'logical_volumes {' 'logical_volumes {{'
check "a text that cannot be read" both_whole 'its label or its metadata is damaged'
# Names may be the same, identifiers may not.
garbage "$T/c.raw" 40
attach "$T/c.raw"
lvm pvcreate -y -ff --pvmetadatacopies 2 "${loops[0]}"
lvm vgcreate -s 1m web "${loops[0]}"
detach
"$MAP" -d 2 "$T/a.raw" "$T/b.raw" "$T/c.raw" >"$T/c.map" 2>/dev/null
check "another group of that name, with two metadata areas" \
    test "$(cat "$T/c.map")" = "$((1 << 20)) $((39 << 20))"
"$MAP" "$T/a.raw" "$T/b.raw" "$T/c.raw" >"$T/0.map" 2>/dev/null
check "is another group" agrees 0 "${known[@]}"
# A group that belongs to one machine, as cluster set-ups have it.
garbage "$T/c.raw" 40
attach "$T/c.raw"
lvm pvcreate -y -ff "${loops[0]}"
lvm vgcreate -s 1m --config 'global { system_id_source="lvmlocal" } local { system_id="node1" }' web "${loops[0]}"
detach
check "LVM2 locks the group of one machine" grep -aq '"WRITE_LOCKED"' "$T/c.raw"
map "$T/c.raw"
check "what it leaves unallocated is left out" test "$(cat "$T/c.raw.map")" = "$((1 << 20)) $((40 << 20))"
"$VOLUMES" edit "$T/c.raw" 0 'system_id = "node1"\n' ''
check "a group that is locked and names no machine" whole "$T/c.raw" 'its status is unusual'
patch "$T/c.raw" 66 '\0123\0357'
patch "$T/c.raw" 1080 '\0123\0357'
check "a second owner of a physical volume" map_is_empty "$T/c.raw"
truncate -s 40M "$T/one.raw"
patch "$T/one.raw" 0 'HM\01\0'
check "LVM of the first version" map_is_empty "$T/one.raw"
truncate -s 40M "$T/luks.raw"
patch "$T/luks.raw" 0 'LUKS\0272\0276'
check "LUKS" whole "$T/luks.raw" 'LUKS, copied whole: encrypted'

check "the daemon stops" daemon_stop
finish
