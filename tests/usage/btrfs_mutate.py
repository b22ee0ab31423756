#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flips bits in the superblock and in the tree blocks of a Btrfs file system, one at a time.

btrfs_mutate.py USAGE_MAP FREE COUNT IMAGE...   FREE is what is free on the first image, by btrfs_free.py.
Whatever is flipped, the map of the first image must lie within FREE.
"""
import random
import re
import subprocess
import sys


def read_free(path):
    with open(path) as lines:
        return [tuple(map(int, line.split())) for line in lines]


def is_within(text, free):
    i = 0
    for line in text.splitlines():
        first, end = map(int, line.split())
        while i < len(free) and free[i][1] < end:
            i += 1
        if i == len(free) or free[i][0] > first:
            return False
    return True


def metadata_blocks(images):
    """Where the trees that maps read lie, as logical addresses."""
    blocks = set()
    for tree in ("root", "chunk", "extent", "dev"):
        words = ["btrfs", "inspect-internal", "dump-tree", "--noscan", "-t", tree, *images]
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        blocks |= set(map(int, re.findall(r"^(?:leaf|node) (\d+) ", text, re.M)))
    return sorted(blocks)


def places(images, size):
    """(image, offset) of each copy of each of these blocks: found by their own address in the header."""
    wanted = set(metadata_blocks(images))
    found = [(0, 64 << 10, 4096)]
    for number, image in enumerate(images):
        with open(image, "rb") as file:
            at = 0
            while block := file.read(1 << 20):
                for k in range(0, len(block), 4096):
                    if int.from_bytes(block[k + 48 : k + 56], "little") in wanted:
                        found.append((number, at + k, size))
                at += len(block)
    return found


def main():
    tool, free, count, images = sys.argv[1], read_free(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    text = subprocess.run(["btrfs", "inspect-internal", "dump-super", images[0]], check=True, capture_output=True, text=True)
    where = places(images, int(re.search(r"^nodesize\s+(\d+)", text.stdout, re.M).group(1)))
    luck, fewer, wrong = random.Random(count), 0, 0
    whole = None
    for n in range(count + 1):
        number, at, size = luck.choice(where)
        at += luck.randrange(size if size > 4096 or n % 2 else 1024)
        with open(images[number], "r+b") as file:
            file.seek(at)
            old = file.read(1)
            if n:  # the first round changes nothing
                file.seek(at)
                file.write(bytes([old[0] ^ 1 << luck.randrange(8)]))
                file.flush()
            result = subprocess.run([tool, *images], capture_output=True, text=True)
            file.seek(at)
            file.write(old)
        if result.returncode or not is_within(result.stdout, free):
            print(f"wrong after a flip at {at} of {images[number]}")
            wrong += 1
        whole = result.stdout if whole is None else whole
        fewer += result.stdout != whole
    print(f"{len(where)} blocks, {count} flips, {fewer} changed the map, {wrong} made it wrong")
    return wrong == 0 and fewer > 0 and whole != ""


sys.exit(0 if main() else 1)
