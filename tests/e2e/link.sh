#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# link.sh cut|stall|refuse|lanes: the link between sender and server fails in the middle of frames, several times; nothing
# that was acknowledged is lost, and the same session goes on. With lanes, over four connections, of which once all are
# cut, perhaps while they are being opened, and once one alone.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: link.sh cut|stall|refuse|lanes}
e2e_begin "link-$kind"

e2e_disk "$E2E_DIR/data.raw" 256 33
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
connections=4
[ "$kind" != cut ] || connections=1 # they are counted
e2e_config web-1 "$E2E_RELAY_PORT" "$E2E_DIR/web-1.conf" compress=off connections=$connections

# says_times N REGEX: the sender has said it so often.
says_times() { [ "$(grep -acE -e "$2" "$E2E_PUSH_LOG")" -ge "$1" ]; }

case $kind in
cut)
    e2e_fault after 3000001 cut
    e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    for bytes in 40000019 40000003; do
        e2e_wait 120 "the link is cut" e2e_relay_connections 2
        e2e_fault after $bytes cut
    done
    ;;
stall)
    # The peer is missed after 15 s without a sign; a new connection then finds the link well again.
    e2e_fault after 60000003 stall
    e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    e2e_wait 120 "the link stalls" e2e_relay_is stall
    check "the dead peer is missed" e2e_push_says 60 'BOOTFERRY event=phase .*phase=waiting'
    e2e_fault pass
    ;;
refuse)
    e2e_fault after 60000003 refuse
    e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    e2e_wait 120 "connections are refused" e2e_relay_is refuse
    check "it waits" e2e_push_says 60 'BOOTFERRY event=phase .*phase=waiting'
    tries=$(e2e_relay_ask stats | awk '{ print $2 }')
    check "and tries again" e2e_wait 60 "two more tries" e2e_relay_connections $((tries + 2))
    e2e_fault pass
    ;;
lanes)
    e2e_fault rate 20000000 # what there is to send waits, so there is use for all of them
    e2e_fault after 3000001 cut
    e2e_push_start "$E2E_DIR/web-1.conf" "$E2E_DIR/data.raw"
    e2e_wait 120 "the session goes on after all were cut" says_times 2 'event=connected'
    check "four connections are in use" e2e_push_says 60 '^4 connections to the server are in use'
    e2e_fault after 20000003 cut-one
    check "when one is cut, all begin again" e2e_wait 60 "a third time" says_times 3 'event=connected'
    ;;
esac
e2e_push_wait 180
check "the verdict" e2e_push_is_ok
check "the transfer went on and was not begun again" at_most $((165 << 20)) "$(e2e_relayed_up)"
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
