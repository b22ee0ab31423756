#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sender dies in the middle and starts again, which is another boot: its disk changed meanwhile, also where it had
# been sent already. Nothing is trusted, everything is read again, and the point is the disk of the second boot.
. "$(dirname "$0")/lib.sh"
e2e_begin sender-restarted

e2e_disk "$E2E_DIR/data.raw" 256 39
e2e_dense "$E2E_DIR/data.raw" # so that "read" counts all of it
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$E2E_RELAY_PORT" "$E2E_DIR/web-1.conf" compress=off

e2e_fault after 80000001 stall
e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
e2e_wait 120 "the transfer reaches its place" e2e_relay_is stall
kill -9 "$E2E_PUSH_PID"
wait "$E2E_PUSH_PID" 2>/dev/null || true
check "there is no point of a part" equal 0 "$(e2e_points web-1)"
e2e_fault cut

e2e_change "$E2E_DIR/data.raw" 40 $((4 << 20)) 70000
e2e_change "$E2E_DIR/data.raw" 41 $((220 << 20)) 70000
e2e_push 180 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the verdict" e2e_push_is_ok
check "everything was read again" at_least $((256 << 20)) "$(e2e_field read "$E2E_PROGRESS")"
check "what the server had was not sent again" at_most $((90 << 20)) "$(e2e_field sent "$E2E_PROGRESS")"
check "the point is the disk as it is now" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
