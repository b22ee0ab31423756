#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What lies where on a disk: whole runs of the hosted sender with several partitions, what the
# operator's command says about each of them, why a run was bigger than the one before, and what is
# copied of a partition that the configuration names.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
daemon_start --sessions 2
"$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null
push() { "$PUSH" --conf "$T/web-1.conf" "$@" --disk "$T/a.raw" >"$T/push.log" 2>&1; }
dd_at() { dd of="$T/a.raw" bs=1M seek="$1" conv=notrunc status=none; }

# A FAT partition, an ext4 one whose unused blocks are full of what was deleted, a swap area, and
# one that holds nothing that anybody knows.
GUID=c12a7328-f81f-11d2-ba4b-00a0c93e0002
truncate -s 96M "$T/a.raw"
sfdisk -q "$T/a.raw" <<END
label: gpt
start=1M, size=16M, type=U
start=17M, size=48M, uuid=$GUID
start=65M, size=16M, type=S
start=81M, size=8M
END
truncate -s 16M "$T/fat" "$T/swap"
mkfs.vfat "$T/fat" >/dev/null
mkswap -q "$T/swap"
head -c 48M /dev/urandom >"$T/ext"
mkfs.ext4 -q -F -E nodiscard "$T/ext"
dd_at 1 <"$T/fat"
dd_at 17 <"$T/ext"
dd_at 65 <"$T/swap"
head -c 8M /dev/urandom | dd_at 81

# ---- A first run -------------------------------------------------------------------------------

row() { grep -E "^ +0  $1" <("$B" points "web-1@$2"); }
# place NUMBER POINT FILTER
place() { json ".points[0].disks[0].places[] | select(.name == \"partition $1\") | $3" "$B" points "web-1@$2" --json; }
check "a run of four partitions" push
check "each has a row" [ "$(grep -cE '^ +0  partition [1-4] ' <("$B" points web-1@1))" = 4 ]
check "FAT: only what is used" row 'partition 1  FAT.* 16\.0 MiB +15\.[0-9] MiB .*  what is used' 1
check "ext4: only what is used" row 'partition 2  ext.* 48\.0 MiB +[34][0-9]\.[0-9] MiB .*  what is used' 1
check "swap: only what is used" row 'partition 3  swap .* 16\.0 MiB +15\.[0-9] MiB .*  what is used' 1
check "what nobody knows is copied whole, with a reason" row 'partition 4  unknown +8\.0 MiB +0 B +8\.0 MiB  whole: .+' 1
check "figures as numbers" place 4 1 '.bytes == 8388608 and .unused_bytes == 0 and .new_bytes == 8388608 and .whole'
check "of a file system too" place 2 1 '.unused_bytes > 30000000 and .new_bytes < 18000000 and .why == null and (.whole | not)'
check "they add up" json '.points[0].disks[0] | .unused_bytes == ([.places[].unused_bytes] | add) and
    .new_bytes == .data_bytes and .data_bytes + .unused_bytes <= .bytes' "$B" points web-1@1 --json
check "the first run is no bigger than another" json '.points[0].grew == null and .points[0].unseen == []' "$B" points web-1@1 --json
check "the server's log has a line for each" [ "$(grep -c 'web-1: disk 0, partition [1-4]: ' "$T/daemon.log")" = 4 ]

# ---- A bigger one ------------------------------------------------------------------------------

debugfs -w -R 'ssv state 0' "$T/ext" 2>/dev/null
dd_at 17 <"$T/ext"
check "a run of a file system that was not unmounted" push
check "it is copied whole now" row 'partition 2  ext.* 48\.0 MiB +0 B +[34][0-9]\.[0-9] MiB  whole: .*unmounted.*' 2
check "one line says why the run was bigger" grep -qE \
    '^why the point grew: [34][0-9]\.[0-9] MiB of new data: disk 0, partition 2 \(ext[^)]*\) is now copied whole \(.*unmounted.*\): [34][0-9]\.[0-9] MiB more$' <("$B" points web-1@2)
check "so does the status" grep -q 'why the point grew: .* partition 2 ' <("$B" status web-1)
head -c 6M /dev/urandom | dd_at 82
check "another run" push
check "nothing grew: the one before was bigger" json '.points[0].grew == null and
    .points[0].disks[0].new_bytes == 6291456' "$B" points web-1@3 --json

# ---- What the configuration says of one partition ----------------------------------------------

e2fsck -fy "$T/ext" >/dev/null 2>&1 || true
dd_at 17 <"$T/ext"
check "swap is wanted whole" push --set "copy=all@3@path:$T/a.raw"
check "and is" row 'partition 3  swap .* 16\.0 MiB +0 B .*  whole: copy=all' 4
check "the others are not" place 2 4 '.unused_bytes > 30000000 and (.whole | not)'
check "a partition by its GUID" push --set "copy=all@partuuid:$GUID"
check "is copied whole" place 2 5 '.unused_bytes == 0 and .why == "copy=all"'
check "all but one" push --set copy=all --set "copy=used@1@path:$T/a.raw"
check "that one is not" place 1 6 '.unused_bytes > 15000000 and (.whole | not)'
check "the others are" json '[.points[0].disks[0].places[] | select(.why == "copy=all").name] ==
    ["partition 2", "partition 3", "partition 4"]' "$B" points web-1@6 --json
check "the copy is the disk" "$B" export web-1@5 --disk 0 --format raw "$T/out.raw"
check "where nothing was left out" cmp -n $((48 << 20)) -i $((17 << 20)) "$T/a.raw" "$T/out.raw"
check "what is not there stops the run" exits 1 "$PUSH" --conf "$T/web-1.conf" --set "copy=all@9@path:$T/a.raw" --disk "$T/a.raw"
check "and says which" grep -qF "copy=all@9@path:$T/a.raw" "$T/stderr"
heard() { "$B" status web-1 | grep -q 'matches nothing'; }
check "the server hears of it" within 10 heard
check "no point came of it" refused 1 'no web-1@7' "$B" points web-1@7
check "less is copied of what is not there: a warning" push --set "copy=used@9@path:$T/a.raw"
check "of which the log has a line" grep -q 'copy=used@9@.* matches nothing' "$T/push.log"
check "everything is copied whole" push --set copy=all
check "and each partition says so" [ "$(grep -cE '  whole: copy=all$' <("$B" points web-1@8))" = 4 ]
check "media refuses what names no place" refused 2 "copy= names no place" "$B" media web-1 --conf "$T/no.conf" --set copy=all@2

# ---- What was not seen -------------------------------------------------------------------------

# As the boot program reports it; how it gets here is tests/daemon/daemon_test.py's.
add_unseen() {
    python3 - "$T/state/db.sqlite" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    (session,), = db.execute("SELECT session FROM points WHERE number = 8")
    db.execute("INSERT INTO unseen VALUES (?, 0, 0, 0, 4096, 91, ?, '0000:00:05.0', 'RAID controller', '')",
               (session, b"\x01\x04\x00"))
END
}
check "a controller without a driver" add_unseen
check "it is told with the point" grep -qF 'not seen: RAID controller 1000:005b at 0000:00:05.0: it is unknown whether it has disks' <("$B" points web-1@8)
check "and with that point only" json '[.points[] | .unseen | length] == [0, 0, 0, 0, 0, 0, 0, 1]' "$B" points web-1 --json
check "as JSON" json '.points[0].unseen == [{kind: "controller", asked: false, vendor: "1000", device: "005b",
    class: "010400", slot: "0000:00:05.0", what: "RAID controller", why: ""}]' "$B" points web-1@8 --json
check "the daemon stops" daemon_stop
finish
