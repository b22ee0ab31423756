#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lies in a Btrfs superblock, with its checksum (CRC-32C) made right again.

btrfs_patch.py IMAGE OFFSET HEX    writes these bytes at this offset of every copy of the superblock
"""
import sys

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def main():
    offset, new = int(sys.argv[2], 0), bytes.fromhex(sys.argv[3])
    with open(sys.argv[1], "r+b") as image:
        size = image.seek(0, 2)
        for at in (64 << 10, 64 << 20):
            if at + 4096 > size:
                break
            image.seek(at)
            block = bytearray(image.read(4096))
            block[offset : offset + len(new)] = new
            block[:4] = crc32c(block[32:]).to_bytes(4, "little")
            image.seek(at)
            image.write(block)


main()
