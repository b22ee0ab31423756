#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/workers.efi under OVMF with four processors and passes on what it prints. Its last line must be there.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
tmp=$(mktemp -d)
trap 'bf_vm_kill_all; rm -rf "$tmp"' EXIT

truncate -s 33M "$tmp/fat.img"
mformat -i "$tmp/fat.img" -F ::
mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
mcopy -i "$tmp/fat.img" build/tests/workers.efi ::/EFI/BOOT/BOOTX64.EFI

bf_vm workers "$tmp/vm" q35
bf_vm_firmware workers
bf_vm_add workers -m 256 -smp 4
bf_vm_disk workers virtio-blk "$tmp/fat.img" raw bootindex=0
bf_vm_start workers
status=0
bf_vm_wait_line workers '^workers done' 240 >/dev/null && bf_vm_wait_exit workers 60 || status=1
bf_vm_serial workers | grep -aE '^(#|ok|not ok) ' || true
if [ $status -ne 0 ]; then
    echo 'not ok efi workers: the program came to its end'
elif bf_vm_serial workers | grep -aq '^not ok'; then
    status=1
fi
exit $status
