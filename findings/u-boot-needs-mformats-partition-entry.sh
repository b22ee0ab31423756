#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# U-Boot starts EFI/BOOT/BOOTX64.EFI from a FAT disk without partitions when mformat made it, and not when mkfs.fat did.
#
# Versions: u-boot-qemu 2023.01+dfsg-2+deb12u3, mtools 4.0.33-1+really4.0.32-1, dosfstools 4.2-1, qemu-system-x86
#   1:7.2+dfsg-7+deb12u18 (Debian 12).
# Believed: both make the same kind of disk, a FAT file system from its first block on, and firmware finds it or does not.
# True: mformat writes an entry of a partition table into its boot sector, at byte 446, that covers the whole disk; mkfs.fat
#   leaves zeros there. U-Boot's boot scripts ask for partition 1 of each disk and take that entry for it. On the other
#   disk they say that there is no partition table, and go on to the network. Boot code that is written over the boot
#   sector as far as byte 509, which the FAT specification leaves to it, so makes a stick that U-Boot does not start.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry, nor KVM.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
T=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }

dpkg-query -W -f '${Package} ${Version}\n' u-boot-qemu mtools dosfstools qemu-system-x86
echo 'not a program: how far U-Boot comes is what matters' >"$T/program"
fill() {
    mmd -i "$1" ::/EFI ::/EFI/BOOT
    mcopy -i "$1" "$T/program" ::/EFI/BOOT/BOOTX64.EFI
}
mformat -i "$T/mformat" -C -T 32768 -h 64 -s 32 ::
truncate -s 16M "$T/mkfs.fat"
mkfs.fat -F 16 "$T/mkfs.fat" >/dev/null
fill "$T/mformat"
fill "$T/mkfs.fat"

# says DISK YES NO: U-Boot's console says YES, and not NO before.
says() {
    local end=$((SECONDS + 600))
    : >"$T/console"
    qemu-system-x86_64 -nodefaults -display none -no-reboot -machine pc -accel tcg -m 512 -serial "file:$T/console" \
        -bios /usr/lib/u-boot/qemu-x86_64/u-boot.rom -drive "if=none,id=d,format=raw,file=$T/$1" \
        -device virtio-blk-pci,drive=d </dev/null &
    pid=$!
    until grep -aqE "$2|$3" "$T/console"; do
        if ! kill -0 "$pid" || [ "$SECONDS" -ge "$end" ]; then differs "neither is said about the disk of $1"; fi
        sleep 0.5
    done
    kill "$pid"
    wait "$pid" || true
    pid=
    echo "$1: $(od -An -tx1 -j446 -N16 "$T/$1"): $(grep -aoEm 1 "$2|$3" "$T/console")"
    grep -aqE "$2" "$T/console" || differs "the disk of $1"
}
found='Found EFI removable media binary|Booting /efi' none='No partition table - virtio 0'
says mformat "$found" "$none"
says mkfs.fat "$none" "$found"
echo "as described: U-Boot starts from the disk of mformat only"
