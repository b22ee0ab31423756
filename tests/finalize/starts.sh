#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# starts.sh [GUEST...]: real guests (qemu/guests), each finalized by bootferry-finalize and then started as another kind of
# machine than it was made for: another chipset, disk controller, card and slot. A guest has started when a service of its
# own says so on the serial port, with its address, its root device and the kernel's command line. Without a name: all
# guests that say what they move to (GUEST_NEW in their conf file).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
# shellcheck source=tests/finalize/moves.sh
. tests/finalize/moves.sh
TEST_KIND=starts

start() {
    local line=''
    guest "$1"
    check "finalized" finalizer --plan "$T/plan"
    if ! jq -e '.result == "ok"' "$logs/report" >/dev/null 2>&1; then return; fi
    new_machine
    line=$(seen 300) || true
    check "it starts on $machine with $controller, and $card in slot $slot" test -n "$line"
    check "it has the planned address" equal 192.168.77.50/24 "$(field address "$line")"
    check "a gateway answers it" equal yes "$(field reachable "$line")"
    check "it has the new name" equal newhome "$(field host "$line")"
    check "its kernel was told of the serial port" matches 'console=ttyS0' "$(bf_vm_serial new | grep -a '^CMDLINE ')"
    check "somebody can log in there" bf_vm_wait_line new 'newhome login:' 60
    bf_vm_kill new
}

mapfile -t names < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else all_guests; fi)
for name in "${names[@]}"; do start "$name"; done
TEST_PREFIX=''
finish
