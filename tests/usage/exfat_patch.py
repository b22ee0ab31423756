#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes the boot record of an exFAT and makes both boot regions whole again.

exfat_patch.py IMAGE AT HEX   writes these bytes there in both records, with their checksums
"""
import struct
import sys


def checksum(region, sector):
    total = 0
    for at, byte in enumerate(region[:11 * sector]):
        if at not in (106, 107, 112):
            total = ((total << 31 | total >> 1) & 0xffffffff) + byte & 0xffffffff
    return total


def main(image, at, text):
    with open(image, "r+b") as file:
        sector = 1 << file.read(512)[108]
        for base in (0, 12 * sector):
            file.seek(base + int(at))
            file.write(bytes.fromhex(text))
            file.seek(base)
            total = checksum(file.read(11 * sector), sector)
            file.seek(base + 11 * sector)
            file.write(struct.pack("<I", total) * (sector // 4))


main(*sys.argv[1:])
