#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes an F2FS in ways that need its checksums made right.

f2fs_patch.py IMAGE super AT HEX     in both copies of the superblock
f2fs_patch.py IMAGE cp AT HEX        in both blocks of the newest checkpoint
f2fs_patch.py IMAGE journal SEGMENT  its entry of the segment information table goes to the journal
f2fs_patch.py IMAGE swap BLOCK       the other copy of this block of the table becomes the current one
f2fs_patch.py IMAGE sit SEGMENT AT HEX  in the current entry of a segment in the table
f2fs_patch.py IMAGE node             a node of the newest checkpoint behind the log of nodes
"""
import struct
import sys

BLOCK = 4096
ENTRY = 74


def checksum(data):
    crc = 0xf2f52010
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xedb88320 if crc & 1 else 0)
    return crc


class Volume:
    def __init__(self, file):
        self.file = file
        self.super = self.read(1024, 3072)
        self.cp_at, self.sit_at, _, _, self.main_at = (v * BLOCK for v in
                                                       struct.unpack_from("<5I", self.super, 76))
        self.copy = struct.unpack_from("<I", self.super, 56)[0] // 2 * 512 * BLOCK
        packs = [self.cp_at, self.cp_at + 512 * BLOCK]
        versions = [struct.unpack("<Q", self.read(at, 8))[0] for at in packs]
        self.pack = packs[versions[1] > versions[0]]
        self.cp = bytearray(self.read(self.pack, BLOCK))
        self.flags, self.blocks, self.sums = struct.unpack_from("<III", self.cp, 132)

    def read(self, at, size):
        self.file.seek(at)
        return self.file.read(size)

    def write(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def write_cp(self):
        struct.pack_into("<I", self.cp, 4092, checksum(self.cp[:4092]))
        self.write(self.pack, self.cp)
        self.write(self.pack + (self.blocks - 1) * BLOCK, self.cp)

    def entry_at(self, segment):
        block = segment // 55
        second = self.cp[192 + block // 8] >> 7 - block % 8 & 1
        return self.sit_at + second * self.copy + block * BLOCK + segment % 55 * ENTRY

    def journal_at(self):
        if self.flags & 4:
            return self.pack + self.sums * BLOCK + 507
        return self.pack + (self.blocks - 5) * BLOCK + 3584

    def journal(self, segment):
        at = self.journal_at()
        count, = struct.unpack("<H", self.read(at, 2))
        entry = self.read(self.entry_at(segment), ENTRY)
        self.write(at + 2 + count * (4 + ENTRY), struct.pack("<I", segment) + entry)
        self.write(at, struct.pack("<H", count + 1))
        self.write(self.entry_at(segment), bytes(ENTRY))

    def swap(self, block):
        at = self.entry_at(block * 55)
        data = self.read(at, BLOCK)
        self.write(at, bytes(BLOCK))
        self.cp[192 + block // 8] ^= 1 << 7 - block % 8
        self.write(self.entry_at(block * 55), data)
        self.write_cp()

    def node(self):
        segment, = struct.unpack_from("<I", self.cp, 40)
        offset, = struct.unpack_from("<H", self.cp, 70)
        at = self.main_at + (segment * 512 + offset) * BLOCK
        self.write(at + BLOCK - 12, self.cp[:8])


def main(image, kind, *args):
    with open(image, "r+b") as file:
        volume = Volume(file)
        if kind == "super":
            for base in (1024, BLOCK + 1024):
                volume.write(base + int(args[0]), bytes.fromhex(args[1]))
        elif kind == "cp":
            data = bytes.fromhex(args[1])
            volume.cp[int(args[0]):int(args[0]) + len(data)] = data
            volume.write_cp()
        elif kind == "sit":
            volume.write(volume.entry_at(int(args[0])) + int(args[1]), bytes.fromhex(args[2]))
        else:
            getattr(volume, kind)(*map(int, args))


if __name__ == "__main__":
    main(*sys.argv[1:])
