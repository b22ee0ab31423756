#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes the boot record of an exFAT and makes both boot regions whole again.

exfat_patch.py IMAGE AT HEX       writes these bytes there in both records, with their checksums
exfat_patch.py IMAGE owned PATH   prints the first cluster of each part of a path, and the last of the file
"""
import struct
import sys


def checksum(region, sector):
    total = 0
    for at, byte in enumerate(region[:11 * sector]):
        if at not in (106, 107, 112):
            total = ((total << 31 | total >> 1) & 0xffffffff) + byte & 0xffffffff
    return total


def entries(file, boot, cluster):
    """Name, first cluster, bytes and whether it is in one piece, of each file in a folder."""
    sector = 1 << boot[108]
    size = sector << boot[109]
    fat, _, heap = struct.unpack_from("<III", boot, 80)
    name = ""
    while cluster != 0xffffffff:
        file.seek(heap * sector + (cluster - 2) * size)
        data = file.read(size)
        for e in (data[i:i + 32] for i in range(0, size, 32)):
            if e[0] == 0xc0:
                length, first, size_of = e[3], *struct.unpack_from("<IQ", e, 20)
                one_piece, name = e[1] & 2, ""
            elif e[0] == 0xc1:
                name += e[2:].decode("utf-16-le")
                if len(name) >= length:
                    yield name[:length], first, size_of, one_piece
        file.seek(fat * sector + 4 * cluster)
        cluster, = struct.unpack("<I", file.read(4))


def owned(image, path):
    with open(image, "rb") as file:
        boot = file.read(512)
        sector = 1 << boot[108]
        cluster, = struct.unpack_from("<I", boot, 96)
        for part in path.split("/"):
            cluster, size, one_piece = next(e[1:] for e in entries(file, boot, cluster) if e[0] == part)
            print(cluster)
        for _ in range((size - 1) // (sector << boot[109])):
            if one_piece:
                cluster += 1
                continue
            file.seek(struct.unpack_from("<I", boot, 80)[0] * sector + 4 * cluster)
            cluster, = struct.unpack("<I", file.read(4))
        print(cluster)


def main(image, at, text):
    if at == "owned":
        owned(image, text)
        return
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
