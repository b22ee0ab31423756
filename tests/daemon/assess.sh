#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# action=assess: what is used is found, disks and link are timed, nothing of a disk is sent, the server keeps the result
# and nothing else; who is refused.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
SQL=$PWD/tests/daemon/sql.py
port='' # of the daemon

"$B" init --address 127.0.0.1 >/dev/null
"$B" machine add web-1 >/dev/null
daemon_start --sessions 8
"$B" media web-1 --conf "$T/web-1.conf" --set "server=127.0.0.1:$port" >/dev/null
truncate -s 200M "$T/a.raw"
sgdisk --clear --disk-guid=00000000-0000-4000-8000-000000000001 --new=1:2048:0 "$T/a.raw" >/dev/null
mkfs.ext4 -q -F -E offset=1048576,lazy_itable_init=0,lazy_journal_init=0 "$T/a.raw" 190M
head -c 30M /dev/urandom >"$T/b.raw"
cp "$T/a.raw" "$T/before.raw"

check "before that, it says what to do" refused 1 'bootferry media web-1 --iso FILE --set action=assess' "$B" assess web-1
check "of a machine that there is" refused 1 'no machine' "$B" assess other

assess() { push --set action=assess "$@" --disk "$T/a.raw" --disk "$T/b.raw"; }
said() { sed -n "s/.* event=$1 .*[ ]$2=\([0-9]*\).*/\1/p" "$T/push.log" | head -n 1; }
check "it is assessed" assess
check "it succeeds" grep -q '^BOOTFERRY verdict=ok code=ok side=none ' "$T/push.log"
check "in these phases" equal "disks 0 maps 1 disks 1 connecting link" \
    "$(sed -nE 's/.* event=assess .* phase=([a-z]+)( disk=([0-9]))?.*/\1 \3/p' "$T/push.log" | sed 's/ $//' | uniq | paste -sd' ')"
check "the used part of the first disk is found" json '.disks[0] | .bytes == 209715200 and .used > 1000000 and .used < 60000000' \
    "$B" assess web-1 --json
check "all of the second is used" json '.disks[1] | .bytes == 31457280 and .used == .bytes and .compressed == .sampled and .sampled > 0' \
    "$B" assess web-1 --json
check "what was timed" json '(.disks | all(.read_rate > 0)) and .link_rate > 0 and .compute_rate > 0' "$B" assess web-1 --json
check "how long it would take" json '.first_seconds >= .later_seconds and .first_seconds < 600 and .machine == "web-1" and .unseen == 0' \
    "$B" assess web-1 --json
check "the lines say the same" equal "$(said assessed link)" "$("$B" assess web-1 --json | jq .link_rate)"
"$B" assess web-1 >"$T/shown"
check "in words" matches 'In use: [0-9.]+ MiB of 230.0 MiB. The link to this server: [0-9.]+ .iB/s' "$(cat "$T/shown")"
check "with the times" matches 'A first copy takes about [0-9]+ s' "$(cat "$T/shown")"
check "there is no job" json '.machines[0] | .job == null and .jobs == [] and .phase == "never seen"' "$B" status web-1 --json
check "but an event" json '.machines[0].events | map(.text) | any(test("^assessed from 127.0.0.1:"))' "$B" status web-1 --json
check "there is no point" json '.points == []' "$B" points web-1 --json
check "and no disk of a replica" json '.disks == 0' "$B" machine show web-1 --json
check "the disk was only read" cmp "$T/before.raw" "$T/a.raw"

# ---- Who is refused ----------------------------------------------------------------------------

"$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"INSERT INTO fences VALUES('web-1', 7, 1796040000, 'on host b', 0, 0, 0);"
check "a machine that lives elsewhere is" exits 1 "$PUSH" --conf "$T/web-1.conf" --set action=assess --disk "$T/b.raw"
check "with that code" matches 'verdict=fail code=fenced ' "$(tail -n 1 "$T/stdout")"
"$SQL" "$BOOTFERRY_STATE/db.sqlite" <<<"DELETE FROM fences;"
check "the result from before stays" json '.disks | length == 2' "$B" assess web-1 --json

# ---- The newest counts -------------------------------------------------------------------------

check "with a limit, and everything" assess --set limit=2M --set copy=all
check "the limit is the link" json '.link_rate > 1500000 and .link_rate < 2300000' "$B" assess web-1 --json
check "all of the first disk counts" json '.disks[0] | .used == .bytes' "$B" assess web-1 --json
check "a copy is another thing" push --disk "$T/b.raw"
check "which makes a point" json '.points | length == 1' "$B" points web-1 --json
check "the daemon stops" daemon_stop
finish
