#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# btrfs_age.sh TREE OPTIONS IMAGE...: ages a Btrfs file system through the kernel: subvolumes, snapshots that
# outlive their files, holes, unwritten and shared extents, deletions. Takes root, loop devices and a
# kernel with Btrfs; nothing stays mounted.
set -euo pipefail
tree=$1 options=$2
shift 2
m=$(mktemp -d)
loops=()
done_with() {
    umount "$m" 2>/dev/null || true
    for loop in "${loops[@]}"; do losetup -d "$loop"; done
    rmdir "$m"
}
trap done_with EXIT
for image; do
    loop=$(losetup -f --show "$image")
    loops+=("$loop")
    options+=,device=$loop
done
mount -t btrfs -o "nodiscard,commit=1,$options" "${loops[0]}" "$m"

random() { head -c "$1" /dev/urandom; }
btrfs -q subvolume create "$m/sub" >/dev/null
cp -r "$tree" "$m/sub/tree"
for ((i = 0; i < 30; i++)); do random $((i * 20000 + 5000)) >"$m/sub/large-$i"; done
sync -f "$m"
btrfs -q subvolume snapshot "$m/sub" "$m/dropped" >/dev/null
for ((i = 0; i < 30; i += 3)); do rm "$m/sub/large-$i"; done
for ((i = 1; i < 30; i += 3)); do
    random 20480 | dd of="$m/sub/large-$i" bs=4096 seek="$i" conv=notrunc status=none
done
sync -f "$m"
fallocate -l 3M "$m/sub/unwritten"
random 12288 | dd of="$m/sub/unwritten" bs=4096 seek=100 conv=notrunc status=none
truncate -s 40M "$m/sub/sparse"
random 12288 | dd of="$m/sub/sparse" bs=4096 seek=5000 conv=notrunc status=none
cp --reflink=always "$m/sub/large-20" "$m/sub/shared"
random 8192 | dd of="$m/sub/shared" bs=4096 seek=3 conv=notrunc status=none
yes 'to be compressed' | head -c 3000000 >"$m/sub/text" || true
btrfs -q subvolume snapshot -r "$m/sub" "$m/kept" >/dev/null
rm -r "$m/sub/tree/deep"
btrfs -q subvolume delete "$m/dropped" >/dev/null
btrfs subvolume sync "$m" >/dev/null
for ((i = 2; i < 30; i += 3)); do rm "$m/sub/large-$i"; done
