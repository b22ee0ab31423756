#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An enrolment key is good for its number of uses, within its period, and for its machine only; every use gives a new
# certificate for a key that the machine made.
. "$(dirname "$0")/lib.sh"
e2e_begin enrolment

e2e_disk "$E2E_DIR/data.raw" 16 55
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
bf_cli machine add web-2 >>"$E2E_LOGS/cli.log"
E2E_ENROL="--enrol-uses 2" e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" retry=3
check "the image carries no private key" fails 1 grep -q '^key=' "$E2E_DIR/web-1.conf"
check "but an enrolment key" grep -q '^enrol-key=' "$E2E_DIR/web-1.conf"

sed 's/^name=.*/name=web-2/' "$E2E_DIR/web-1.conf" >"$E2E_DIR/other.conf"
e2e_push 120 "$E2E_DIR/other.conf" "$E2E_DIR/data.raw"
check "it is good for its own machine only" e2e_push_failed '(auth|denied)' '(config|server|source)'

for use in 1 2; do
    e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    check "use $use" e2e_push_is_ok
done
e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "used up" e2e_push_failed '(auth|denied|limit)' '(config|server|source)'
check "two points" equal 2 "$(e2e_points web-1)"
check "none of another machine" equal 0 "$(e2e_points web-2)"
check "each use has its certificate" equal 2 "$(bf_cli machine show web-1 --json | jq '[.certificates[].sha256] | unique | length')"

E2E_ENROL="--enrol-uses 2 --enrol-days 3" e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/late.conf" retry=3
e2e_clock +4d
bf_server_stop TERM
BF_SERVER_WRAP=$E2E_DIR/clock e2e_server_again
e2e_push 120 "$E2E_DIR/late.conf" "$E2E_DIR/data.raw"
check "too late" e2e_push_failed '(auth|denied|limit)' '(config|server|source)'
e2e_end
