#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo's last question, to a server as slow as one of a busy machine.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/cli/lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=qemu/server.sh
. qemu/server.sh

bf_bound socat TCP-LISTEN:0,bind=127.0.0.1,fork SYSTEM:'sleep 2; echo token' 2>/dev/null &
server=$!
listens() { [ -n "$(bf_listening "$server")" ]; }
within 20 listens
port=$(bf_listening "$server")
check "a slow answer is waited for" test "$(bf_ask "$port" 20)" = token
kill "$server"
wait "$server" || true
finish
