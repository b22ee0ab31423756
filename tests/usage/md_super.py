#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes superblocks of md RAID where the kernel has no md, after linux/raid/md_p.h; mdadm --examine
is the judge of them.

md_super.py VERSION DISK OFFSET BYTES [KEY=VALUE...]   VERSION is 0.90, 1.0, 1.1 or 1.2; prints the offset
of the data on the disk and its bytes.
Keys: uuid, level, disks, role, events, features, resync, dev_role, data, bitmap (1: clean, 2: with a
bit set, 3: of earlier events), state (of 0.90), sum (added to the checksum).
"""
import struct
import sys

SECTOR = 512


def folded(data, at):
    words = struct.unpack(f"<{len(data) // 4}I", data[:len(data) // 4 * 4])
    total = sum(words) - words[at // 4] + (struct.unpack("<H", data[-2:])[0] if len(data) % 4 else 0)
    return (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF


def bitmap(f, at, uuid, events, sectors, kind):
    chunk = 1 << 20
    f.seek(at)
    f.write(struct.pack("<4sI16sQQQIIII", b"bitm", 4, uuid, events - (kind == 3), events, sectors, 0, chunk, 5, 0)
            .ljust(256, b"\0"))
    # Bits behind the end of the array mean nothing.
    count = -(-sectors * SECTOR // chunk)
    bits = bytearray(-(-count // 8))
    if kind == 2:
        bits[0] = 4
    if count % 8:
        bits[-1] |= 0xFF << count % 8 & 0xFF
    f.write(bytes(bits))


def write_1(f, minor, first, size, k):
    sectors, uuid = size // SECTOR, bytes([int(k["uuid"])] * 16)
    place = {0: (sectors - 16) // 8 * 8, 1: 0, 2: 8}[minor]
    data = int(k["data"], 0) if "data" in k else 2048 if minor else 0
    # 1.0 has its bitmap in front of the superblock.
    room = sectors - data if minor else place - 32
    b = bytearray(4096)
    struct.pack_into("<IIII16s32s", b, 0, 0xA92B4EFC, 1, int(k["features"], 0) | (int(k["bitmap"]) > 0), 0, uuid,
                     b"host:test")
    struct.pack_into("<QiIQII", b, 64, 1700000000, int(k["level"]), 0, room // 128 * 128, 0, int(k["disks"]))
    struct.pack_into("<i", b, 96, (8 if minor else -16) if int(k["bitmap"]) else 0)
    struct.pack_into("<QQQQII", b, 128, data, room, place, 0, int(k["role"]), 0)
    b[168:184] = bytes([64 + int(k["role"])] * 16)
    struct.pack_into("<QQQII", b, 192, 1700000001, int(k["events"]), int(k["resync"], 0), 0, 128)
    for i in range(128):
        struct.pack_into("<H", b, 256 + 2 * i, i if i < int(k["disks"]) else 0xFFFF)
    if "dev_role" in k:
        struct.pack_into("<H", b, 256 + 2 * (int(k["disks"]) - 1), int(k["dev_role"], 0))
    struct.pack_into("<I", b, 216, folded(bytes(b[:512]), 216) + int(k["sum"]))
    f.seek(first + place * SECTOR)
    f.write(b)
    if int(k["bitmap"]):
        at = place + (8 if minor else -16)
        bitmap(f, first + at * SECTOR, uuid, int(k["events"]), room // 128 * 128, int(k["bitmap"]))
    return first + data * SECTOR, room // 128 * 128 * SECTOR


def write_0(f, first, size, k):
    place, disks, uuid = size // 65536 * 65536 - 65536, int(k["disks"]), int(k["uuid"]) * 0x01010101
    kib = place // 1024
    w = [0] * 1024
    w[0:16] = [0xA92B4EFC, 0, 90, 0, 0, uuid, 1700000000, int(k["level"]), kib, disks, disks, 0, 0, uuid, uuid, uuid]
    w[32:40] = [1700000001, int(k["state"], 0) | (256 if int(k["bitmap"]) else 0), disks, disks, 0, 0, 0, int(k["events"])]
    for i in range(disks):
        w[128 + 32 * i:133 + 32 * i] = [i, 8, i, i, 6]
    if "dev_role" in k:
        w[128 + 32 * (disks - 1) + 4] = int(k["dev_role"], 0)
    w[992:997] = [int(k["role"]), 8, int(k["role"]), int(k["role"]), 6]
    b = struct.pack("<1024I", *w)
    w[38] = folded(b, 4 * 38) + int(k["sum"])
    f.seek(first + place)
    f.write(struct.pack("<1024I", *w))
    if int(k["bitmap"]):
        bitmap(f, first + place + 4096, struct.pack("<IIII", uuid, uuid, uuid, uuid), int(k["events"]), kib * 2, int(k["bitmap"]))
    return first, kib * 1024


def main():
    version, path, first, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    keys = {"uuid": "1", "level": "1", "disks": "2", "role": "0", "events": "20", "features": "0",
            "resync": "0xffffffffffffffff", "bitmap": "0", "state": "1", "sum": "0"}
    keys.update(a.split("=") for a in sys.argv[5:])
    with open(path, "r+b") as f:
        if version == "0.90":
            print(*write_0(f, first, size, keys))
        else:
            print(*write_1(f, int(version[2]), first, size, keys))


main()
