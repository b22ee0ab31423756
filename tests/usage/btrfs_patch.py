#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lies in Btrfs's superblocks and trees, with the checksums (CRC-32C) made right again.

btrfs_patch.py super OFFSET HEX IMAGE            at this offset of every copy of the superblock
btrfs_patch.py TREE KEY OFFSET HEX IMAGE...      at this offset of the item with this key, as dump-tree prints
                                                 keys; an OFFSET of key replaces the key itself. In every
                                                 copy of the leaf on the images, all devices
btrfs_patch.py damage TREE NUMBER IMAGE...       one byte of the tree's root, on the image with this number,
                                                 counted from 0, only; this time the checksum is wrong then
"""
import re
import subprocess
import sys

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)
HEADER, ITEM = 101, 25


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def write(image, at, size, offset, new):
    image.seek(at)
    block = bytearray(image.read(size))
    block[offset : offset + len(new)] = new
    block[:4] = crc32c(block[32:]).to_bytes(4, "little")
    image.seek(at)
    image.write(block)


def patch_supers(path, offset, new):
    with open(path, "r+b") as image:
        size = image.seek(0, 2)
        for at in (64 << 10, 64 << 20):
            if at + 4096 <= size:
                write(image, at, 4096, offset, new)


def copies(image, logical, size):
    """Where the block with this address lies: its header says so. Old copies of it come in pairs, too."""
    image.seek(0)
    at, want = 0, logical.to_bytes(8, "little")
    while block := image.read(1 << 20):
        for k in range(0, len(block), 4096):
            if block[k + 48 : k + 56] == want and at + k not in (64 << 10, 64 << 20):
                yield at + k
        at += len(block)


def dump(tree, images):
    """The tree as text, and the size of its blocks."""
    tools = ["btrfs", "inspect-internal"]
    text = subprocess.run([*tools, "dump-tree", "--noscan", "-t", tree, *images], check=True, capture_output=True, text=True)
    supers = subprocess.run([*tools, "dump-super", images[0]], check=True, capture_output=True, text=True)
    return text.stdout, int(re.search(r"^nodesize\s+(\d+)", supers.stdout, re.M).group(1))


def patch_item(tree, key, offset, new, images):
    text, size = dump(tree, images)
    before, item, after = text.partition(f"key ({key}) itemoff ")
    assert item, f"no {key} in the {tree} tree"
    leaf = int(re.findall(r"^leaf (\d+) ", before, re.M)[-1])
    slot = int(re.findall(r"item (\d+) $", before)[0])
    data = int(re.match(r"\d+", after).group())
    at = HEADER + slot * ITEM if offset == "key" else HEADER + data + int(offset, 0)
    for path in images:
        with open(path, "r+b") as image:
            for where in list(copies(image, leaf, size)):
                write(image, where, size, at, new)


def damage(tree, path, images):
    text, size = dump(tree, images)
    root = int(re.search(r"^(?:leaf|node) (\d+) ", text, re.M).group(1))
    with open(path, "r+b") as image:
        where = list(copies(image, root, size))
        assert where, f"nothing of the {tree} tree on {path}"
        for at in where:
            image.seek(at + 300)
            old = image.read(1)
            image.seek(at + 300)
            image.write(bytes([old[0] ^ 1]))


def main():
    kind, args = sys.argv[1], sys.argv[2:]
    if kind == "super":
        patch_supers(args[2], int(args[0], 0), bytes.fromhex(args[1]))
    elif kind == "damage":
        damage(args[0], args[2 + int(args[1])], args[2:])
    else:
        patch_item(kind, args[0], args[1], bytes.fromhex(args[2]), args[3:])


main()
