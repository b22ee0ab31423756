#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of exFAT: file systems made by mkfs.exfat and, where FUSE works, filled and aged
# through exfat-fuse; the maps beside what dump.exfat counts, a migration with fsck.exfat and every
# file's digest, and what must make a map untrustworthy.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
PATCH=$PWD/tests/usage/exfat_patch.py

mkdir "$T/on"
leave() {
    umount -l "$T/on" 2>/dev/null
    [ -z "${loop:-}" ] || losetup -d "$loop"
}
at_exit leave
# on IMAGE COMMAND...: with the file system on $T/on
on() {
    local status=0
    loop=$(losetup -f --show "$1" 2>/dev/null) || return 1
    if mount.exfat-fuse "$loop" "$T/on" >"$T/fuse.log" 2>&1; then
        "${@:2}" || status=$?
        umount "$T/on" || status=1
    else
        cat "$T/fuse.log"
        status=1
    fi
    losetup -d "$loop" && loop=
    return "$status"
}
garbage "$T/probe.raw" 8
mkfs.exfat "$T/probe.raw" >/dev/null 2>&1
mounts=1
on "$T/probe.raw" true || mounts=
[ "$mounts" ] || echo "skip exFAT with files in it: FUSE does not work here"

files "$T/tree" 60
rm "$T/tree/deep/link"
age() { # files in pieces, in one piece, gone, and a root directory of several clusters
    cp -r "$T/tree/." "$T/on"
    for i in {1..400}; do echo "$i" >"$T/on/small-$i"; done
    rm "$T/on"/file-?[147] "$T/on"/small-*[13579]
    cp "$T/tree/file-59" "$T/on/again"
    head -c 3000000 /dev/urandom >"$T/on/deep/large"
}
disks=()
# make_exfat NAME MIB OPTIONS...
make_exfat() {
    garbage "$T/$1.raw" "$2"
    mkfs.exfat "${@:3}" "$T/$1.raw" >/dev/null 2>&1
    [ ! "$mounts" ] || on "$T/$1.raw" age
    disks+=("$1")
}
make_exfat small 64 -c 4096
make_exfat sector 40 -c 512
make_exfat usual 300
make_exfat large-clusters 400 -c 131072
agrees() { map "$T/$1.raw" && "$COMPARE" exfat "$T/$1.raw" "$T/$1.raw.map"; }
for name in "${disks[@]}"; do
    check "the map of $name agrees with dump.exfat" agrees "$name"
