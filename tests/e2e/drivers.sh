#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Native drivers: who reads which disk, what they add to its identity, that all of it arrives, that a device they cannot
# drive stays with the firmware, and that after end=exit the firmware has disks, NIC and processors again. Then the same
# machine with driver=firmware: the same disks, and nothing new.
. "$(dirname "$0")/lib.sh"
e2e_begin drivers

disks=(modern legacy nvme second scsi lun sata other)
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
for i in "${!disks[@]}"; do
    e2e_disk "$E2E_DIR/${disks[i]}.raw" 32 $((20 + i))
    truncate -s +$((i * 4096)) "$E2E_DIR/${disks[i]}.raw"
done

# The firmware's shell starts Bootferry, and then, from what it finds again, a program that reads the disks.
bf_cli media web-1 --efi "$E2E_DIR/bootferry.efi" --set "server=10.0.2.2:$BF_SERVER_PORT" --set end=exit >>"$E2E_LOGS/cli.log"
printf 'fs0:\r\nbootferry.efi\r\ndevices.efi\r\n' >"$E2E_DIR/startup.nsh"
truncate -s 40M "$E2E_DIR/medium.img"
mformat -i "$E2E_DIR/medium.img" -F ::
mcopy -i "$E2E_DIR/medium.img" "$E2E_DIR/bootferry.efi" "$E2E_DIR/startup.nsh" build/tests/devices.efi ::

machine() { # NAME
    e2e_machine "$1"
    bf_vm_disk "$1" virtio-blk "$E2E_DIR/modern.raw" raw serial=modern-1
    bf_vm_disk "$1" virtio-blk "$E2E_DIR/legacy.raw" raw serial=legacy-1,disable-modern=on,disable-legacy=off
    bf_vm_disk "$1" nvme "$E2E_DIR/nvme.raw" raw serial=nvme-1,nsid=2
    # Another namespace of that controller, with blocks of 4096 bytes.
    bf_vm_add "$1" -blockdev "driver=raw,node-name=second,file.driver=file,file.filename=$E2E_DIR/second.raw" \
        -device nvme-ns,bus=nvme2,drive=second,nsid=5,logical_block_size=4096,physical_block_size=4096
    # Two logical units of one target, one with blocks of 4096 bytes, and a CD drive beside them. OVMF 2022.11 does not find
    # them by itself.
    bf_vm_add "$1" -device virtio-scsi-pci,id=hba \
        -blockdev "driver=raw,node-name=scsi,file.driver=file,file.filename=$E2E_DIR/scsi.raw" \
        -device scsi-hd,bus=hba.0,scsi-id=3,lun=0,drive=scsi,serial=scsi-1,wwn=0x5000c50000000001 \
        -blockdev "driver=raw,node-name=lun,file.driver=file,file.filename=$E2E_DIR/lun.raw" \
        -device scsi-hd,bus=hba.0,scsi-id=3,lun=2,drive=lun,serial=lun-1,logical_block_size=4096,physical_block_size=4096 \
        -device scsi-cd,bus=hba.0,scsi-id=4
    # On the machine's own AHCI controller, beside what Bootferry is started from, and on another one beside a CD drive.
    bf_vm_add "$1" -blockdev "driver=raw,node-name=sata,file.driver=file,file.filename=$E2E_DIR/sata.raw" \
        -device ide-hd,bus=ide.0,drive=sata,serial=sata-1,wwn=0x5000c50000000002 \
        -device ahci,id=more \
        -blockdev "driver=raw,node-name=other,file.driver=file,file.filename=$E2E_DIR/other.raw" \
        -device ide-hd,bus=more.2,drive=other,serial=other-1 -device ide-cd,bus=more.0
    bf_vm_nic "$1" virtio-net-pci
}
size() { stat -c %s "$E2E_DIR/$1.raw"; }
disk_line() { bf_vm_serial "$1" | grep -a "^BOOTFERRY event=disk .*bytes=$(size "$2") "; } # MACHINE DISK
number() { bf_cli points web-1 --json | jq ".points[0].disks[] | select(.bytes == $(size "$1")) | .disk"; }
# crc FILE OFFSET LENGTH, as the program prints it.
crc() { python3 -c 'import sys,zlib; f=open(sys.argv[1],"rb"); f.seek(int(sys.argv[2])); print("%08x"%zlib.crc32(f.read(int(sys.argv[3]))))' "$@"; }

