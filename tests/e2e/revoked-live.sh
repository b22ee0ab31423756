#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Revoking a machine ends its session that is under way.
. "$(dirname "$0")/lib.sh"
e2e_begin revoked-live

e2e_disk "$E2E_DIR/data.raw" 128 57
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$E2E_RELAY_PORT" "$E2E_DIR/web-1.conf" compress=off retry=3
e2e_fault after 20000003 stall
e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
e2e_wait 120 "the transfer is in its middle" e2e_relay_is stall
bf_cli machine revoke web-1 >>"$E2E_LOGS/cli.log"
e2e_fault pass
e2e_push_wait 120
check "the sender is refused" e2e_push_failed '(auth|denied)' '(config|server|source)'
check "there is no point" equal 0 "$(e2e_points web-1)"
e2e_end
