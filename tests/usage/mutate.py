#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flips bits in the metadata of a file system: the map may shrink, and never grows.

mutate.py KIND IMAGE USAGE_MAP ROUNDS [SEED]   KIND: xfs, ntfs
Each round changes a few bits of IMAGE, asks USAGE_MAP, and puts them back. What is called unused must
have been free in the undamaged image, as its own tools say.
"""
import random
import struct
import subprocess
import sys

import compare
import ntfs_patch


def tree_of_xfs(disk, start, size, block, header):
    """Blocks of a tree of free space, from one of them down."""
    at = start + block * size
    level, count = struct.unpack(">HH", disk[at + 4:at + 8])
    blocks = [(at, header + count * 8)]
    most = (size - header) // 12
    for i in range(count if level else 0):
        pointer = at + header + most * 8 + i * 4
        child, = struct.unpack(">I", disk[pointer:pointer + 4])
        blocks += tree_of_xfs(disk, start, size, child, header)
    return blocks


def metadata_of_xfs(disk):
    size, = struct.unpack(">I", disk[4:8])
    group_blocks, groups, _, log_blocks, version, sector = struct.unpack(">IIIIHH", disk[84:104])
    header = 56 if version & 15 == 5 else 16
    log, = struct.unpack(">Q", disk[48:56])
    log = (log >> disk[124]) * group_blocks + (log & (1 << disk[124]) - 1)
    parts = [(0, 264), (log * size, 1024)] * 4
    for group in range(groups):
        start = group * group_blocks * size
        parts += [(start + sector, 220)] * 2
        by_block, by_size = struct.unpack(">II", disk[start + sector + 16:start + sector + 24])
        parts += tree_of_xfs(disk, start, size, by_block, header)
        parts += tree_of_xfs(disk, start, size, by_size, header)
    return parts


def metadata_of_ntfs(image):
    with open(image, "rb") as file:
        v = ntfs_patch.Volume(file)
        parts = [(0, 96), (v.mirror, 4 * v.record_bytes)]
        for number in (6, 6, 0, 2):
            r = v.record(number)
            first, count = ntfs_patch.runs(r, ntfs_patch.attribute(r, 0x80))[0]
            parts.append((first * v.cluster, min(count * v.cluster, 1 << 17)))
            parts.append((v.mft + number * v.record_bytes, v.record_bytes))
        return parts


def main(kind, image, usage_map, rounds, seed="1"):
    print("seed", seed)
    dice = random.Random(int(seed))
    theirs = {"xfs": compare.free_of_xfs, "ntfs": compare.free_of_ntfs}[kind](image)
    with open(image, "rb") as file:
        disk = file.read()
    parts = {"xfs": metadata_of_xfs, "ntfs": lambda _: metadata_of_ntfs(image)}[kind](disk)
    sizes = set()
    with open(image, "r+b", buffering=0) as file:
        for number in range(int(rounds)):
            first, length = dice.choice(parts)
            # Half of the time near its beginning, where headers and the first records are.
            length = min(length, 128) if dice.random() < 0.5 else length
            places = [first + dice.randrange(length) for _ in range(dice.choice((1, 1, 1, 2, 4)))]
            for at in places:
                file.seek(at)
                file.write(bytes([disk[at] ^ 1 << dice.randrange(8)]))
            text = subprocess.run([usage_map, image], check=True, capture_output=True, text=True).stdout
            ours = [tuple(map(int, line.split())) for line in text.splitlines()]
            for at in places:
                file.seek(at)
                file.write(disk[at:at + 1])
            sizes.add(sum(b - a for a, b in ours))
            if compare.within(ours, theirs):
                print(f"round {number}: {places} make used space unused")
                return False
    print(f"{rounds} rounds, {len(sizes)} different maps")
    return len(sizes) > 2


sys.exit(0 if main(*sys.argv[1:]) else 1)
