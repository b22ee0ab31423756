#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Disks that the firmware does not list although their controller has a native driver: units and targets beyond those
# that OVMF looks at, on a controller of their own and beside one that it lists, and NVMe namespaces with metadata and
# protection information, two of which have one size. All of them are planned, copied and recognised by a later run; with
# driver=firmware the log says that they are not looked for.
. "$(dirname "$0")/lib.sh"
e2e_begin unlisted

disks=(listed lun target last plain beside behind guarded twin)
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
for i in "${!disks[@]}"; do
    e2e_disk "$E2E_DIR/${disks[i]}.raw" 16 $((50 + i))
    truncate -s +$((i * 65536)) "$E2E_DIR/${disks[i]}.raw"
done
truncate -s "$(stat -c %s "$E2E_DIR/beside.raw")" "$E2E_DIR/twin.raw"

scsi() { # MACHINE HBA TARGET LUN DISK
    bf_vm_add "$1" -blockdev "driver=raw,node-name=$5,file.driver=file,file.filename=$E2E_DIR/$5.raw" \
        -device "scsi-hd,bus=$2.0,scsi-id=$3,lun=$4,drive=$5,serial=$5-1"
}
namespace() { # MACHINE NUMBER DISK PROPERTIES
    bf_vm_add "$1" -blockdev "driver=raw,node-name=$3,file.driver=file,file.filename=$E2E_DIR/$3.raw" \
        -device "nvme-ns,bus=ctrl,nsid=$2,drive=$3${4:+,$4}"
}
machine() { # NAME
    e2e_machine "$1"
    bf_vm_add "$1" -device virtio-scsi-pci,id=near -device virtio-scsi-pci,id=far -device nvme,id=ctrl,serial=nvme-1
    scsi "$1" near 0 0 listed
    scsi "$1" near 0 9 lun
    scsi "$1" far 200 300 target
    scsi "$1" far 255 16383 last
    namespace "$1" 1 plain
    namespace "$1" 2 beside ms=8
    namespace "$1" 3 behind ms=16,mset=1,logical_block_size=4096,physical_block_size=4096
    namespace "$1" 4 guarded ms=8,mset=1,pi=1
    namespace "$1" 5 twin ms=8
    bf_vm_cd "$1" "$E2E_DIR/$2.iso" bootindex=0
    bf_vm_nic "$1" virtio-net-pci
}
# Bytes of a disk: QEMU puts the metadata of a namespace into the same file, behind its blocks.
size() {
    local bytes
    bytes=$(stat -c %s "$E2E_DIR/$1.raw")
    case $1 in
    beside | guarded | twin) echo $(((bytes / 520) << 9)) ;;
    behind) echo $(((bytes / 4112) << 12)) ;;
    *) echo "$bytes" ;;
    esac
}
unit() { # DISK: how its path ends
    case $1 in
    listed) echo 'Scsi\(0x0,0x0\)' ;;
    lun) echo 'Scsi\(0x0,0x9\)' ;;
    target) echo 'Scsi\(0xC8,0x12C\)' ;;
    last) echo 'Scsi\(0xFF,0x3FFF\)' ;;
    plain) echo 'NVMe\(0x1,[-0]+\)' ;;
    beside) echo 'NVMe\(0x2,[-0]+\)' ;;
    behind) echo 'NVMe\(0x3,[-0]+\)' ;;
    guarded) echo 'NVMe\(0x4,[-0]+\)' ;;
    twin) echo 'NVMe\(0x5,[-0]+\)' ;;
    esac
}
disk_lines() { bf_vm_serial "$1" | grep -a '^BOOTFERRY event=disk .*planned=1 '; }
number() { bf_cli points web-1 --json | jq ".points[-1].disks[] | select(.path | test(\"$(unit "$1" | sed 's/\\/\\\\/g')\$\")) | .disk"; }
is_copied() { # POINT DISK
    local bytes
    bytes=$(size "$2")
    rm -f "$E2E_DIR/out.raw"
    bf_cli export "$1" --disk "$(number "$2")" --format raw "$E2E_DIR/out.raw" >>"$E2E_LOGS/cli.log" &&
        [ "$(stat -c %s "$E2E_DIR/out.raw")" = "$bytes" ] && cmp -n "$bytes" "$E2E_DIR/out.raw" "$E2E_DIR/$2.raw"
}

e2e_media web-1 iso "$E2E_DIR/auto.iso"
machine vm auto
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "all are planned" equal ${#disks[@]} "$(disk_lines vm | wc -l)"
for disk in "${disks[@]}"; do
    check "$disk: it has the path that the firmware would give" matches "bytes=$(size "$disk") .*$(unit "$disk")\"?( |\$)" \
        "$(disk_lines vm | grep -aE "$(unit "$disk")")"
    check "$disk: the point is the disk" is_copied web-1@1 "$disk"
done

machine again auto
e2e_boot again 300
check "a later run: the verdict" e2e_verdict_is_ok
check "a later run knows them all, so nothing is sent" at_most 4000000 "$(e2e_field sent "$E2E_PROGRESS")"

e2e_media web-1 iso "$E2E_DIR/firmware.iso" driver=firmware
machine fw firmware
e2e_boot fw 300
check "driver=firmware: the log says what is not looked for" bf_vm_wait_line fw \
    '^BOOTFERRY event=log .*level=warning .*driver=firmware: [0-9]+ controllers? will not be asked' 1
e2e_end
