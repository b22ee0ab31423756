#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of NTFS: volumes made and filled by ntfs-3g's tools, the maps beside $Bitmap, whole
# migrations checked by ntfsresize (which compares the bitmap with all files) and with every file's
# digest, everything that must make a map untrustworthy, and flipped bits.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
PATCH=$PWD/tests/usage/ntfs_patch.py
MUTATE=$PWD/tests/usage/mutate.py

files "$T/tree" 40
put() { ntfscp -f "$T/$1.raw" "$2" "$3" >/dev/null 2>&1; }
disks=()
# make_ntfs NAME MIB OPTIONS...: filled, then full of holes, then filled again
make_ntfs() {
    local name=$1 number
    garbage "$T/$name.raw" "$2"
    mkntfs -F -Q -q "${@:3}" "$T/$name.raw" >/dev/null 2>&1
    for ((i = 0; i < 40; i++)); do put "$name" "$T/tree/file-$i" "file-$i"; done
    for number in $(ntfsls -i -f "$T/$name.raw" | awk '$2 ~ /[147]$/ { print $1 }'); do
        ntfstruncate -f -q "$T/$name.raw" "$number" 0x80 0 >/dev/null 2>&1
    done
    put "$name" "$T/tree/file-39" again
    ntfsfallocate -f -l 900000 "$T/$name.raw" file-2 0x80 >/dev/null 2>&1
    disks+=("$name")
}
agrees() { map "$T/$1.raw" && "$COMPARE" ntfs "$T/$1.raw" "$T/$1.raw.map"; }

make_ntfs 4k 80
make_ntfs 512 40 -c 512
make_ntfs 1k 50 -c 1024
make_ntfs 64k 160 -c 65536
make_ntfs 256k 300 -c 262144
make_ntfs sectors 90 -s 4096
make_ntfs odd 61 -c 8192 -s 1024
for name in "${disks[@]}"; do
    check "the map of $name agrees with its bitmap" agrees "$name"
done

# ---- As other systems leave it -----------------------------------------------------------------

patched() { # NAME ARGUMENTS...: of a copy
    cp "$T/$1.raw" "$T/doubt.raw"
    "$PATCH" "$T/doubt.raw" "${@:2}"
}
same_map() { map "$T/doubt.raw" && cmp "$T/doubt.raw.map" "$T/$1.raw.map"; }
doubt() { # WHAT WORDS ARGUMENTS...
    patched 4k "${@:3}"
    check "$1" whole "$T/doubt.raw" "$2"
}
patched 4k log clean
check "a log that says that the volume is clean" same_map 4k
patched 4k log idle
check "a log that nobody has open" same_map 4k
patched 512 split
check "a bitmap in two pieces" same_map 512
patched 4k flags 8
check "a flag that asks for nothing" same_map 4k
doubt "a log in use" 'not unmounted properly' log open
doubt "a log of a volume that Windows did not quite close" 'not unmounted properly' log new
doubt "restart pages that differ" 'not unmounted properly' log differ
doubt "a torn restart page" 'not unmounted properly' log torn
doubt "a restart page that chkdsk wrote" 'not unmounted properly' log old
doubt "dirty" 'it is marked as dirty' flags 1
for flags in 2 4 0x10 0x20 0x4000 0x8000 0x80; do
    doubt "flags $flags" 'Windows is due to check or change it' flags "$flags"
done
doubt "a version to come" 'its version is unknown' version 2
cp "$T/4k.raw" "$T/doubt.raw"
ntfsfix "$T/doubt.raw" >/dev/null
check "after ntfsfix, which leaves it to Windows" whole "$T/doubt.raw" 'marked as dirty'

# Windows in hibernation, and what is left of it.
sleep_file() { # CONTENT BYTES
    cp "$T/4k.raw" "$T/doubt.raw"
    { printf '%s' "$1"; head -c "$2" /dev/zero; } >"$T/hiberfil.sys"
    put doubt "$T/hiberfil.sys" "${3:-hiberfil.sys}"
}
sleep_file HIBR 9000
check "a hibernated Windows" whole "$T/doubt.raw" 'a hibernated system is on the whole disk'
sleep_file hibr 9000 HiberFil.SYS
check "whatever its letters" whole "$T/doubt.raw" 'a hibernated system is on the whole disk'
sleep_file x 10
check "a volume that a hibernated Windows has open" whole "$T/doubt.raw" 'a hibernated system is on the whole disk'
sleep_file wake 9000
check "Windows has come up again" agrees doubt
sleep_file '' 9000
check "an empty hibernation file" agrees doubt
sleep_file HIBR 9000 hiberfil.old
check "another file" agrees doubt

# ---- What does not fit together ----------------------------------------------------------------

