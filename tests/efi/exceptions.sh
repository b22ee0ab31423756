#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/exceptions.efi under OVMF with two processors and passes on what it prints. Its last line must be there.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
tmp=$(mktemp -d)
trap 'bf_vm_kill_all; rm -rf "$tmp"' EXIT

truncate -s 33M "$tmp/fat.img"
mformat -i "$tmp/fat.img" -F ::
mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
mcopy -i "$tmp/fat.img" build/tests/exceptions.efi ::/EFI/BOOT/BOOTX64.EFI

bf_vm exceptions "$tmp/vm" q35
bf_vm_firmware exceptions
bf_vm_add exceptions -m 256 -smp 2
bf_vm_disk exceptions virtio-blk "$tmp/fat.img" raw bootindex=0
bf_vm_start exceptions
status=0
bf_vm_wait_line exceptions '^exceptions done' 240 >/dev/null && bf_vm_wait_exit exceptions 60 || status=1
bf_vm_serial exceptions | grep -aE '^(#|ok|not ok) ' || true
if [ $status -ne 0 ]; then
    echo 'not ok efi exceptions: the program came to its end'
elif bf_vm_serial exceptions | grep -aq '^not ok'; then
    status=1
fi
exit $status
