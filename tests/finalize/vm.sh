#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The small VM on a disk of a tree: its results are looked into with debugfs, e2fsck and mtools, and not with our own
# code. The chain is a raw base under a qcow2 overlay, in a folder that only its owner may enter.
# shellcheck source=tests/finalize/trees.sh
. "$(dirname "$0")/trees.sh"
# shellcheck source=tests/finalize/disk.sh
. tests/finalize/disk.sh
umask 022
chmod 700 "$work"

r=$work/root
debian "$r"
ifupdown "$r"
plan "$work/plan"
# A driver of some size, so that a run has something to write.
head -c 3M /dev/urandom >>"$r/lib/modules/6.1.0-1-amd64/kernel/drivers/block/virtio_blk.ko"
make_disk "$r" "$work/base.raw"
base_sum=$(sha256sum <"$work/base.raw")
overlay() { qemu-img create -q -f qcow2 -b "$work/base.raw" -F raw "$work/$1.qcow2"; }
overlay top
# vm OVERLAY OPTION...: one run over that overlay.
vm() {
    local top=$work/$1.qcow2
    shift
    "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs \
        --disk "qcow2:$top" --backing "raw:$work/base.raw" --report "$work/report" --deadline 300 "$@" \
        2>"$work/err" || { sed 's/^/# /' "$work/err"; return 1; }
}
flat() { qemu-img convert -O raw "$work/$1.qcow2" "$work/$1.raw"; }
sum() { sha256sum <"$work/$1.qcow2"; }

# ---- What leaves no trace ----------------------------------------------------------------------
before=$(sum top)
check "inspect" vm top --inspect
check "inspect: sees the disk's file systems" test "$(jq -r '[.system.devices[] | select(.type != "") | .type] | join(" ")' "$work/report")" = "vfat ext4 swap"
check "inspect: sees the system" test "$(jq -r '.system.os.id + .system.os.version' "$work/report")" = debian12
check "dry run" vm top --plan "$work/plan" --dry-run
check "dry run: shows the edits" test "$(jq '.changes | length' "$work/report")" = 16
check "neither writes a byte to the overlay" test "$(sum top)" = "$before"

# ---- Apply -------------------------------------------------------------------------------------
check "apply" vm top --plan "$work/plan"
flat top
d=$work/top.raw
check "the root file system is clean" e2fsck -fn "$d?offset=$root_at"
check "address, by debugfs" grep -qx '    address 203.0.113.5/24' <(root_cat "$d" /etc/network/interfaces)
check "fstab with the UUIDs that were probed" grep -qP "^UUID=$root_uuid\t/\t" <(root_cat "$d" /etc/fstab)
check "fstab: swap" grep -qP "^UUID=$swap_uuid\tnone" <(root_cat "$d" /etc/fstab)
check "fstab: the ESP" grep -q '^UUID=1234-ABCD  /boot/efi' <(root_cat "$d" /etc/fstab)
check "grub.cfg" grep -q "root=UUID=$root_uuid .*console=ttyS0" <(root_cat "$d" /boot/grub/grub.cfg)
check "host name" grep -qx newhost <(root_cat "$d" /etc/hostname)
check "the fallback loader is on the ESP, by mtools" test "$(esp_cat "$d" /EFI/BOOT/BOOTX64.EFI)" = shim
check "owner and mode, by debugfs" grep -q 'Mode: *0640.*' <(debugfs -R 'stat /etc/hosts' "$d?offset=$root_at" 2>/dev/null)
check "the driver is in the initramfs" grep -q virtio_blk.ko <(root_cat "$d" /boot/initrd.img-6.1.0-1-amd64 | tr '\0' '\n' | strings)
check "the base is untouched" test "$(sha256sum <"$work/base.raw")" = "$base_sum"
check "the report names every step" test "$(jq -r '[.steps[].name] | join(" ")' "$work/report")" = "start probe assemble mount finalize unmount report"

# ---- Second run, undo --------------------------------------------------------------------------
check "second run" vm top --plan "$work/plan"
check "second run: no change" test "$(jq '.changes | length' "$work/report")" = 0
check "undo" vm top --undo
flat top
check "undo: fstab" cmp -s "$r/etc/fstab" <(root_cat "$d" /etc/fstab)
check "undo: initramfs, byte for byte" cmp -s "$r/boot/initrd.img-6.1.0-1-amd64" <(root_cat "$d" /boot/initrd.img-6.1.0-1-amd64)
refute "undo: its data is gone" root_has "$d" /var/lib/bootferry
refute "undo: the fallback loader is gone" esp_cat "$d" /EFI/BOOT/BOOTX64.EFI

# ---- The limit of an overlay --------------------------------------------------------------------
overlay narrow
refute "an overlay that would grow beyond its limit" vm narrow --plan "$work/plan" --overlay 1
check "is named with its limit" says 'the overlay of disk 0 reached its limit of 1 MiB'
check "and no larger" test "$(stat -c %s "$work/narrow.qcow2")" -le $((2 << 20))

# ---- Hibernated in a swap partition ------------------------------------------------------------
overlay asleep
printf 'SWAPSPACE2S1SUSPEND\0' >"$work/signature"
qemu-io -f qcow2 -c "write -q -s $work/signature $((swap_at + 4076)) 20" "$work/asleep.qcow2" >/dev/null
before=$(sum asleep)
refute "hibernated: refused" vm asleep --plan "$work/plan"
check "hibernated: said" says 'was hibernated'
flat asleep
check "hibernated: the root file system was not written to" cmp -s -n $((64 * 1048576)) -i "$root_at" "$work/asleep.raw" "$work/base.raw"
sed 's/"hostname"/"hibernation": "discard", "hostname"/' "$work/plan" >"$work/discard"
check "hibernated: discarded as planned" vm asleep --plan "$work/discard"
flat asleep
check "hibernated: the swap is a swap again" test "$(tail -c +$((swap_at + 4087)) "$work/asleep.raw" | head -c 10)" = SWAPSPACE2

# ---- What is wrong with a run is said ----------------------------------------------------------
refute "a qcow2 file named raw is not opened as qcow2" "$FINALIZE" run --kernel build/finalize-vm/vmlinuz --initramfs build/finalize-vm/initramfs \
    --disk "raw:$work/top.qcow2" --inspect --report "$work/report"
check "and no system is found in it" says 'no Linux root file system was found'
refute "a deadline that passes ends the run" vm top --inspect --deadline 1
check "and is said" says "it did not finish within 1 s (--deadline)"

finalize/vm/initramfs.sh build/finalize-vm/tree build/bootferry-finalize "$work/again" >&2
check "the VM's initramfs is made of equal bytes each time" cmp -s build/finalize-vm/initramfs "$work/again"
finish