bytes() { # NAME AT BYTES: of a copy
    cp "$T/$1.raw" "$T/doubt.raw"
    printf '%b' "$3" | dd of="$T/doubt.raw" bs=1 seek="$2" conv=notrunc status=none
}
mft() { echo $(($(od -An -tu8 -j48 -N8 "$T/4k.raw") * 4096)); }
mirror() { echo $(($(od -An -tu8 -j56 -N8 "$T/4k.raw") * 4096)); }
doubt "a file whose clusters are free" 'bitmap and its files do not match' free file-3
doubt "a compressed bitmap" 'stored in an unknown way' attribute 6 0x80 12 0100
doubt "a sparse bitmap" 'stored in an unknown way' attribute 6 0x80 13 80
doubt "a bitmap that is too short" 'stored in an unknown way' attribute 6 0x80 56 0001
doubt "a bitmap that goes on in another record" 'stored in an unknown way' attribute 6 0x10 0 20
doubt "runs beyond the volume" 'beginning of its file table is inconsistent' attribute 0 0x80 65 ffffff
bytes 4k "$(($(mirror) + 1024 + 60))" x
check "a mirror that is another one" whole "$T/doubt.raw" 'mirror of its file table'
bytes 4k "$(($(mft) + 3 * 1024 + 510))" xy
check "a torn record" whole "$T/doubt.raw" 'its description of itself ($Volume) is damaged'
bytes 4k "$(($(mft) + 70 * 1024))" FILX
check "a record of a file that is none" whole "$T/doubt.raw" 'bitmap and its files do not match'
bytes 4k 510 '\0\0'
check "a boot record without its end" whole "$T/doubt.raw" 'is inconsistent'
bytes 4k 13 '\003'
check "clusters of no sensible size" whole "$T/doubt.raw" 'is inconsistent'
bytes 4k 43 '\001'
check "larger than its partition" whole "$T/doubt.raw" 'is inconsistent'
bytes 4k $((65536 + 64)) _BHRfS_M
check "a second owner" map_is_empty "$T/doubt.raw"

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
paths=()
for name in "${disks[@]}"; do paths+=(--disk "$T/$name.raw"); done
# read_all IMAGE: digests of all files
read_all() {
    local name
    ntfsls -f "$1" | sort | while read -r name; do
        echo "$name $(ntfscat -f "$1" "$name" | sha256sum)"
    done
}
arrived() {
    rm -f "$T/out.raw"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" &&
        ntfsresize -f -P -i "$T/out.raw" && ntfsfix -n "$T/out.raw" &&
        read_all "$T/$2.raw" >"$T/here" && read_all "$T/out.raw" >"$T/there" &&
        [ "$(wc -l <"$T/here")" = 41 ] && cmp "$T/here" "$T/there"
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((600 << 20))
for i in "${!disks[@]}"; do
    check "disk $i (${disks[i]}) arrived" arrived "$i" "${disks[i]}"
done

# ---- Flipped bits ------------------------------------------------------------------------------

for name in 4k 512; do
    check "flipped bits ($name)" "$MUTATE" ntfs "$T/$name.raw" "$MAP" "${BF_ROUNDS:-100}" "${BF_SEED:-1}"
done

# ---- Mounted -----------------------------------------------------------------------------------

mkdir "$T/on"
if ntfs-3g -o compression "$T/4k.raw" "$T/on" 2>/dev/null; then
    mkdir "$T/on/packed"
    setfattr -h -v 0x00080000 -n system.ntfs_attrib_be "$T/on/packed" 2>/dev/null || true
    for i in {1..300}; do head -c $((i * 131 % 20000)) "$T/tree/file-38" >"$T/on/small-$i"; done
    for i in {1..20}; do yes "$i" | head -c 300000 >"$T/on/packed/$i"; done || true
    truncate -s 20M "$T/on/sparse"
    for i in {1..30}; do printf x | dd of="$T/on/sparse" bs=1 seek=$((i * 600000)) conv=notrunc status=none; done
    rm "$T/on/small-"*[02468]
    (cd "$T/on" && find . -type f -exec sha256sum {} + | sort -k2) >"$T/here"
    umount "$T/on"
    check "the map of one that was mounted" agrees 4k
    check "is sent" push "$T/web-1.conf" "${paths[@]}"
    rm -f "$T/out.raw"
    "$B" export web-1 --disk 0 --format raw "$T/out.raw" >/dev/null
    check "byte for byte" "$COMPARE" copy "$T/4k.raw" "$T/out.raw" "$T/4k.raw.map" "$CHUNK"
    ntfs-3g -o ro "$T/out.raw" "$T/on"
    (cd "$T/on" && find . -type f -exec sha256sum {} + | sort -k2) >"$T/there"
    umount "$T/on"
    check "and file by file" cmp "$T/here" "$T/there"

    # More files than are compared with the bitmap: without a log that says so it is not believed.
    garbage "$T/many.raw" 200
    mkntfs -F -Q -q -s 4096 "$T/many.raw" >/dev/null 2>&1
    ntfs-3g "$T/many.raw" "$T/on"
    (cd "$T/on" && seq 17000 | xargs touch)
    umount "$T/on"
    check "too many files" whole "$T/many.raw" 'too large to be checked'
    "$PATCH" "$T/many.raw" log clean
    check "that were closed with a log" agrees many
else
    echo "skip NTFS as ntfs-3g leaves it mounted: there is no FUSE here"
fi
check "the daemon stops" daemon_stop
finish
