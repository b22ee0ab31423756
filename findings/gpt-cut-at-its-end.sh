#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A GPT disk that lost nothing but unused space at its end has no partitions any more, for all but sgdisk.
#
# Versions: util-linux 2.38.1-5+deb12u3, gdisk 1.0.9-2.1, parted 3.5-3+deb12u1 (Debian 12).
# Believed: with the first header and its entries whole, and every partition within the disk, the
#   partitions are there; the copy at the end serves recovery only. sgdisk shows it so.
# True: the first header says which block is the last usable one. If that lies behind the end of the
#   disk, libblkid (partx, blkid), libfdisk (sfdisk) and libparted reject the first header although its
#   checksum is right, as block/partitions/efi.c of Linux does (is_gpt_valid: "last_usable_lba
#   incorrect"). What is left is the protective MBR: no partition at all. `sgdisk -e`, which writes the
#   header for the size that the disk has now, brings them back. So an image may be cut at its end only
#   after that, and what reads GPT must not find partitions that Linux does not.
#
# This script succeeds as long as that is so. It needs neither root nor Bootferry.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
differs() { echo "it is different now: $*"; exit 1; }
partitions() { partx --noheadings --output NR,START,END "$T/disk" 2>/dev/null || true; }

dpkg-query -W -f '${Package} ${Version}\n' util-linux gdisk parted
truncate -s 64M "$T/disk"
sgdisk -o -n 1:2048:18431 "$T/disk" >/dev/null
[ -n "$(partitions)" ] || differs 'a fresh GPT has no partition'

truncate -s 63M "$T/disk" # the partition ends at 9 MiB
echo "partx: $(partitions)"
[ -z "$(partitions)" ] || differs 'partx still sees the partition'
blkid -p -o export "$T/disk" | tee "$T/blkid"
grep -qx 'PTTYPE=PMBR' "$T/blkid" || differs 'blkid sees more than a protective MBR'
sfdisk -d "$T/disk" 2>/dev/null | tee "$T/sfdisk"
grep -qx 'label: dos' "$T/sfdisk" || differs 'sfdisk sees the GPT'
parted -s "$T/disk" print 2>&1 | tee "$T/parted" || true
grep -q '^Partition Table: unknown' "$T/parted" || differs 'parted sees the GPT'
sgdisk -p "$T/disk" 2>/dev/null | tee "$T/sgdisk"
grep -qE '^ +1 +2048 +18431 ' "$T/sgdisk" || differs 'sgdisk does not see the partition'

sgdisk -e "$T/disk" >/dev/null 2>&1
[ -n "$(partitions)" ] || differs 'sgdisk -e does not bring it back'
echo "as described: cut by 1 MiB of unused space, the GPT is one for sgdisk only"