done

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
paths=()
for name in "${disks[@]}"; do paths+=(--disk "$T/$name.raw"); done
arrived() { # NUMBER NAME
    rm -f "$T/out.raw"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" &&
        fsck.exfat -n "$T/out.raw" || return 1
    [ "$mounts" ] || return 0
    on "$T/$2.raw" digests "$T/on" >"$T/here" && on "$T/out.raw" digests "$T/on" >"$T/there" &&
        [ "$(wc -l <"$T/here")" -gt 200 ] && cmp "$T/here" "$T/there"
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((600 << 20))
for i in "${!disks[@]}"; do
    check "disk $i (${disks[i]}) arrived" arrived "$i" "${disks[i]}"
done

# ---- What makes a map untrustworthy ------------------------------------------------------------

# patch AT BYTES: of a copy; change AT HEX: of its boot record, whose checksum is made right
patch() {
    cp "$T/small.raw" "$T/doubt.raw"
    printf '%b' "$2" | dd of="$T/doubt.raw" bs=1 seek="$1" conv=notrunc status=none
}
change() {
    cp "$T/small.raw" "$T/doubt.raw"
    "$PATCH" "$T/doubt.raw" "$@"
}
get() { od -An -tu4 -j"$1" -N4 "$T/small.raw" | tr -d ' '; }
fat=$(($(get 80) * 512)) heap=$(($(get 88) * 512)) clusters=$(get 92) root=$(get 96)
cluster_at() { echo $((heap + ($1 - 2) * 4096)); }
# entry TYPE: where in the root directory the first one of this type is
entry() {
    local at=0
    until [ "$(od -An -tx1 -j$(($(cluster_at "$root") + at)) -N1 "$T/small.raw")" = " $1" ]; do at=$((at + 32)); done
    echo $(($(cluster_at "$root") + at))
}
bitmap=$(get $(($(entry 81) + 20)))
upcase=$(get $(($(entry 82) + 20)))

change 104 0001
check "nothing changed" map "$T/doubt.raw"
check "and the same map" cmp "$T/doubt.raw.map" "$T/small.raw.map"
patch 106 '\002'
check "in use" whole "$T/doubt.raw" 'exFAT, copied whole: it was not unmounted properly'
patch 106 '\004'
check "a failure of the medium" whole "$T/doubt.raw" 'it is marked as damaged'
patch 106 '\020'
check "a flag that nobody knows" whole "$T/doubt.raw" 'it is marked as damaged'
patch 106 '\010'
map "$T/doubt.raw"
check "a flag without a meaning" cmp "$T/doubt.raw.map" "$T/small.raw.map"
patch 106 '\001'
check "the second table in use" whole "$T/doubt.raw" 'two tables (TexFAT)'
change 110 02
check "two tables" whole "$T/doubt.raw" 'two tables (TexFAT)'
change 105 02
check "a version to come" whole "$T/doubt.raw" 'version is unknown'
patch 700 x
check "a boot region that differs from its backup" whole "$T/doubt.raw" 'backup of its boot region differs'
patch 700 x
printf x | dd of="$T/doubt.raw" bs=1 seek=$((700 + 12 * 512)) conv=notrunc status=none
check "a wrong checksum" whole "$T/doubt.raw" 'checksum of its boot region is wrong'
change 92 ffffff00
check "more clusters than there are" whole "$T/doubt.raw" 'boot record is inconsistent'
change 88 01000000
check "clusters where the table is" whole "$T/doubt.raw" 'boot record is inconsistent'
change 109 18
check "clusters that are too large" whole "$T/doubt.raw" 'boot record is inconsistent'
change 64 0100000000000000
map "$T/doubt.raw"
check "a partition that was moved" cmp "$T/doubt.raw.map" "$T/small.raw.map"
truncate -s -1M "$T/doubt.raw"
check "larger than its partition" whole "$T/doubt.raw" 'larger than its partition'
patch $((fat + 4 * bitmap)) '\0011\0\0\0'
check "a bitmap that goes on elsewhere" whole "$T/doubt.raw" 'bitmap is inconsistent or not in one piece'
patch "$(entry 81)" '\001'
check "no bitmap" whole "$T/doubt.raw" 'root directory is inconsistent'
patch $(($(entry 81) + 1)) '\001'
check "only the second bitmap" whole "$T/doubt.raw" 'two tables (TexFAT)'
patch "$(entry 82)" '\001'
check "no table of letters" whole "$T/doubt.raw" 'root directory is inconsistent'
patch $(($(entry 81) + 24)) '\001'
check "a bitmap of another length" whole "$T/doubt.raw" 'root directory is inconsistent'
# free CLUSTER: in the bitmap
free() {
    local at=$(($(cluster_at "$bitmap") + ($1 - 2) / 8)) byte
    byte=$(od -An -tu1 -j"$at" -N1 "$T/small.raw")
    patch "$at" "\\0$(printf %o $((byte & ~(1 << ($1 - 2) % 8))))"
}
owned=("$bitmap" $((bitmap + 1)) "$upcase" "$root")
if [ "$mounts" ]; then
    # A folder, a file in it, its last cluster; and the same of a file in pieces.
    mapfile -t more < <("$PATCH" "$T/small.raw" owned deep/large && "$PATCH" "$T/small.raw" owned again)
    owned+=("${more[@]}")
fi
for cluster in "${owned[@]}"; do
    free "$cluster"
    check "cluster $cluster, which is in use, is free" whole "$T/doubt.raw" 'what is in use do not match'
done
patch $((fat + 4 * root)) "$(printf '\\x%02x' $((root & 255)) $((root >> 8)) 0 0)"
check "a root directory without an end" whole "$T/doubt.raw" 'exFAT, copied whole: its'
patch 1080 '\0123\0357'
check "a second owner" map_is_empty "$T/doubt.raw"
check "the last clusters are counted" test "$clusters" -gt 8000

check "the daemon stops" daemon_stop
finish
