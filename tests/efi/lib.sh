# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests inside the firmware share. Source it from the top of the tree, after qemu/lib.sh.

# efi_run NAME PROCESSORS: runs build/tests/NAME.efi under OVMF and passes on what it prints. Its last line must be there.
efi_run() {
    local name=$1 processors=$2 tmp status=0
    tmp=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder as it is now
    trap "bf_vm_kill_all; rm -rf '$tmp'" EXIT

    truncate -s 33M "$tmp/fat.img"
    mformat -i "$tmp/fat.img" -F ::
    mmd -i "$tmp/fat.img" ::/EFI ::/EFI/BOOT
    mcopy -i "$tmp/fat.img" "build/tests/$name.efi" ::/EFI/BOOT/BOOTX64.EFI

    bf_vm "$name" "$tmp/vm" q35
    bf_vm_firmware "$name"
    bf_vm_add "$name" -m 256 -smp "$processors"
    bf_vm_disk "$name" virtio-blk "$tmp/fat.img" raw bootindex=0
    bf_vm_start "$name"
    bf_vm_wait_line "$name" "^$name done" 240 >/dev/null && bf_vm_wait_exit "$name" 60 || status=1
    bf_vm_serial "$name" | grep -aE '^(#|ok|not ok) ' || true
    if [ $status -ne 0 ]; then
        echo "not ok efi $name: the program came to its end"
    elif bf_vm_serial "$name" | grep -aq '^not ok'; then
        status=1
    fi
    return $status
}
