# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests inside the firmware share.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=qemu/lib.sh
. qemu/lib.sh
at_exit bf_vm_kill_all

# efi_disk NAME FILE: a FAT image from which the firmware starts build/tests/NAME.efi.
efi_disk() {
    truncate -s 33M "$2"
    mformat -i "$2" -F ::
    mmd -i "$2" ::/EFI ::/EFI/BOOT
    mcopy -i "$2" "build/tests/$1.efi" ::/EFI/BOOT/BOOTX64.EFI
}


# efi_run NAME PROCESSORS: the whole test: runs build/tests/NAME.efi under OVMF and passes on what it prints. Its last
# line must be there: a program that died has not passed.
efi_run() {
    local name=$1 processors=$2
    efi_disk "$name" "$T/fat.img"
    bf_vm "$name" "$T/vm" q35
    bf_vm_firmware "$name"
    bf_vm_add "$name" -m 256 -smp "$processors"
    bf_vm_disk "$name" virtio-blk "$T/fat.img" raw bootindex=0
    bf_vm_start "$name"
    if ! bf_vm_wait_line "$name" "^$name done" 240 >/dev/null || ! bf_vm_wait_exit "$name" 60; then
        not_ok "efi $name: the program came to its end"
    fi
    efi_says "$name"
    finish
}

# efi_says NAME: the machine's judgements count among those of the script.
efi_says() {
    bf_vm_serial "$1" >"$T/serial"
    grep -aE '^(#|ok|not ok) ' "$T/serial" || true
    counts "$T/serial"
}
