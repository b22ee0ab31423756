#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The replica server and its storage daemon are killed in the middle of a transfer and the server is started again: the
# boot program comes back by itself and goes on.
. "$(dirname "$0")/lib.sh"
e2e_begin server-killed-vm

e2e_disk "$E2E_DIR/data.raw" 256 5
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_start vm
e2e_sending vm 60000000 300
bf_server_stop KILL
check "the state is not served" equal 0 "$(e2e_points web-1)"
e2e_server_again
e2e_verdict vm 300
check "the verdict" e2e_verdict_is_ok
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
