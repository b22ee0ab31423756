#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks on every kind of controller, two of them with blocks of 4096 bytes, move together as one point; a disk that
# disk= leaves out is recorded as left out. The NIC is an e1000e, which the firmware serves by an option ROM.
. "$(dirname "$0")/lib.sh"
e2e_begin controllers

e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
set=()
i=0
for disk in virtio-blk virtio-scsi nvme ahci left-out; do
    e2e_disk "$E2E_DIR/$disk.raw" 32 $((10 + i))
    [ $disk = left-out ] || set+=("disk=size:$((33554432 + i * 4096))")
    truncate -s +$((i * 4096)) "$E2E_DIR/$disk.raw"
    i=$((i + 1))
done
e2e_media web-1 iso "$E2E_DIR/vm.iso" "${set[@]}"
big=logical_block_size=4096,physical_block_size=4096
e2e_machine vm
bf_vm_cd vm "$E2E_DIR/vm.iso" bootindex=0
bf_vm_nic vm e1000e '' romfile=/usr/lib/ipxe/qemu/efi-e1000e.rom
bf_vm_disk vm ahci "$E2E_DIR/ahci.raw" raw serial=ahci-1
bf_vm_disk vm virtio-blk "$E2E_DIR/virtio-blk.raw" raw $big
bf_vm_disk vm virtio-scsi "$E2E_DIR/virtio-scsi.raw" raw
bf_vm_disk vm nvme "$E2E_DIR/nvme.raw" raw serial=nvme-1,$big
bf_vm_disk vm virtio-blk "$E2E_DIR/left-out.raw" raw
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "of four disks" equal 4 "$(bf_cli points web-1 --json | jq '.points[0].disks | length')"
check "who serves the NIC" e2e_nic_driver vm snp
for pair in virtio-blk:virtio-blk virtio-scsi:virtio-scsi nvme:nvme ahci:ahci; do
    check "who reads ${pair%:*}" matches "driver=${pair#*:} " \
        "$(bf_vm_serial vm | grep -a "^BOOTFERRY event=disk .*bytes=$(stat -c %s "$E2E_DIR/${pair%:*}.raw") ")"
done
for disk in virtio-blk virtio-scsi nvme ahci; do
    n=$(bf_cli points web-1 --json | jq ".points[0].disks[] | select(.bytes == $(stat -c %s "$E2E_DIR/$disk.raw")) | .disk")
    check "the disk on $disk" e2e_same web-1@1 "$n" "$E2E_DIR/$disk.raw"
done
check "two have blocks of 4096 bytes" equal 2 "$(bf_cli points web-1 --json | jq '[.points[0].disks[] | select(.block_size == 4096)] | length')"
check "the fifth is shown as left out" matches 'planned=0' "$(bf_vm_serial vm | grep -a "^BOOTFERRY event=disk .*bytes=$(stat -c %s "$E2E_DIR/left-out.raw") ")"
check "and is on record as that as left out" matches "$(stat -c %s "$E2E_DIR/left-out.raw")" "$(bf_cli points web-1 --json | jq -c '.points[0].excluded')"
e2e_end
