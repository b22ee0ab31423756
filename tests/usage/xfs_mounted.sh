#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only what is used, of XFS as the kernel leaves it behind: sparse and reflinked files, unwritten and
# punched extents, holes everywhere, logs that have gone round, and logs that were not replayed. It needs
# root and a kernel that mounts XFS.
# shellcheck source=tests/usage/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$T/on"
leave() { umount -l "$T/on" 2>/dev/null; }
at_exit leave
make_fs() { # NAME MIB OPTIONS...
    garbage "$T/$1.raw" "$2"
    mkfs.xfs -q -f -K --unsupported "${@:3}" "$T/$1.raw" >/dev/null 2>&1
}
make_fs probe 64
if ! mount -o loop,nosuid,nodev "$T/probe.raw" "$T/on" 2>/dev/null; then
    echo "skip XFS as the kernel leaves it: it cannot be mounted here"
    finish
fi
umount "$T/on"

files "$T/tree" 60
some() { dd if=/dev/urandom of="$1" bs=4k count="$2" seek="$3" conv=notrunc status=none; }
# live: files come, change and go
live() {
    cd "$T/on" || return 1
    cp -a "$T/tree/." .
    for i in {1..400}; do head -c $((i * 37 % 9000)) "$T/tree/file-40" >"small-$i"; done
    sync .
    rm file-?[147] small-*[13579]
    truncate -s 30M sparse
    for i in {0..30}; do some sparse 1 $((i * 200)); done
    fallocate -l 6M unwritten
    some unwritten 40 100
    fallocate -l 9M kept
    fallocate -p -o $((1 << 20)) -l $((5 << 20)) kept
    if cp --reflink=always file-59 shared 2>/dev/null; then
        for i in {1..20}; do some shared 1 $((i * 2)); done
        cp --reflink=always sparse sparse-too && some sparse-too 30 600
    fi
    sync .
    rm small-*[26]
    truncate -s 50000 file-53
    mkdir more
    for i in {1..200}; do echo "$i" >"more/$i"; done
}
age() {
    mount -o loop,nosuid,nodev "$T/$1.raw" "$T/on"
    (live)
    umount "$T/on"
}
disks=()
aged() { make_fs "$@" && age "$1" && disks+=("$1"); }
agrees() { map "$T/$1.raw" && "$COMPARE" xfs "$T/$1.raw" "$T/$1.raw.map"; }

aged 4k 160
aged 1k 160 -b size=1024 -d agcount=7 -m rmapbt=1
aged sectors 160 -s size=4096 -m reflink=0
for name in "${disks[@]}"; do
    check "the map of $name agrees with xfs_db" agrees "$name"
done

# ---- The log -----------------------------------------------------------------------------------

mounted() { mount -o loop,nosuid,nodev "$T/$1.raw" "$T/on"; }
state() { xfs_logprint -t "$1" 2>/dev/null | sed -n 's/.*state: <\(.*\)>.*/\1/p'; }
head_of() { xfs_logprint -t "$1" 2>/dev/null | sed -n 's/.* head: \([0-9]*\) .*/\1/p'; }

# The head of a small log at many places, until it has gone round.
goes_round() {
    local last=0 now rounds=1
    for i in {1..16}; do
        mounted round
        for k in {1..4}; do (cd "$T/on" && mkdir -p "$k"/{1..250} && sync . && rm -r "$k"); done
        umount "$T/on"
        agrees round || return
        [ "$(state "$T/round.raw")" = CLEAN ] || return
        now=$(head_of "$T/round.raw")
        [ "$now" -gt "$last" ] || rounds=$((rounds + 1))
        last=$now
    done
    echo "$rounds rounds"
    [ "$rounds" -gt 2 ]
}
aged round 96 -b size=1024 -m reflink=0,finobt=0,bigtime=0,inobtcount=0 -i sparse=0 -l size=3m
check "a log that goes round, unmounted again and again" goes_round

# Copies of a file system in use: what the log cannot vouch for is copied whole.
in_use() {
    local copies=0
    mounted round
    for i in {1..15}; do
        (cd "$T/on" && mkdir -p a/{1..40} && sync . && rm -r a)
        [ $((i % 3)) = 0 ] || sync "$T/on"
        cp "$T/round.raw" "$T/doubt.raw"
        map "$T/doubt.raw"
        if [ "$(state "$T/doubt.raw")" != CLEAN ]; then
            copies=$((copies + 1))
            whole "$T/doubt.raw" 'its log has not been replayed' || break
        fi
    done
    umount "$T/on"
    echo "$copies copies with a log to replay"
    [ "$i" = 15 ] && [ "$copies" -gt 10 ]
}
check "copies of a file system in use" in_use
mounted 4k
rm -r "$T/on/more"
mount -o remount,ro "$T/on"
cp "$T/4k.raw" "$T/doubt.raw"
check "one that is mounted read-only" agrees doubt
mount -o remount,rw "$T/on"
rm "$T/on/small-14"
xfs_freeze -f "$T/on"
cp "$T/4k.raw" "$T/doubt.raw"
xfs_freeze -u "$T/on"
check "one that is frozen" whole "$T/doubt.raw" 'its log has not been replayed'
echo lost >"$T/on/lost"
xfs_io -x -c 'shutdown -f' "$T/on"
umount "$T/on"
check "one that went down" whole "$T/4k.raw" 'its log has not been replayed'
mounted 4k
umount "$T/on"
check "and was replayed" agrees 4k

# ---- Migrated ----------------------------------------------------------------------------------

server web-1
paths=()
for name in "${disks[@]}"; do paths+=(--disk "$T/$name.raw"); done
read_all() {
    mount -o loop,ro,nosuid,nodev "$1" "$T/on" && digests "$T/on" >"$2" && umount "$T/on"
}
arrived() {
    rm -f "$T/out.raw"
    "$B" export web-1 --disk "$1" --format raw "$T/out.raw" >/dev/null &&
        "$COMPARE" copy "$T/$2.raw" "$T/out.raw" "$T/$2.raw.map" "$CHUNK" &&
        xfs_repair -n "$T/out.raw" && read_all "$T/$2.raw" "$T/here" && read_all "$T/out.raw" "$T/there" &&
        [ "$(wc -l <"$T/here")" -gt 150 ] && cmp "$T/here" "$T/there"
}
check "a migration" push "$T/web-1.conf" "${paths[@]}"
check "leaves out most of it" test "$(left_out)" -gt $((350 << 20))
for i in "${!disks[@]}"; do
    check "disk $i (${disks[i]}) arrived" arrived "$i" "${disks[i]}"
done
check "the daemon stops" daemon_stop
finish
