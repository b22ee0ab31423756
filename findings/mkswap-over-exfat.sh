#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mkswap on a partition that was exFAT leaves a partition that has no type for blkid and udev.
#
# Versions: util-linux 2.38.1-5+deb12u3, exfatprogs 1.2.0-1+deb12u1 (Debian 12).
# Believed: mkswap makes its device a swap area, which `blkid` names and `UUID=` in /etc/fstab finds.
# True: libblkid takes the boot sector of every fresh exFAT for an MBR without partitions, too
#   (PTTYPE="dos"). mkswap therefore spares the first sector: "don't erase bootbits sectors (dos
#   partition table detected)" is a warning only, and it ends with 0. The exFAT signature is in that
#   sector. From then on `blkid -p` ends with 8 (ambivalent), and udev sets ID_FS_AMBIVALENT instead of
#   ID_FS_TYPE and ID_FS_UUID: the swap area is not found by its UUID. `mkswap -f`, or `wipefs -a`
#   before it, helps. Whoever looks for owners of a disk must not take an MBR without entries for one.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }

dpkg-query -W -f '${Package} ${Version}\n' util-linux exfatprogs
install -m 600 /dev/null "$T/disk"
truncate -s 64M "$T/disk"

mkfs.exfat "$T/disk" >/dev/null
blkid -p -o export "$T/disk" | tee "$T/fresh"
grep -qx 'TYPE=exfat' "$T/fresh" || differs 'blkid does not know a fresh exFAT'
grep -qx 'PTTYPE=dos' "$T/fresh" || differs 'blkid sees no MBR in a fresh exFAT'
cmp -s <(tail -c +447 "$T/disk" | head -c 64) <(head -c 64 /dev/zero) || differs 'mkfs.exfat writes entries'

mkswap "$T/disk" 2>&1 | tee "$T/said"
grep -q "don't erase bootbits sectors" "$T/said" || differs 'mkswap does not spare the first sector'
status=0
blkid -p -o udev "$T/disk" | tee "$T/udev" || status=${PIPESTATUS[0]}
[ "$status" = 8 ] || differs "blkid ends with $status, not with 8"
grep -q '^ID_FS_AMBIVALENT=.*swap.*exfat' "$T/udev" || differs 'blkid tells the two apart'
! grep -qE '^ID_FS_(TYPE|UUID)=' "$T/udev" || differs 'blkid names a type'

mkswap -f "$T/disk" >/dev/null 2>&1
[ "$(blkid -p -o value -s TYPE "$T/disk")" = swap ] || differs 'mkswap -f does not help'
echo "as described: after mkswap over exFAT, blkid names neither"
