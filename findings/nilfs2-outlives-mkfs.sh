#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk that was NILFS2 once has no type for blkid after mkfs.fat, mkfs.exfat, mkntfs or mkfs.f2fs.
#
# Versions: util-linux 2.38.1-5+deb12u3, nilfs-tools 2.2.9-1, dosfstools 4.2-1, exfatprogs
#   1.2.0-1+deb12u1, ntfs-3g 1:2022.10.3-1+deb12u4, f2fs-tools 1.15.0-1, e2fsprogs 1.47.0-2+b2,
#   xfsprogs 6.1.0-1 (Debian 12).
# Believed: a file system that was made anew is the one that blkid and udev find.
# True: NILFS2 keeps a second superblock in the last 4 KiB of its device, and libblkid takes it for a
#   NILFS2 even when the first is gone. None of these four looks at the end of the device; mke2fs,
#   mkfs.xfs and mkfs.btrfs erase it. After the four, `blkid -p` ends with 8 and udev has no
#   ID_FS_TYPE, so that nothing of it is mounted by UUID or label, though the new file system is whole.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }

dpkg-query -W -f '${Package} ${Version}\n' util-linux nilfs-tools dosfstools exfatprogs ntfs-3g f2fs-tools e2fsprogs xfsprogs
# over STATUS COMMAND...: what blkid ends with for what COMMAND made over a NILFS2
over() {
    local wanted=$1 status=0
    shift
    rm -f "$T/disk"
    truncate -s 320M "$T/disk"
    mkfs.nilfs2 -q -f "$T/disk"
    [ "$(blkid -p -o value -s TYPE "$T/disk")" = nilfs2 ] || differs 'blkid does not know a fresh NILFS2'
    "$@" "$T/disk" >/dev/null 2>&1
    blkid -p -o export "$T/disk" >"$T/found" 2>/dev/null || status=$?
    echo "$*: blkid ends with $status: $(wipefs -n --noheadings -O TYPE "$T/disk" | sort -u | paste -sd' ')"
    [ "$status" = "$wanted" ] || differs "blkid ends with $status, not with $wanted, after $*"
}
over 8 mkfs.fat -F 32
over 8 mkfs.exfat
over 8 mkntfs -F -Q -q
over 8 mkfs.f2fs -f -q -t 0 # by default it discards the device, where that has an effect
over 0 mke2fs -q -F -t ext4
over 0 mkfs.xfs -q -f
echo "as described: blkid still finds the NILFS2 beside four newer file systems, and names none"
