#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server, and once its storage daemon alone, are killed in the middle of a transfer, at chosen bytes: nothing that was
# acknowledged is lost, the session goes on after the restart, and the point is the disk.
. "$(dirname "$0")/lib.sh"
e2e_begin server-killed

e2e_disk "$E2E_DIR/data.raw" 256 36
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$E2E_RELAY_PORT" "$E2E_DIR/web-1.conf" compress=off

storage_daemons() { pgrep -P "$BF_SERVER_PID" -f qemu-storage-daemon; }

e2e_fault after 30000019 stall
e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
for bytes in 40000003 40000001 0; do
    e2e_wait 120 "the transfer reaches its place" e2e_relay_is stall
    if [ "$bytes" = 0 ]; then
        check "there is a storage daemon" storage_daemons
        storage_daemons | xargs -r kill -9
    else
        bf_server_stop KILL
        check "no point of a part" equal 0 "$(e2e_points web-1)"
        e2e_server_again
    fi
    e2e_fault cut
    [ "$bytes" = 0 ] || e2e_fault after "$bytes" stall
done
e2e_push_wait 240
check "the verdict" e2e_push_is_ok
check "the transfer was not begun again each time" at_most $((200 << 20)) "$(e2e_relayed_up)"
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
