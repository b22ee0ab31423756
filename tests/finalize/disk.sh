# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Makes a disk of a tree without mounts or loop devices: GPT with an ESP, an ext4 root and a swap area.
# Sourced after trees.sh.

# shellcheck disable=SC2154 # trees.sh sets $work
root_uuid=11111111-2222-3333-4444-555555555555
swap_uuid=99999999-2222-3333-4444-555555555555
root_at=$((40 * 1048576)) swap_at=$((104 * 1048576))

# make_disk TREE FILE: the tree's boot/efi becomes the ESP's content.
make_disk() {
    local tree=$1 disk=$2
    truncate -s 128M "$disk"
    sgdisk -n 1:2048:+38M -t 1:ef00 -n "2:$((root_at / 512)):+64M" -t 2:8300 \
        -n "3:$((swap_at / 512)):+16M" -t 3:8200 "$disk" >/dev/null
    mformat -i "$disk@@1M" -N 1234abcd -T $((38 * 2048)) -h 64 -s 32 -F -v ESP ::
    mcopy -i "$disk@@1M" -s -Q "$tree"/boot/efi/* ::/
    mkdir "$work/rootfs"
    cp -a "$tree/." "$work/rootfs"
    rm -rf "$work/rootfs/boot/efi"
    mkdir "$work/rootfs/boot/efi"
    mke2fs -q -t ext4 -U "$root_uuid" -d "$work/rootfs" -E "offset=$root_at,root_owner=0:0" "$disk" 65536k
    rm -rf "$work/rootfs"
    truncate -s 16M "$work/swap"
    mkswap -q -U "$swap_uuid" "$work/swap" >/dev/null
    dd if="$work/swap" of="$disk" bs=1M seek=104 conv=notrunc status=none
    rm "$work/swap"
}

# The root file system of a raw disk, by debugfs, and its ESP, by mtools: not our own code.
root_cat() { debugfs -R "cat $2" "$1?offset=$root_at" 2>/dev/null; }
root_has() { [ -n "$(debugfs -R "stat $2" "$1?offset=$root_at" 2>/dev/null)" ]; }
esp_cat() { mtype -i "$1@@1M" "::$2"; }
