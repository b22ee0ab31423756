#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What btrfs-progs says is free on one device of a Btrfs file system, as lines "FIRST END".

btrfs_free.py DEVID IMAGE...      all devices of the file system
btrfs_free.py -c DEVID IMAGE...   only what belongs to no chunk

Each extent of the extent tree is laid through its chunk onto the devices, the other way round from
how the maps do it.
"""
import bisect
import re
import subprocess
import sys

STRIPE = 65536
MIB = 1 << 20


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def dump(images, tree):
    return run("btrfs", "inspect-internal", "dump-tree", "--noscan", "-t", tree, *images)


class Chunk:
    def __init__(self, start, length, kind, stripes, sub):
        self.start, self.length, self.stripes = start, length, stripes
        names = kind.upper().split("|")
        self.profile = next((n for n in names if n.startswith(("RAID", "DUP", "SINGLE"))), "SINGLE")
        count = len(stripes)
        if self.profile == "RAID0":
            self.columns, self.copies = count, 1
        elif self.profile == "RAID10":
            assert sub == 2
            self.columns, self.copies = count // 2, 2
        elif self.profile in ("RAID5", "RAID6"):
            self.columns, self.copies = count - int(self.profile == "RAID5") - 2 * int(self.profile == "RAID6"), 1
        else:
            self.columns, self.copies = 1, count

    def places(self, at, length):
        """(device, physical, length) of a range of the chunk, `at` from its beginning."""
        if self.profile in ("RAID5", "RAID6"):
            row = self.columns * STRIPE
            first, last = at // row, (at + length - 1) // row
            for device, physical in self.stripes:
                yield device, physical + first * STRIPE, (last - first + 1) * STRIPE
        elif self.profile in ("RAID0", "RAID10"):
            while length > 0:
                number, within = divmod(at, STRIPE)
                part = min(length, STRIPE - within)
                row, column = divmod(number, self.columns)
                for copy in range(self.copies):
                    device, physical = self.stripes[column * self.copies + copy]
                    yield device, physical + row * STRIPE + within, part
                at, length = at + part, length - part
        else:
            for device, physical in self.stripes:
                yield device, physical + at, length


def chunks_of(text):
    found = []
    for key, rest in re.findall(r"key \(FIRST_CHUNK_TREE CHUNK_ITEM (\d+)\) itemoff(.*?)(?=\n\titem |\Z)", text, re.S):
        length = int(re.search(r"length (\d+)", rest).group(1))
        kind = re.search(r"type (\S+)", rest).group(1)
        sub = int(re.search(r"sub_stripes (\d+)", rest).group(1))
        stripes = [(int(d), int(o)) for d, o in re.findall(r"stripe \d+ devid (\d+) offset (\d+)", rest)]
        found.append(Chunk(int(key), length, kind, stripes, sub))
    return sorted(found, key=lambda c: c.start)


def main():
    outside = sys.argv[1] == "-c"
    device, images = int(sys.argv[1 + outside]), sys.argv[2 + outside :]
    tree = dump(images, "chunk")
    size = int(re.search(rf"key \(DEV_ITEMS DEV_ITEM {device}\).*?total_bytes (\d+)", tree, re.S).group(1))
    node = int(re.search(r"^nodesize\s+(\d+)", run("btrfs", "inspect-internal", "dump-super", images[0]), re.M).group(1))
    chunks = chunks_of(tree)
    starts = [c.start for c in chunks]
    used = [(0, MIB)] + [(at, at + STRIPE) for at in (64 * MIB, 256 << 30)]
    if outside:
        used += [(p, p + n) for c in chunks for d, p, n in c.places(0, c.length) if d == device]
    for start, kind, offset in re.findall(r"key \((\d+) (EXTENT_ITEM|METADATA_ITEM) (\d+)\) itemoff", dump(images, "extent")):
        start, length = int(start), int(offset) if kind == "EXTENT_ITEM" else node
        chunk = chunks[bisect.bisect_right(starts, start) - 1]
        assert start - chunk.start + length <= chunk.length
        for where, physical, part in chunk.places(start - chunk.start, length):
            if where == device:
                used.append((physical, physical + part))
    at = 0
    for first, end in sorted(used) + [(size, size)]:
        if at < min(first, size):
            print(at, min(first, size))
        at = max(at, end)


main()
