#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks inside the firmware: the firmware's driver against ours, three rounds each of 256 MiB in requests of at most 1 MiB, from
# files in the page cache. Absolute figures mean little under TCG; the two drivers are compared with each other.
# shellcheck source=tests/efi/lib.sh
. "$(dirname "$0")/../efi/lib.sh"

efi_disk bench_disks "$T/fat.img"
head -c 256M /dev/urandom >"$T/disk"
bf_vm bench "$T/vm" q35
bf_vm_firmware bench
bf_vm_add bench -m 512
bf_vm_disk bench ahci "$T/fat.img" raw bootindex=0
for controller in virtio-blk virtio-scsi nvme ahci; do
    cp "$T/disk" "$T/$controller"
    bf_vm_disk bench $controller "$T/$controller" raw serial=$controller
done
bf_vm_start bench
bf_vm_wait_line bench '^bench done' 300 >/dev/null
bf_vm_serial bench | grep -a '^bench disk=' | tr -d '\r' | sort -k 2,3 -s
# Every round of every driver on every disk, without an error.
check 'bench drivers' equal 24 "$(bf_vm_serial bench | grep -ac '^bench disk=.* errors=0')"
finish
