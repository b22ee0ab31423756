#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of Btrfs on several devices: every profile beside btrfs-progs's dump of the trees, and where
# Btrfs may be mounted, aged, migrated in one run, checked, read file by file, and with a device less.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"
FREE=$PWD/tests/usage/btrfs_free.py
PATCH=$PWD/tests/usage/btrfs_patch.py

holes() { truncate -s "$2M" "$1"; } # quickly copied
# make_set NAME COUNT OPTIONS...: a file system on COUNT disks, $T/NAME.0.raw and so on, on what
# $fill makes
fill=holes
make_set() {
    local name=$1 count=$2
    shift 2
    for ((i = 0; i < count; i++)); do "$fill" "$T/$name.$i.raw" $((126 + 8 * i)); done
    mkfs.btrfs -q -K "$@" "$T/$name".?.raw >/dev/null 2>&1
}
# agree NAME: the maps of all its disks
agree() {
    local number=0
    for disk in "$T/$1".?.raw; do
        "$MAP" -d "$number" "$T/$1".?.raw >"$disk.map" 2>"$disk.log" || return 1
        "$FREE" $((number + 1)) "$T/$1".?.raw >"$disk.free" || return 1
        "$COMPARE" maps "$disk.map" "$disk.free" || { cat "$disk.log"; return 1; }
        number=$((number + 1))
    done
}
# say WORDS DISK...: nothing of the first disk is left out, for this reason
say() {
    "$MAP" "${@:2}" >"$T/map" 2>"$T/log" && [ ! -s "$T/map" ] && grep -qF -- "$1" "$T/log" && return
    cat "$T/log"
    return 1
}

make_set single 2 -d single -m raid1
make_set raid0 3 -d raid0 -m raid0
make_set raid1c3 4 -d raid1c3 -m raid1c4 -n 4096
make_set raid6 4 -d raid6 -m raid6
for name in single raid0 raid1c3 raid6; do
    check "the maps of $name agree with btrfs-progs" agree "$name"
done

# ---- What makes a map untrustworthy ------------------------------------------------------------

check "a device is missing" say 'one of its devices is missing' "$T"/raid0.[01].raw
check "its only device is missing" say 'one of its devices is missing' "$T/single.1.raw"
cp "$T/single.1.raw" "$T/clone.raw"
check "a device is there twice" say 'one of its devices appears twice' "$T"/single.?.raw "$T/clone.raw"
"$PATCH" super 0x12b 61 "$T/clone.raw"
check "devices of different states" say 'its devices do not show the same state' \
    "$T/single.0.raw" "$T/clone.raw"
cp "$T/single.1.raw" "$T/clone.raw"
printf 'XFSB' | dd of="$T/clone.raw" conv=notrunc status=none
check "a device that belongs to nobody" say 'one of its devices is missing' "$T/single.0.raw" "$T/clone.raw"
cp "$T/single.1.raw" "$T/clone.raw"
printf 'label' | dd of="$T/clone.raw" bs=1 seek=$(((64 << 20) + 0x130)) conv=notrunc status=none
check "a damaged copy of the superblock elsewhere" say 'its devices do not show the same state' \
    "$T/single.0.raw" "$T/clone.raw"

# A block that lies on two devices can be read with one of them damaged, and not with both.
for tree in chunk root extent dev; do
    for number in 0 1; do cp "$T/single.$number.raw" "$T/doubt.$number.raw"; done
    "$PATCH" damage "$tree" 1 "$T"/doubt.?.raw
    "$MAP" "$T"/doubt.?.raw >"$T/map" 2>/dev/null
    check "the $tree tree, damaged on the other device" cmp "$T/single.0.raw.map" "$T/map"
    "$PATCH" damage "$tree" 0 "$T/doubt.0.raw" "$T/single.1.raw"
    if [ "$tree" = extent ]; then
        "$MAP" "$T"/doubt.?.raw >"$T/map" 2>/dev/null
        "$FREE" -c 1 "$T"/single.?.raw >"$T/gaps"
        check "the extent tree, damaged on both" cmp "$T/gaps" "$T/map"
    else
        check "the $tree tree, damaged on both" say 'its trees do not match' "$T"/doubt.?.raw
    fi
done
agree raid0 >/dev/null
check "flipped bits never make a map larger" tests/usage/btrfs_mutate.py "$MAP" "$T/raid0.0.raw.free" 100 \
    "$T"/raid0.?.raw

# ---- Aged, migrated, and with a device less ----------------------------------------------------

