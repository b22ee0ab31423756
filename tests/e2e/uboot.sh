#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On U-Boot, whose device paths are numbers in the order in which it found the disks: two disks of one size without a
# partition table are copied; when they have changed places the next run is refused, not mixed up. It has no Serial I/O:
# its console is the serial port, and of the lines for scripts the verdict appears there.
. "$(dirname "$0")/lib.sh"
e2e_begin uboot
rom=${BF_UBOOT:-/usr/lib/u-boot/qemu-x86_64/u-boot.rom}
[ -e "$rom" ] || e2e_skip "u-boot-qemu is not installed"

for i in 1 2; do e2e_random $((60 + i)) 8388608 >"$E2E_DIR/disk$i.raw"; done
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 fat "$E2E_DIR/medium.raw"

# boot NAME DISK...: in this order, after the medium.
boot() {
    local name=$1 disk
    shift
    bf_vm "$name" "$E2E_LOGS/$name" pc
    bf_vm_add "$name" -m 512 -bios "$rom" -device isa-debug-exit,iobase=0xf4,iosize=4
    for disk in "$E2E_DIR/medium.raw" "$@"; do bf_vm_disk "$name" virtio-blk "$disk" raw; done
    bf_vm_nic "$name" e1000
    bf_vm_start "$name"
    bf_vm_wait_exit "$name" 300
}
# verdict NAME REGEX: the one verdict, at the beginning of a line.
verdict() { matches "$2" "$(bf_vm_serial "$1" | grep -a '^BOOTFERRY verdict=')"; }
status() { bf_cli status web-1 | grep -F "$1" || { bf_cli status web-1; return 1; }; }

boot first "$E2E_DIR/disk1.raw" "$E2E_DIR/disk2.raw"
check "it runs" equal 3 "$BF_VM_STATUS"
check "its console has the verdict" verdict first '^BOOTFERRY verdict=ok code=ok side=none .* point=1 root=[0-9a-f]{64}'
check "paths are U-Boot's" matches 'VenHw\(e61d73b9-.*,01\)' "$(bf_cli points web-1 --json | jq -r '.points[0].disks[0].path')"
check "one disk" e2e_same web-1@1 0 "$E2E_DIR/disk1.raw"
check "and the other" e2e_same web-1@1 1 "$E2E_DIR/disk2.raw"

boot swapped "$E2E_DIR/disk2.raw" "$E2E_DIR/disk1.raw"
check "in other places they are refused" equal 5 "$BF_VM_STATUS"
check "the verdict says so" verdict swapped '^BOOTFERRY verdict=fail code=mismatch side=[a-z]+ .*what=".*the paths name no place.*todo="'
check "since the paths say nothing" status 'the paths name no place'
check "there is one point" equal 1 "$(e2e_points web-1)"
e2e_end
