#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The cable is pulled out of the source in the middle of the transfer and plugged in again: the same boot goes on from
# what the server had made durable.
. "$(dirname "$0")/lib.sh"
e2e_begin link-cut

e2e_disk "$E2E_DIR/data.raw" 256 2
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso" compress=off
e2e_cd_machine vm "$E2E_DIR/data.raw"
bf_vm_start vm
e2e_sending vm 60000000 300
bf_vm_mark vm
bf_vm_link vm false
check "the loss is noticed and said" bf_vm_wait_line vm '^BOOTFERRY event=network .*state=no-link' 60
bf_vm_link vm true
e2e_verdict vm 300
check "all of it by the native driver" e2e_nic_driver vm virtio-net
check "the verdict" e2e_verdict_is_ok
check "the transfer was not begun again" at_most 160000000 "$(e2e_field sent "$E2E_PROGRESS")"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/data.raw"
e2e_end