machine vm
bf_vm_add vm -smp 4
bf_vm_add vm -blockdev "driver=raw,node-name=medium,file.driver=file,file.filename=$E2E_DIR/medium.img" \
    -device ide-hd,bus=ide.1,drive=medium,bootindex=0
bf_vm_start vm
bf_vm_wait_line vm '^BOOTFERRY verdict=(ok|fail)' 300 >/dev/null
E2E_VERDICT=$(bf_vm_serial vm | grep -a '^BOOTFERRY verdict=')
check "the verdict" matches '^BOOTFERRY verdict=ok ' "$E2E_VERDICT"
check "three processors help" matches ' processors=4 .*workers=3( |$)' "$(bf_vm_serial vm | grep -a '^BOOTFERRY event=machine ')"
check "and have used their stacks" matches ' stack=[1-9][0-9]{3,4}( |$)' "$(bf_vm_serial vm | grep -a '^BOOTFERRY event=memory ')"
check "a modern device has a native driver" matches 'driver=virtio-blk serial=modern-1 ' "$(disk_line vm modern)"
check "so has NVMe" matches 'driver=nvme serial=nvme-1 ' "$(disk_line vm nvme)"
check "and each of its namespaces" matches 'block=4096 .*driver=nvme serial=nvme-1 ' "$(disk_line vm second)"
check "so has virtio-scsi" matches 'driver=virtio-scsi serial=scsi-1 wwn=naa.5000c50000000001 ' "$(disk_line vm scsi)"
check "and each of its logical units" matches 'block=4096 .*driver=virtio-scsi serial=lun-1 ' "$(disk_line vm lun)"
check "and the NIC" e2e_nic_driver vm virtio-net
check "so has AHCI, with the boot medium on it" matches 'driver=ahci serial=sata-1 wwn=naa.5000c50000000002 ' "$(disk_line vm sata)"
check "and another one" matches 'driver=ahci serial=other-1 ' "$(disk_line vm other)"
check "a legacy one stays with the firmware" matches 'driver=firmware ' "$(disk_line vm legacy)"
check "and the log says why" bf_vm_wait_line vm '^BOOTFERRY event=log .*driver virtio-blk does not start \(unsupported\)' 1
for disk in "${disks[@]}"; do
    check "$disk: the point is the disk" e2e_same web-1@1 "$(number "$disk")" "$E2E_DIR/$disk.raw"
done
bf_vm_wait_line vm '^nics ' 120 >/dev/null
check "the disks are given back to the firmware" equal 10 "$(bf_vm_serial vm | sed -nE 's/^disks ([0-9]+).*/\1/p')"
for disk in "${disks[@]}"; do
    n=$(bf_vm_serial vm | sed -nE "s/^disk ([0-9]+) bytes=$(size "$disk") .*/\1/p")
    check "$disk: the firmware reads it again" matches \
        "^read $n ok crc=$(crc "$E2E_DIR/$disk.raw" 12345 100000) last=ok crc=$(crc "$E2E_DIR/$disk.raw" $(($(size "$disk") - 777)) 777)" \
        "$(bf_vm_serial vm | grep -a "^read $n ")"
done
check "and the NIC is its again" equal 1 "$(bf_vm_serial vm | sed -nE 's/^nics ([0-9]+).*/\1/p')"
bf_vm_kill vm

e2e_media web-1 iso "$E2E_DIR/again.iso" driver=firmware
machine again
bf_vm_cd again "$E2E_DIR/again.iso" bootindex=0
e2e_boot again 300
check "driver=firmware: the verdict" e2e_verdict_is_ok
check "driver=firmware: all eight" equal 8 "$(bf_vm_serial again | grep -a '^BOOTFERRY event=disk .*planned=1 ' | grep -c ' driver=firmware ')"
check "driver=firmware: the NIC" e2e_nic_driver again snp
check "driver=firmware: a second point" equal 2 "$(e2e_points web-1)"
check "driver=firmware: of the same disks, so nothing is sent" at_most 4000000 "$(e2e_field sent "$E2E_PROGRESS")"
for disk in "${disks[@]}"; do
    check "$disk: the second point is the disk" e2e_same web-1@2 "$(number "$disk")" "$E2E_DIR/$disk.raw"
done
e2e_end
