#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# media.sh cd|disk|fat|pxe-ovmf|pxe-ipxe: the boot program starts from each kind of medium, moves the machine's disk,
# and leaves the medium itself alone.
. "$(dirname "$0")/lib.sh"
kind=${1:?usage: media.sh cd|disk|fat|pxe-ovmf|pxe-ipxe}
e2e_begin "media-$kind"

e2e_disk "$E2E_DIR/data.raw" 64 1
cp "$E2E_DIR/data.raw" "$E2E_DIR/before.raw"
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_machine vm "$E2E_DIR/data.raw"
case $kind in
cd)
    e2e_media web-1 iso "$E2E_DIR/boot.iso"
    bf_vm_cd vm "$E2E_DIR/boot.iso" bootindex=0
    bf_vm_nic vm virtio-net-pci
    ;;
disk | fat)
    image=iso
    [ "$kind" = disk ] || image=fat
    e2e_media web-1 "$image" "$E2E_DIR/boot.img"
    bf_vm_disk vm virtio-blk "$E2E_DIR/boot.img" raw bootindex=0,serial=medium
    bf_vm_nic vm virtio-net-pci
    ;;
pxe-*)
    e2e_media web-1 pxe "$E2E_DIR/tftp"
    rom=romfile=
    [ "$kind" = pxe-ovmf ] || rom=romfile=/usr/lib/ipxe/qemu/efi-virtio.rom
    bf_vm_nic vm virtio-net-pci "tftp=$E2E_DIR/tftp,bootfile=bootferry.efi" "$rom,bootindex=0"
    ;;
esac
case $kind in
pxe-*) ;;
*) check "the medium is readable by its owner only" equal 600 "$(stat -c %a "$E2E_DIR"/boot.*)" ;;
esac
before=$(sha256sum "$E2E_DIR"/boot.* 2>/dev/null || true)

e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
check "the NIC was taken from the firmware" e2e_nic_driver vm virtio-net
check "one recovery point" equal 1 "$(e2e_points web-1)"
check "of one disk" equal 1 "$(bf_cli points web-1 --json | jq '.points[0].disks | length')"
check "the point is the disk" e2e_same web-1@1 0 "$E2E_DIR/before.raw"
check "the source was not written" cmp "$E2E_DIR/before.raw" "$E2E_DIR/data.raw"
check "the medium was not written" equal "$before" "$(sha256sum "$E2E_DIR"/boot.* 2>/dev/null || true)"
check "the server's copy verifies" bf_cli verify web-1
e2e_end
