#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server's file system is full in the middle of a transfer: the sender is told which side, nothing that was
# acknowledged is lost, and once there is room the next attempt goes on. Needs a small tmpfs, hence root.
. "$(dirname "$0")/lib.sh"
e2e_begin disk-full

[ "$(id -u)" = 0 ] || e2e_skip "mounting a small file system needs root"
mkdir "$E2E_DIR/small"
mount -t tmpfs -o size=40m tmpfs "$E2E_DIR/small" 2>/dev/null || e2e_skip "this place does not let root mount"
at_exit umount -l "$E2E_DIR/small"

e2e_disk "$E2E_DIR/data.raw" 128 45
bf_server_init "$E2E_DIR/small/state" 127.0.0.1,10.0.2.2 >>"$E2E_LOGS/cli.log"
bf_server_start "$E2E_LOGS/bootferryd.log"
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" compress=off retry=5
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the sender is told" e2e_push_failed no-space server
e2e_failure_row "disk is full"
check "the server lives" kill -0 "$BF_SERVER_PID"
check "there is no point" equal 0 "$(e2e_points web-1)"

# told WORD: status has the end of the session and its reason, recorded or not. A session that ended is not live.
told() {
    bf_cli status web-1 --json | jq -e --arg word "$1" '.machines[0] | .live == null and .phase == "Failed" and
        (.job.detail | contains("full") or contains("No space left")) and
        ([.events[].text, .unrecorded.text // empty] | any(contains($word)))'
}
recorded() { bf_cli status web-1 --json | jq -e '.machines[0] | .unrecorded == null and any(.events[]; .text | startswith("failed: "))'; }
check "status tells the reason" e2e_wait 60 "the end in status" told "make room in the file system of the state"

mount -o remount,size=400m "$E2E_DIR/small"
check "it is recorded once there is room" e2e_wait 60 "the event in the database" recorded
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "with room again" e2e_push_is_ok
check "what had been flushed was not sent again" at_most $((55 << 20)) "$(e2e_field sent "$E2E_PROGRESS")"
check "the point is the disk" e2e_same web-1 0 "$E2E_DIR/data.raw"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
