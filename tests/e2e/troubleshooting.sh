#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# README's table of failures: every row is provoked somewhere and compared with the verdict (e2e_failure_row). Here are those
# that the hosted sender can meet on the loopback, which has the boot program's code from the connector upwards; the
# others are compared by the scripts that provoke them anyway. Rows without a test, and tests without a row, are failures.
. "$(dirname "$0")/lib.sh"
e2e_begin troubleshooting

# The index: script and words of every comparison in a script that tests/e2e/LIST runs.
index() {
    local script
    sed -nE 's/^(check|hosted|e2e) +([^ ]+\.sh).*/\2/p' tests/e2e/LIST | sort -u | while read -r script; do
        sed -nE "s/.*e2e_failure_row \"([^\"]+)\".*/$script|\\1/p" "tests/e2e/$script"
    done
}
index >"$E2E_LOGS/index"
check "the table is found" at_least 15 "$(e2e_failure_rows | wc -l)"
check "no row twice" equal "" "$(e2e_failure_rows | cut -d'|' -f3 | sort | uniq -d)"
check "every row has a test" equal "" "$(e2e_failure_rows | cut -d'|' -f3 | sort | comm -23 - <(cut -d'|' -f2 "$E2E_LOGS/index" | sort -u))"
check "every test has a row" equal "" "$(cut -d'|' -f2 "$E2E_LOGS/index" | sort -u | comm -23 - <(e2e_failure_rows | cut -d'|' -f3 | sort))"

# A row of another text, code or side would be noticed.
E2E_VERDICT='BOOTFERRY verdict=fail code=auth side=config t=1.000 what="web-1 was revoked" todo="x"'
check "a changed code is noticed" fails 1 e2e_verdict_fits 'denied|config|was revoked'
check "a changed side is noticed" fails 1 e2e_verdict_fits 'auth|server|was revoked'
check "a changed text is noticed" fails 1 e2e_verdict_fits 'auth|config|was withdrawn'

e2e_disk "$E2E_DIR/data.raw" 16 60
e2e_disk "$E2E_DIR/other.raw" 16 61
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_config web-1 "$BF_SERVER_PORT" "$E2E_DIR/web-1.conf" retry=1

# with KEY VALUE: the configuration with another line; prints its name.
with() {
    awk -v k="$1" -v v="$2" 'index($0, k "=") == 1 { $0 = k "=" v } { print }' "$E2E_DIR/web-1.conf" >"$E2E_DIR/with-$1.conf"
    echo "$E2E_DIR/with-$1.conf"
}
failed() { e2e_push 120 "$1" "${2:-$E2E_DIR/data.raw}"; } # CONFIG [DISK]

failed "$(with server 127.0.0.1:1)"
e2e_failure_row "refused the connection"

# Its queue of connections is full, so the kernel drops what comes.
bf_bound python3 tests/e2e/deaf.py >"$E2E_DIR/deaf" &
E2E_CHILDREN+=($!)
e2e_wait 20 "the deaf server listens" grep -q . "$E2E_DIR/deaf"
failed "$(with server "127.0.0.1:$(cat "$E2E_DIR/deaf")")"
e2e_failure_row "does not answer"

failed "$(with server no-such-host.invalid)"
e2e_failure_row "resolve"

failed "$(with server "localhost:$BF_SERVER_PORT")"
e2e_failure_row "the server's certificate is not for"

# Another server with a machine of the same name: its medium here, and this one's there.
bf_cli_other() { "$BF_BUILD/bootferry" "$@" --state "$E2E_DIR/other" >>"$E2E_LOGS/cli.log"; }
bf_cli_other init --address 127.0.0.1
bf_cli_other machine add web-1
bf_cli_other media web-1 --conf "$E2E_DIR/other.conf" --set "server=127.0.0.1:$BF_SERVER_PORT" --set retry=1
failed "$E2E_DIR/other.conf"
e2e_failure_row "is not signed by the root"
sed "s|^root=.*|$(grep '^root=' "$E2E_DIR/web-1.conf")|" "$E2E_DIR/other.conf" >"$E2E_DIR/stranger.conf"
failed "$E2E_DIR/stranger.conf"
e2e_failure_row "does not know who signed this machine's certificate"

e2e_push 120 "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
check "a run that is right" e2e_push_is_ok
failed "$E2E_DIR/web-1.conf" "$E2E_DIR/other.raw"
e2e_failure_row "of this replica"

bf_cli machine revoke web-1 >>"$E2E_LOGS/cli.log"
failed "$E2E_DIR/web-1.conf"
e2e_failure_row "was revoked"
e2e_end
