#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The source loses power in the middle of a transfer and boots again, with its disk changed in places that had been sent
# and in places that had not: everything is read again, what the server holds is not sent again, and the point is the
# disk of the second boot.
. "$(dirname "$0")/lib.sh"
e2e_begin source-rebooted

e2e_disk "$E2E_DIR/data.raw" 256 6
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_start vm
e2e_sending vm 40000000 300
bf_vm_kill vm
check "there is no point of a part" equal 0 "$(e2e_points web-1)"

e2e_change "$E2E_DIR/data.raw" 60 $((5 << 20)) 50000
e2e_change "$E2E_DIR/data.raw" 61 $((200 << 20)) 50000
e2e_cd_machine vm "$E2E_DIR/data.raw"
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "the point is the disk as it is now" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
check "all of it was read" at_least $((256 << 20)) "$(e2e_field read "$E2E_PROGRESS")"
check "what the server had was not sent again" at_most $((100 << 20)) "$(e2e_field sent "$E2E_PROGRESS")"
e2e_end