may_mount() {
    [ "$(id -u)" = 0 ] && grep -qw btrfs /proc/filesystems && mkdir "$T/mnt" &&
        mount_set single ro && done_with_set
}
loops=()
# mount_set NAME OPTIONS: without the first of its disks when the options say degraded
mount_set() {
    local disk options=$2 first=0
    [[ $2 != *degraded* ]] || first=1
    for disk in "$T/$1".?.raw; do
        [ $((first--)) != 1 ] || continue
        loops+=("$(losetup -f --show "$disk")")
        options+=,device=${loops[-1]}
    done
    mount -t btrfs -o "$options" "${loops[0]}" "$T/mnt"
}
done_with_set() {
    local status=0
    ! mountpoint -q "$T/mnt" || umount "$T/mnt" || status=$?
    [ ${#loops[@]} = 0 ] || losetup -d "${loops[@]}"
    loops=()
    btrfs device scan --forget >/dev/null 2>&1 || true
    return "$status"
}
at_exit done_with_set
# has_digests NAME OPTIONS: what is in it is what was in the source
has_digests() {
    local status=0
    mount_set "$1" "$2" || status=$?
    [ "$status" != 0 ] || digests "$T/mnt" >"$T/there" || status=$?
    done_with_set
    [ "$status" = 0 ] && [ "$(wc -l <"$T/there")" -gt 100 ] && cmp "$T/here" "$T/there"
}
is_sound() {
    local status=0
    mount_set "$1" ro && umount "$T/mnt" # the others are known then
    btrfs check --readonly --check-data-csum "${loops[0]}" || status=$?
    done_with_set
    return "$status"
}
# arrived NAME FIRST: its disks, numbered from FIRST in the point
arrived() {
    local number=$2 disk
    rm -f "$T"/out.?.raw
    for disk in "$T/$1".?.raw; do
        "$B" export web-1 --disk "$number" --format raw "$T/out.$((number - $2)).raw" >/dev/null &&
            "$COMPARE" copy "$disk" "$T/out.$((number - $2)).raw" "$disk.map" "$CHUNK" || return 1
        number=$((number + 1))
    done
    mount_set "$1" ro && digests "$T/mnt" >"$T/here"
    done_with_set
    has_digests out ro && is_sound out
}
if may_mount; then
    files "$T/tree" 60
    fill=garbage
    make_set a0 2 -d raid0 -m raid1
    make_set a5 3 -d raid5 -m raid1
    make_set a10 4 -d raid10 -m raid10
    server web-1
    paths=()
    for name in a0 a5 a10; do
        check "$name is aged" tests/usage/btrfs_age.sh "$T/tree" compress=no "$T/$name".?.raw
        check "the maps of $name agree with btrfs-progs" agree "$name"
        for disk in "$T/$name".?.raw; do paths+=(--disk "$disk"); done
    done
    check "a migration" push "$T/web-1.conf" "${paths[@]}"
    check "leaves out most of it" test "$(left_out)" -gt $((700 << 20))
    check "RAID0 arrived" arrived a0 0
    check "RAID5 arrived" arrived a5 2
    check "and can do without a device" has_digests out ro,degraded
    check "RAID10 arrived" arrived a10 5
    check "and can do without a device" has_digests out ro,degraded

    # One that was away while the others went on.
    mount_set a5 degraded
    cp -r "$T/tree" "$T/mnt/while-away"
    done_with_set
    check "a device that was away" say 'its devices do not show the same state' "$T"/a5.?.raw
    # A file system that grows out of a seed, which counts among its devices: neither of the two.
    holes "$T/seed.0.raw" 126
    holes "$T/seed.1.raw" 112
    mkfs.btrfs -q -K "$T/seed.0.raw" >/dev/null 2>&1
    btrfstune -S 1 "$T/seed.0.raw"
    check "a seed" say 'it is a seed device' "$T/seed.0.raw"
    loops=("$(losetup -f --show "$T/seed.0.raw")" "$(losetup -f --show "$T/seed.1.raw")")
    mount -t btrfs "${loops[0]}" "$T/mnt"
    btrfs -q device add -f -K "${loops[1]}" "$T/mnt" >/dev/null
    done_with_set
    check "what grows out of it" say 'one of its devices is missing' "$T/seed.1.raw" "$T/seed.0.raw"
    check "the daemon stops" daemon_stop
else
    skip "aged, migrated, with a device less" "this may not mount Btrfs"
fi
finish
