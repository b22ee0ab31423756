#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A second run sends what changed and nothing else, a third sends nothing; every point keeps what the disk was at its time.
. "$(dirname "$0")/lib.sh"
e2e_begin later-run

e2e_disk "$E2E_DIR/data.raw" 128 30
e2e_dense "$E2E_DIR/data.raw" # so that "read" counts all of it
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf"

e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the first run" e2e_push_is_ok
check "zeros were not sent" at_most $((63 << 20)) "$(e2e_field sent "$E2E_PROGRESS")"
cp "$E2E_DIR/data.raw" "$E2E_DIR/first.raw"

e2e_change "$E2E_DIR/data.raw" 31 $((3 << 20)) 200000
e2e_change "$E2E_DIR/data.raw" 32 $((100 << 20)) 200000
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the second run" e2e_push_is_ok
check "sent what changed" at_least 400000 "$(e2e_field sent "$E2E_PROGRESS")"
check "and little else" at_most 2000000 "$(e2e_field sent "$E2E_PROGRESS")"
check "read everything" at_least $((128 << 20)) "$(e2e_field read "$E2E_PROGRESS")"

e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "the third run" e2e_push_is_ok
check "sent next to nothing" at_most 200000 "$(e2e_field sent "$E2E_PROGRESS")"

check "three recovery points" equal 3 "$(e2e_points web-1)"
check "the first is as it was" e2e_same web-1@1 0 "$E2E_DIR/first.raw"
check "the second" e2e_same web-1@2 0 "$E2E_DIR/data.raw"
check "the third" e2e_same web-1@3 0 "$E2E_DIR/data.raw"
check "the latest goes by the name alone" e2e_same web-1 0 "$E2E_DIR/data.raw"
e2e_end
