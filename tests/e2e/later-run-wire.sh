#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a later run costs, counted on the wire by a relay: an aged ext4 of which 1 % of the chunks changed travels in at most
# 1.1 times these chunks compressed and 0.1 % of what is used. Then the base is damaged at the server, in its data, in its
# tables, in its records: there is a right point or a clear refusal, never a wrong point.
. "$(dirname "$0")/lib.sh"
e2e_begin later-run-wire
disk=$E2E_DIR/disk.raw stored=$E2E_DIR/state/machines/web-1/disk-0
later() { python3 "$E2E_TOP/tests/e2e/later_run.py" "$@"; }

# A file system of 1 GiB that was filled, thinned out and filled again, so that files lie in pieces among what was deleted.
mkdir "$E2E_DIR/tree"
for i in {1..60}; do
    e2e_random "$i" $((i * 40000)) >"$E2E_DIR/tree/noise-$i"
    { seq "$i" 3000000 || true; } | head -c $((i * 60000)) >"$E2E_DIR/tree/text-$i"
done
truncate -s 1G "$disk"
mke2fs -q -F -t ext4 -b 4096 -d "$E2E_DIR/tree" "$disk"
for i in {1..60..3}; do echo "rm /noise-$i"; done >"$E2E_DIR/age"
for i in {61..90}; do
    e2e_random "$i" 1500000 >"$E2E_DIR/tree/late-$i"
    echo "write $E2E_DIR/tree/late-$i late-$i"
done >>"$E2E_DIR/age"
debugfs -w -f "$E2E_DIR/age" "$disk" >"$E2E_LOGS/age.log" 2>&1
files() { # where the files are
    debugfs -R "ls -p" "$disk" 2>/dev/null | awk -F/ '$6 ~ /-/ { print "blocks /" $6 }' >"$E2E_DIR/ask"
    debugfs -f "$E2E_DIR/ask" "$disk" 2>/dev/null >"$E2E_DIR/files"
}
files

# same POINT: the file system of the point is sound, and its files are those of the disk.
same() {
    local name=${1%@*}-${1#*@}
    rm -rf "$E2E_DIR/export.raw" "$E2E_DIR/there" "$E2E_DIR/here"
    mkdir "$E2E_DIR/there" "$E2E_DIR/here"
    bf_cli export "$1" --disk 0 --format raw "$E2E_DIR/export.raw" >"$E2E_LOGS/export-$name.log" &&
        e2fsck -fn "$E2E_DIR/export.raw" >"$E2E_LOGS/fsck-$name.log" 2>&1 &&
        debugfs -R "rdump / $E2E_DIR/there" "$E2E_DIR/export.raw" 2>/dev/null &&
        debugfs -R "rdump / $E2E_DIR/here" "$disk" 2>/dev/null &&
        at_least 100 "$(find "$E2E_DIR/here" -type f | wc -l)" &&
        diff -r "$E2E_DIR/there" "$E2E_DIR/here"
}
wire() { e2e_relay_ask stats | awk '{ print $4 + $6 }'; }

e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$E2E_RELAY_PORT" "$E2E_DIR/web-1.conf" compress=zstd
e2e_push 120 "$E2E_DIR/web-1.conf" "$disk"
check "the first run" e2e_push_is_ok

read -r changed compressed used < <(later change "$disk" "$E2E_DIR/files" 1 7)
before=$(wire)
e2e_push 120 "$E2E_DIR/web-1.conf" "$disk"
check "the second run" e2e_push_is_ok
bytes=$(($(wire) - before))
echo "# $changed chunks changed, $compressed bytes compressed; $used bytes of files; $bytes on the wire in both directions"
check "1.1 times what changed, compressed, and 0.1 % of what is used" \
    at_most $((compressed * 11 / 10 + used / 1000)) "$bytes"
check "what changed has travelled" at_least "$((changed * 4096))" "$bytes"
check "the point is right" same web-1@2

# ---- A damaged base -----------------------------------------------------------------------------

later damage "$stored/layer-000001.qcow2" "$disk" 8
e2e_push 120 "$E2E_DIR/web-1.conf" "$disk"
check "a chunk of the base was damaged: it is asked for again" e2e_push_is_ok
check "and the point is right" same web-1@3
check "the operator is told" grep -qE 'the store had changed by itself: 1 chunk of .* bootferry verify web-1@POINT' <(bf_cli status web-1)
check "the points of before show the damage" fails 1 bf_cli verify web-1@2

later lie "$stored/working" "$disk" "$E2E_DIR/files" 9
e2e_push 120 "$E2E_DIR/web-1.conf" "$disk"
check "a record lies: the chunk is asked for again" e2e_push_is_ok
check "and the point is right" same web-1@4
check "as the server finds itself" bf_cli verify web-1@4

later tables "$stored/layer-000001.qcow2"
e2e_push 120 "$E2E_DIR/web-1.conf" "$disk"
if e2e_push_is_ok >/dev/null; then
    check "the tables of the base are damaged: the point is right" same web-1@5
else
    check "the tables of the base are damaged: that is said" matches ' side=server .*todo=.' "$E2E_VERDICT"
    check "and there is no point" equal 4 "$(e2e_points web-1)"
fi
e2e_end
