#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks inside the firmware: the firmware's driver against ours, three rounds each of 256 MiB in requests of at most 1 MiB, from
# files in the page cache. Absolute figures mean little under TCG; the two drivers are compared with each other.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=../../qemu/lib.sh
. qemu/lib.sh
tmp=$(mktemp -d)
trap 'bf_vm_kill_all; rm -rf "$tmp"' EXIT

truncate -s 33M "$tmp/fat.img"
mformat -i "$tmp/fat.img" -F ::
mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
mcopy -i "$tmp/fat.img" build/tests/bench_disks.efi ::/EFI/BOOT/BOOTX64.EFI
head -c 256M /dev/urandom >"$tmp/disk"
bf_vm bench "$tmp/vm" q35
bf_vm_firmware bench
bf_vm_add bench -m 512
bf_vm_disk bench ahci "$tmp/fat.img" raw bootindex=0
for controller in virtio-blk virtio-scsi nvme ahci; do
    cp "$tmp/disk" "$tmp/$controller"
    bf_vm_disk bench $controller "$tmp/$controller" raw serial=$controller
done
bf_vm_start bench
bf_vm_wait_line bench '^bench done' 300 >/dev/null
bf_vm_serial bench | grep -a '^bench disk=' | tr -d '\r' | sort -k 2,3 -s
# Every round of every driver on every disk, without an error.
if [ "$(bf_vm_serial bench | grep -ac '^bench disk=.* errors=0')" = 24 ]; then echo 'ok bench drivers'; else
    echo 'not ok bench drivers'
    exit 1
fi
