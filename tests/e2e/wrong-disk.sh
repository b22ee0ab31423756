#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# disk= that fits none, and disk= that fits several: it stops, names the disks it sees, and sends nothing.
. "$(dirname "$0")/lib.sh"
e2e_begin wrong-disk

e2e_disk "$E2E_DIR/first.raw" 64 3
e2e_disk "$E2E_DIR/second.raw" 64 4
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"

# try WHAT SELECTOR
try() {
    e2e_media web-1 iso "$E2E_DIR/$1.iso" "disk=$2"
    e2e_machine "$1" "$E2E_DIR/first.raw" "$E2E_DIR/second.raw"
    bf_vm_cd "$1" "$E2E_DIR/$1.iso" bootindex=0
    bf_vm_nic "$1" virtio-net-pci
    e2e_boot "$1" 300
    check "$1: the verdict" e2e_verdict_is_failure mismatch config
    e2e_failure_row "of this machine's"
    check "$1: both disks are listed" at_least 2 "$(bf_vm_serial "$1" | grep -ac '^BOOTFERRY event=disk .*bytes=67108864 ')"
    check "$1: there is no point" equal 0 "$(e2e_points web-1)"
}
try none gpt:11111111-2222-4333-8444-555555555555
try several size:64M
e2e_end
