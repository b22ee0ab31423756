#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two machines at once, one a boot program under QEMU and one the hosted sender: each gets its own
# point, and neither sees the other's disk.
. "$(dirname "$0")/lib.sh"
e2e_begin two-machines

e2e_disk "$E2E_DIR/first.raw" 128 43
e2e_disk "$E2E_DIR/second.raw" 128 44
e2e_server
e2e_relay
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
bf_cli machine add web-2 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off
e2e_config web-2 "$E2E_RELAY_PORT" "$E2E_DIR/web-2.conf" compress=off
e2e_cd_machine vm "$E2E_DIR/first.raw"

# The second stops in its middle until the first is in its own.
e2e_fault after 20000003 stall
e2e_push_start "$E2E_DIR/web-2.conf" "$E2E_DIR/second.raw"
bf_vm_start vm
e2e_wait 120 "the second is in its middle" e2e_relay_is stall
e2e_sending vm 10000000 300
e2e_fault cut
e2e_verdict vm 300
e2e_push_wait 120
check "the first one's verdict" matches '^BOOTFERRY verdict=ok' "$(bf_vm_serial vm | grep -a '^BOOTFERRY verdict=')"
check "the second one's verdict" e2e_push_is_ok
check "the first one's point" e2e_same web-1 0 "$E2E_DIR/first.raw"
check "the second one's point" e2e_same web-2 0 "$E2E_DIR/second.raw"
e2e_end
