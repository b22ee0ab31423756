#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The boot program leaves out what ext4, FAT, XFS and NTFS call unused and says so; all are whole file systems in the point.
. "$(dirname "$0")/lib.sh"
e2e_begin unused

disk=$E2E_DIR/data.raw
yes 'this was deleted long ago' | head -c 232M >"$disk" || true
sgdisk -Z "$disk" >/dev/null 2>&1 || true
sgdisk --new=1:8M:+48M --typecode=1:ef00 --new=2:64M:+48M --new=3:120M:+64M --new=4:192M:+32M "$disk" >/dev/null
mkdir "$E2E_DIR/tree"
for i in {1..20}; do e2e_random "$i" $((i * 9999)) >"$E2E_DIR/tree/file-$i"; done
mkfs.fat -F 32 -s 1 --offset $((8 << 11)) "$disk" $((48 << 10)) >/dev/null
mcopy -s -i "$disk@@8M" "$E2E_DIR/tree" ::
mke2fs -q -F -t ext4 -d "$E2E_DIR/tree" -E "nodiscard,offset=$((64 << 20))" "$disk" 48M
yes 'this was deleted long ago' | head -c 64M >"$E2E_DIR/xfs" || true
yes 'this was deleted long ago' | head -c 32M >"$E2E_DIR/ntfs" || true
{ printf '/nothing\n1 1\nd--755 0 0\n'; for i in {1..20}; do echo "file-$i ---644 0 0 $E2E_DIR/tree/file-$i"; done; echo '$'; } >"$E2E_DIR/proto"
mkfs.xfs -q -f -K --unsupported -p "$E2E_DIR/proto" "$E2E_DIR/xfs" >>"$E2E_LOGS/mkfs.log" 2>&1
mkntfs -F -Q -q "$E2E_DIR/ntfs" >>"$E2E_LOGS/mkfs.log" 2>&1
for i in {1..20}; do ntfscp -f -q "$E2E_DIR/ntfs" "$E2E_DIR/tree/file-$i" "file-$i" >>"$E2E_LOGS/mkfs.log" 2>&1; done
dd if="$E2E_DIR/xfs" of="$disk" bs=1M seek=120 conv=notrunc status=none
dd if="$E2E_DIR/ntfs" of="$disk" bs=1M seek=192 conv=notrunc status=none
e2e_server
bf_cli machine add web-1 >>"$E2E_LOGS/cli.log"
e2e_media web-1 iso "$E2E_DIR/vm.iso"
e2e_cd_machine vm "$disk"
e2e_boot vm 300
check "the verdict" e2e_verdict_is_ok
left_out=$(bf_vm_serial vm | sed -n 's/.*event=progress.* unused=\([0-9]*\).*/\1/p' | tail -n 1)
check "most of the partitions was left out" test "$left_out" -gt $((160 << 20))
check "the log says so of FAT" matches 'partition 1: FAT32, only what is used is copied' "$(bf_vm_serial vm | tr -d '\r')"
check "and of ext4" matches 'partition 2: ext2/3/4, only what is used is copied' "$(bf_vm_serial vm | tr -d '\r')"
check "and of XFS" matches 'partition 3: XFS, only what is used is copied' "$(bf_vm_serial vm | tr -d '\r')"
check "and of NTFS" matches 'partition 4: NTFS, only what is used is copied' "$(bf_vm_serial vm | tr -d '\r')"
check "the point is the disk in all that is used" e2e_same web-1 0 "$disk"
dd if="$E2E_DIR/export.raw" of="$E2E_DIR/esp" bs=1M skip=8 count=48 status=none
check "its FAT is clean" fsck.fat -n "$E2E_DIR/esp"
check "its ext4 is clean" e2fsck -fn "$E2E_DIR/export.raw?offset=$((64 << 20))"
dd if="$E2E_DIR/export.raw" of="$E2E_DIR/xfs" bs=1M skip=120 count=64 status=none
check "its XFS is clean" xfs_repair -n "$E2E_DIR/xfs"
dd if="$E2E_DIR/export.raw" of="$E2E_DIR/ntfs" bs=1M skip=192 count=32 status=none
check "its NTFS is clean" ntfsresize -f -P -i "$E2E_DIR/ntfs"
mkdir "$E2E_DIR/esp.files"
mcopy -s -i "$E2E_DIR/esp" ::tree "$E2E_DIR/esp.files"
check "its files are those of the source" diff -r "$E2E_DIR/tree" "$E2E_DIR/esp.files/tree"
e2e_end
