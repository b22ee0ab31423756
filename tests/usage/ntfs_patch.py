#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings an NTFS image into states that only Windows, or an accident, leaves it in.

ntfs_patch.py IMAGE log KIND...      restart pages: clean, idle, open, new, differ, torn, old
ntfs_patch.py IMAGE flags NUMBER     of the volume
ntfs_patch.py IMAGE version NUMBER   minor version of the volume
ntfs_patch.py IMAGE split            $Bitmap in two runs, as if it had been fragmented
ntfs_patch.py IMAGE attribute RECORD TYPE OFFSET HEX
                                     bytes at an offset of an attribute of a record and of its mirror
ntfs_patch.py IMAGE free PATH        the clusters of a file are free in $Bitmap
"""
import re
import struct
import subprocess
import sys

STRIDE = 512


def get(b, at, size):
    return int.from_bytes(b[at:at + size], "little")


class Volume:
    def __init__(self, file):
        self.file = file
        boot = self.read(0, 512)
        sector = get(boot, 11, 2)
        self.cluster = sector * boot[13] if boot[13] <= 128 else sector << 256 - boot[13]
        size = boot[64]
        self.record_bytes = size * self.cluster if size < 128 else 1 << 256 - size
        self.mft, self.mirror = (get(boot, at, 8) * self.cluster for at in (48, 56))

    def read(self, at, size):
        self.file.seek(at)
        return bytearray(self.file.read(size))

    def write(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def record(self, number):
        r = self.read(self.mft + number * self.record_bytes, self.record_bytes)
        usa = get(r, 4, 2)
        for i in range(1, get(r, 6, 2)):
            r[i * STRIDE - 2:i * STRIDE] = r[usa + 2 * i:usa + 2 * i + 2]
        return r

    def put_record(self, number, r):
        protect(r)
        self.write(self.mft + number * self.record_bytes, r)
        if number < 4:
            self.write(self.mirror + number * self.record_bytes, r)


def protect(r):
    """The update sequence: its number at the end of each stride, what was there in front."""
    usa = get(r, 4, 2)
    for i in range(1, get(r, 6, 2)):
        r[usa + 2 * i:usa + 2 * i + 2] = r[i * STRIDE - 2:i * STRIDE]
        r[i * STRIDE - 2:i * STRIDE] = r[usa:usa + 2]


def attribute(r, kind):
    at = get(r, 20, 2)
    while get(r, at, 4) != 0xffffffff:
        if get(r, at, 4) == kind:
            return at
        at += get(r, at + 4, 4)
    raise KeyError(kind)


def runs(r, at):
    """Runs of an attribute: first cluster (None in a hole) and number of clusters."""
    at += get(r, at + 32, 2)
    first, found = 0, []
    while r[at]:
        counts, offsets = r[at] & 15, r[at] >> 4
        count = get(r, at + 1, counts)
        first += int.from_bytes(r[at + 1 + counts:at + 1 + counts + offsets], "little", signed=True)
        found.append((first if offsets else None, count))
        at += 1 + counts + offsets
    return found


def restart_page(number, version, client, flags, page=4096):
    p = bytearray(page)
    p[0:8] = struct.pack("<4sHH", b"RSTR", 30, page // STRIDE + 1)
    struct.pack_into("<IIHhh", p, 16, page, page, 64, version % 256, version // 256)
    struct.pack_into("<H", p, 30, 7)
    struct.pack_into("<QHHHHIHHQ", p, 64, number, 1, 0xffff if client == 0 else 0, client, flags, 45,
                     224, 64, 1 << 21)
    protect(p)
    return p


def patch_log(v, kind):
    r = v.record(2)
    at = runs(r, attribute(r, 0x80))[0][0] * v.cluster
    clean, other = restart_page(99, 0x101, 0, 2), {
        "clean": (99, 0x101, 0, 2), "idle": (99, 0x101, 0xffff, 0), "open": (99, 0x101, 0, 0),
        "new": (99, 0x200, 0, 2), "differ": (98, 0x101, 0, 2)}.get(kind, (99, 0x101, 0, 2))
    second = restart_page(*other)
    if kind == "torn":
        second[1022] ^= 1
    if kind == "old":
        second[0:4] = b"CHKD"
    v.write(at, clean if kind == "differ" else second)
    v.write(at + 4096, second)


def patch_bitmap_runs(v):
    r = v.record(6)
    at = attribute(r, 0x80)
    (first, count), = runs(r, at)
    pairs = at + get(r, at + 32, 2)
    new = bytes([0x41, 1]) + first.to_bytes(4, "little") + bytes([0x12, count - 1 & 255, count - 1 >> 8, 1, 0])
    room = get(r, at + 4, 4) - get(r, at + 32, 2)
    if len(new) > room:  # the attribute grows: what is behind it moves
        more = (len(new) - room + 7) // 8 * 8
        end = at + get(r, at + 4, 4)
        used = get(r, 24, 4)
        r[end + more:used + more] = r[end:used]
        struct.pack_into("<I", r, at + 4, get(r, at + 4, 4) + more)
        struct.pack_into("<I", r, 24, used + more)
    r[pairs:pairs + len(new)] = new
    v.put_record(6, r)


def free_clusters(v, image, path):
    text = subprocess.run(["ntfsinfo", "-f", "-v", "-F", path, image], capture_output=True, text=True,
                          check=True).stdout
    number = int(re.search(r"Inode (\d+)|mft record (\d+)", text + " ").group(0).split()[-1])
    bitmap = v.record(6)
    base = runs(bitmap, attribute(bitmap, 0x80))[0][0] * v.cluster
    r = v.record(number)
    for first, count in runs(r, attribute(r, 0x80)):
        for cluster in range(first, first + count):
            byte = v.read(base + cluster // 8, 1)
            byte[0] &= ~(1 << cluster % 8)
            v.write(base + cluster // 8, byte)


def main(image, what, *args):
    with open(image, "r+b") as file:
        v = Volume(file)
        if what == "log":
            patch_log(v, *args)
        elif what in ("flags", "version"):
            r = v.record(3)
            at = attribute(r, 0x70)
            at += get(r, at + 20, 2)
            if what == "flags":
                struct.pack_into("<H", r, at + 10, int(args[0], 0))
            else:
                r[at + 9] = int(args[0])
            v.put_record(3, r)
        elif what == "split":
            patch_bitmap_runs(v)
        elif what == "attribute":
            number, kind, at = (int(a, 0) for a in args[:3])
            r = v.record(number)
            at += attribute(r, kind)
            data = bytes.fromhex(args[3])
            r[at:at + len(data)] = data
            v.put_record(number, r)
        elif what == "free":
            free_clusters(v, image, *args)


if __name__ == "__main__":
    main(*sys.argv[1:])
