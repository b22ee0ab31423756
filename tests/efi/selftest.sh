#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs build/tests/selftest.efi under OVMF and passes on what it prints. Its last line must be there:
# a program that died has not passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
tmp=$(mktemp -d)
trap 'bf_vm_kill_all; rm -rf "$tmp"' EXIT

truncate -s 33M "$tmp/fat.img"
mformat -i "$tmp/fat.img" -F ::
mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
mcopy -i "$tmp/fat.img" build/tests/selftest.efi ::/EFI/BOOT/BOOTX64.EFI

bf_vm self "$tmp/vm" q35
bf_vm_firmware self
bf_vm_add self -m 256
bf_vm_disk self virtio-blk "$tmp/fat.img" raw bootindex=0
bf_vm_start self
status=0
bf_vm_wait_line self '^selftest done' 120 >/dev/null && bf_vm_wait_exit self 60 || status=1
bf_vm_serial self | grep -aE '^(#|ok|not ok) ' || true
if [ $status -ne 0 ]; then
    echo 'not ok efi: the self test came to its end'
elif bf_vm_serial self | grep -aq '^not ok'; then
    status=1
fi
exit $status
