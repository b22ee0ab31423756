# SPDX-License-Identifier: Apache-2.0
"""Marks of owners whose tools Debian does not have, or that need a kernel which is not here: as much
of each as libblkid asks for, from its sources (libblkid/src/superblocks) and the formats' own
documents, with right checksums. selftest() lets blkid and wipefs judge every one of them."""
import os
import struct
import sys
from collections import namedtuple

from disk import KIB, MIB, SECTOR, Failed, run

Mark = namedtuple("Mark", "type write whole")  # whole: looked for on whole disks only


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def at(offset, bytes_):
    """A mark of these bytes at one place, from the beginning or (negative) from the end."""
    def write(put, size):
        put(offset if offset >= 0 else size // SECTOR * SECTOR + offset, bytes_)
    return write


# ---- At the beginning --------------------------------------------------------------------------

def zfs(put, size):
    """The rings of uberblocks of all four labels."""
    aligned = size // (256 * KIB) * (256 * KIB)
    for label in (0, 256 * KIB, aligned - 512 * KIB, aligned - 256 * KIB):
        for i in range(4):
            put(label + (128 + i) * KIB, struct.pack("<QQQQQ", 0x00BAB10C, 5000, 4 + i, 77, 1700000000))


def stratis(put, size):
    uuid = b"0123456789abcdef" * 2
    body = (b"!Stra0tis\x86\xff\x02^\x41rh" + struct.pack("<QI", size // SECTOR, 0) + uuid + uuid
            + struct.pack("<QQQQ", 2048, 2048, 0, 1700000000)).ljust(508, b"\0")
    block = struct.pack("<I", crc32c(body)) + body
    put(SECTOR, block)
    put(9 * SECTOR, block)


def apfs(put, size):
    body = struct.pack("<QQHHHHIIQQQQ16s", 1, 1, 1, 0x8000, 0, 0, int.from_bytes(b"NXSB", "little"), 4096,
                       size // 4096, 0, 0, 2, bytes(range(16))).ljust(4088, b"\0")
    low = high = 0
    for word in struct.unpack("<1022I", body):
        low += word
        high += low
    first = ~((low + high) % 0xFFFFFFFF) & 0xFFFFFFFF
    second = ~((low + first) % 0xFFFFFFFF) & 0xFFFFFFFF
    put(0, struct.pack("<II", first, second) + body)


def hfsplus(put, size):
    header = bytearray(512)
    struct.pack_into(">2sHI4s", header, 0, b"H+", 4, 0x100, b"10.0")
    struct.pack_into(">III", header, 40, 4096, size // 4096, size // 4096 - 100)
    header[104:112] = b"stacking"  # the identifier in the information for the Finder
    put(KIB, bytes(header))
    put(size // SECTOR * SECTOR - KIB, bytes(header))


def bitlocker(put, size):
    header = bytearray(512)
    header[0:11] = b"\xeb\x58\x90-FVE-FS-"
    header[11:14] = struct.pack("<HB", SECTOR, 8)
    header[160:176] = bytes.fromhex("3bd667492 92ed84a8399f6a339e3d001".replace(" ", ""))
    struct.pack_into("<QQQ", header, 176, MIB, 2 * MIB, 3 * MIB)
    header[510:512] = b"\x55\xaa"
    put(0, bytes(header))
    for copy in (1, 2, 3):
        put(copy * MIB, b"-FVE-FS-" + struct.pack("<HH", 100, 2))


def vmfs(put, size):
    put(MIB, struct.pack("<II", 0xC001D00D, 4).ljust(512, b"\1"))
    put(2 * MIB, struct.pack("<IIB16sI", 0x2FABF15E, 5, 5, bytes(range(16)), 0).ljust(512, b"\0"))


def integrity(put, size):
    """A superblock of dm-integrity, as drivers/md/dm-integrity.c reads it."""
    put(0, struct.pack("<8sBbHIQII", b"integrt\0", 1, 15, 4, 100, size // SECTOR - 4096, 0, 0).ljust(4096, b"\0"))


# ---- At the end --------------------------------------------------------------------------------

def silicon(put, size):
    block = bytearray(SECTOR)
    struct.pack_into("<I", block, 0x60, 0x2F000000)
    struct.pack_into("<HHHH", block, 0x104, 0x3112, 0x1095, 0, 2)
    block[0x116:0x118] = bytes([0, 1])
    words = struct.unpack_from("<159H", block, 0)
    struct.pack_into("<H", block, 0x13E, -sum(words) & 0xFFFF)
    put(size // SECTOR * SECTOR - SECTOR, bytes(block))


def ddf(put, size):
    anchor = struct.pack(">II24s8sII", 0xDE11DE11, 0, b"Linux-MD".ljust(24, b"\1"), b"01.02.00", 1, 1700000000)
    last = size // SECTOR - 1
    anchor = anchor.ljust(96, b"\xff") + struct.pack(">QQ", last - 64, last - 128)
    anchor = anchor.ljust(SECTOR, b"\xff")
    put(last * SECTOR, anchor)
    put((last - 64) * SECTOR, anchor)


def drbd(put, size):
    block = struct.pack(">Q4QQQII", size // SECTOR - 264, 1, 0, 0, 0, 0x1234, 0, 0, 0x8374026B)
    put(size - 4096, block.ljust(4096, b"\0"))


def jmicron(put, size):
    """With the checksum that dmraid computes, and newer libblkid checks: the words of 128 bytes sum to 0."""
    block = bytearray(b"JM" + bytes([1, 2])).ljust(128, b"\0")
    struct.pack_into("<H", block, 4, -sum(struct.unpack("<64H", block)) & 0xFFFF)
    put(size // SECTOR * SECTOR - SECTOR, bytes(block).ljust(SECTOR, b"\0"))


MARKS = {
    "ZFS": Mark("zfs_member", zfs, False),
    "Stratis": Mark("stratis", stratis, False),
    "APFS": Mark("apfs", apfs, False),
    "HFS+": Mark("hfsplus", hfsplus, False),
    "ReFS": Mark("ReFS", at(0, b"\0\0\0ReFS\0\0\0\0\0FSRS".ljust(SECTOR, b"\0")), False),
    "BitLocker": Mark("BitLocker", bitlocker, False),
    "VMFS": Mark("VMFS VMFS_volume_member", vmfs, False),
    "VDO": Mark("vdo", at(0, b"dmvdo001".ljust(4096, b"\0")), False),
    "dm-integrity": Mark("DM_integrity", integrity, False),
    "Silicon Image": Mark("silicon_medley_raid_member", silicon, True),
    "Intel": Mark("isw_raid_member", at(-2 * SECTOR, b"Intel Raid ISM Cfg Sig. 1.1.00".ljust(SECTOR, b"\0")), True),
    "DDF": Mark("ddf_raid_member", ddf, False),
    "Promise": Mark("promise_fasttrack_raid_member",
                    at(-63 * SECTOR, b"Promise Technology, Inc.".ljust(SECTOR, b"\0")), True),
    "JMicron": Mark("jmicron_raid_member", jmicron, True),
    "DRBD": Mark("drbd", drbd, False),
    "Ceph": Mark("ceph_bluestore", at(0, b"bluestore block device\n".ljust(4096, b"\0")), False),
    "md 0.90": Mark("linux_raid_member", "0.90", False),
    "md 1.0": Mark("linux_raid_member", "1.0", False),
    "md 1.1": Mark("linux_raid_member", "1.1", False),
    "md 1.2": Mark("linux_raid_member", "1.2", False),
}
# Ends of disks are where a mark outlives everything.
WEIGHTS = [3 if name in ("Silicon Image", "Intel", "DDF", "Promise", "JMicron", "DRBD", "md 0.90", "md 1.0") else 2
           for name in MARKS]


def choose(rng):
    return rng.choices(list(MARKS), WEIGHTS)[0]


def array(version, path, first, size, *keys):
    """A superblock of md RAID; where its data lies. Where udev runs, it would make mdadm assemble it."""
    if os.path.exists("/run/udev/control"):
        raise Failed("udev would assemble an array of it")
    super_ = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "md_super.py")
    return tuple(map(int, run(sys.executable, super_, version, path, first, size, *keys).split()))


def halves(version, paths, place, bitmap, events=20):
    """Both halves of a mirror, or the second alone: where the data lies."""
    for path in paths:
        role = 1 if path is paths[-1] else 0
        data = array(version, path, place.first, place.bytes, f"role={role}", f"bitmap={bitmap}", f"events={events}")
    return data


def write(name, path, first, size):
    if size < 8 * MIB:
        raise Failed("too small for a mark")
    how = MARKS[name].write
    if isinstance(how, str):
        array(how, path, first, size)
        return
    with open(path, "r+b") as image:
        def put(offset, bytes_):
            image.seek(first + offset)
            image.write(bytes_)
        how(put, size)


def selftest(folder):
    """Names of the marks that blkid and wipefs do not see as what they are, with what they see."""
    from disk import loop, owners
    wrong = []
    for name, mark in MARKS.items():
        if isinstance(mark.write, str):
            continue  # mdadm is the judge of those, in md.sh
        path = os.path.join(folder, "mark")
        with open(path, "wb") as f:
            f.truncate(96 * MIB)
        write(name, path, 0, 96 * MIB)
        with loop(path) as device:
            found, _ = owners(device)
        os.unlink(path)
        if found != set(mark.type.split()):
            wrong.append(f"{name}: {sorted(found)} instead of {mark.type}")
    return wrong
