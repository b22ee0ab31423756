#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disks that ask for as much work as they can, with every checksum right.

hostile.py KIND FILE    makes a sparse file; without arguments lists the kinds
"""
import struct
import sys
import zlib

MIB = 1 << 20
TEXT_MAX = 512 * 1024  # that is read
LVM_SEED = 0xf597a6cf


def lvm_sum(data):
    return zlib.crc32(data, ~LVM_SEED & 0xffffffff) ^ 0xffffffff


def uuid(number):
    return ("%032d" % number).encode()


def physical_volume(number, size, text):
    """The beginning of one: a label, and a metadata area of 1 MiB with this text."""
    area, data = 4096, 4096 + MIB
    header = uuid(number) + struct.pack("<Q", size) + struct.pack("<4Q", data, 0, 0, 0)
    header += struct.pack("<4Q", area, MIB, 0, 0) + struct.pack("<2I", 0, 0)
    label = b"LVM2 001" + header
    label = struct.pack("<I", 32) + label + bytes(512 - 20 - 4 - len(label))
    label = b"LABELONE" + struct.pack("<QI", 1, lvm_sum(label)) + label
    mda = b" LVM2 x[5A%r0N*>" + struct.pack("<IQQ", 1, area, MIB)
    mda += struct.pack("<QQII", 512, len(text), lvm_sum(text), 0) + bytes(24)
    mda += bytes(512 - 4 - len(mda))
    mda = struct.pack("<I", lvm_sum(mda)) + mda
    return bytes(512) + label + bytes(area - 1024) + mda + text


def group(volumes, pvs=((0, 60),), name="g"):
    text = '%s{id="%s" seqno=1 format="lvm2" status=["READ"] extent_size=8192 physical_volumes{' % (
        name, uuid(900).decode())
    for number, extents in pvs:
        text += 'p%d{id="%s" status=["ALLOCATABLE"] flags=[] pe_start=2056 pe_count=%d}' % (
            number, uuid(number).decode(), extents)
    text += '} logical_volumes{' + volumes + '}} contents="Text Format Volume Group" version=1\n'
    if len(text) > TEXT_MAX:
        raise SystemExit("the text has %d bytes" % len(text))
    return text.encode()


def volume(name, segments, extra=""):
    return '%s{id="x" status=["VISIBLE"] flags=[] %ssegment_count=%d %s}' % (
        name, extra, len(segments), "".join("segment%d{%s}" % (i + 1, s) for i, s in segments))


def striped(at, count, *legs):
    pairs = ",".join('"%s",%d' % leg for leg in legs)
    return 'start_extent=%d extent_count=%d type="striped" stripe_count=%d %sstripes=[%s]' % (
        at, count, len(legs), "stripe_size=8 " if len(legs) > 1 else "", pairs)


def lvm_disk(out, text, size=300 * MIB):
    out.truncate(size)
    out.write(physical_volume(0, size, text))


def lvm_segments(out):
    """One volume of as many segments as there is room for."""
    n = 4600
    lvm_disk(out, group(volume("v", [(i, striped(i, 1, ("p0", i))) for i in range(n)]), [(0, n)]),
             20 << 30)


def lvm_shuffled(out):
    """The same, the last one first."""
    n = 4600
    lvm_disk(out, group(volume("v", [(i, striped(i, 1, ("p0", i))) for i in reversed(range(n))]), [(0, n)]),
             20 << 30)


def lvm_volumes(out):
    """As many volumes as there is room for, each with a file system's mark."""
    n = 2700
    lvm_disk(out, group("".join(volume("v%d" % i, [(0, striped(0, 1, ("p0", i)))]) for i in range(n)), [(0, n)]),
             12 << 30)
    for i in range(n):
        out.seek(4096 + MIB + i * 4 * MIB + 1024 + 56)
        out.write(b"\x53\xef")


def lvm_names(out):
    """Something that is built on volumes of one name, many times over."""
    names = "".join("v{} " for i in range(8000)).replace("v{}", "v{segment_count=0}")
    used = '"v",' * 60000
    lvm_disk(out, group(names + 'c{segment_count=1 segment1{start_extent=0 extent_count=1 type="x" n=[%s]}}' % used))


def lvm_legs(out):
    """Many physical volumes that are not here, and stripes over them."""
    pvs = [(i, 60000) for i in range(1000)]
    legs = [("p%d" % (999 - i % 1000), i) for i in range(25000)]
    lvm_disk(out, group(volume("v", [(0, striped(0, len(legs), *legs))]), pvs), 256 << 30)


def lvm_nested(out):
    """Sections in sections, in a segment whose kind is not known."""
    inner = "a{a{a{b=1}}}" * 35000
    lvm_disk(out, group('v{status=["VISIBLE"] segment_count=1 segment1{start_extent=0 extent_count=1 type="x" %s}}'
                        % inner))


def lvm_spaces(out):
    """Sections that are nothing but space."""
    lvm_disk(out, group("".join(volume("v%d" % i, [(0, striped(0, 1, ("p0", i)))], " " * 9000) for i in range(50))))


def lvm_copies(out):
    """A thousand partitions, each a physical volume with a long text of its own."""
    n, size = 1000, 3 * MIB
    out.truncate(n * size + 4 * MIB)
    gpt(out, [(MIB + i * size, size) for i in range(n)])
    for i in range(n):
        out.seek(MIB + i * size)
        out.write(physical_volume(i, size, group("x{a=%d}" % i + " " * (TEXT_MAX - 600), [(i, 1)])))


def lvm_claims(out):
    """A thousand physical volumes, all of the group that each of them names with another text."""
    n, size = 1000, 3 * MIB
    out.truncate(n * size + 4 * MIB)
    gpt(out, [(MIB + i * size, size) for i in range(n)])
    for i in range(n):
        out.seek(MIB + i * size)
        out.write(physical_volume(i, size, group("", [(k, 0) for k in range(n)], "g%d" % i)))


def lvm_thousand(out):
    """Not hostile: a thousand volumes in one group, each with a swap area."""
    n = 1000
    lvm_disk(out, group("".join(volume("v%d" % i, [(0, striped(0, 1, ("p0", i)))]) for i in range(n)), [(0, n)]),
             5 << 30)
    for i in range(n):
        at = 4096 + MIB + i * 4 * MIB
        out.seek(at + 1024)
        out.write(struct.pack("<II", 1, 1023))
        out.seek(at + 4086)
        out.write(b"SWAPSPACE2")


def entry(first, count, kind=0x83):
    return struct.pack("<BBBBBBBBII", 0, 0, 0, 0, kind, 0, 0, 0, first, count)


def record(*entries):
    return bytes(446) + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"


def mbr_chain(out):
    """A chain of logical partitions as long as it may be, with four in each link, in a loop."""
    out.truncate(1 << 30)
    out.write(record(*(entry(2048 + i * 400000, 400000, 5) for i in range(4))))
    for k in range(4):
        for i in range(200):
            at = 2048 + k * 400000 + i * 1024
            out.seek(at * 512)
            nxt = entry((i + 1) % 200 * 1024, 1024, 5)
            out.write(record(entry(1, 100), entry(101, 100), nxt, entry(201, 100)))


def gpt(out, parts, entries=None, entry_bytes=128, marks=False):
    total = out.seek(0, 2) // 512
    entries = entries or max(128, len(parts))
    array = b"".join(struct.pack("<16s16sQQQ72s", b"\1" * 16, uuid(i)[16:], first // 512,
                                 (first + size) // 512 - 1, 0, b"").ljust(entry_bytes, b"\0")
                     for i, (first, size) in enumerate(parts))
    array = array.ljust(min(entries, 1 << 20) * entry_bytes, b"\0")
    blocks = (len(array) + 511) // 512
    for at, other, array_at in ((1, total - 1, 2), (total - 1, 1, total - 1 - blocks)):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, at, other, 2 + blocks,
                           total - 2 - blocks, b"\2" * 16, array_at, entries, entry_bytes, zlib.crc32(array))
        head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
        out.seek(at * 512)
        out.write(head)
        out.seek(array_at * 512)
        out.write(array)
    out.seek(0)
    out.write(record(entry(1, min(total - 1, 0xffffffff), 0xee)))


def gpt_array(out):
    """Arrays of 4 MiB, full of partitions."""
    out.truncate(1 << 40)
    gpt(out, [(16 * MIB + i * MIB, MIB) for i in range(32768)], 32768)


def gpt_entries(out):
    """Arrays of 2^32 - 1 entries, by their headers."""
    out.truncate(1 << 40)
    gpt(out, [(16 * MIB, MIB)], 0xffffffff)


def marks(out):
    """A thousand partitions, each with marks of two owners at its beginning."""
    n, size = 1000, 16 * MIB
    out.truncate(n * size + 4 * MIB)
    gpt(out, [(2 * MIB + i * size, size) for i in range(n)])
    for i in range(n):
        out.seek(2 * MIB + i * size)
        out.write(b"\xeb\x58\x90NTFS    ")
        out.seek(2 * MIB + i * size + 1024 + 56)
        out.write(b"\x53\xef")


def verity(out):
    """A thousand hash trees beside a thousand volumes."""
    n, size = 1000, 16 * MIB
    out.truncate(n * size + 4 * MIB)
    gpt(out, [(2 * MIB + i * size, size) for i in range(n)])
    for i in range(n):
        out.seek(2 * MIB + i * size)
        out.write(b"verity\0\0" + bytes(56) + struct.pack("<IIQ", 4096, 4096, 4095))


def md_sum(block):
    total = sum(struct.unpack("<%dI" % (len(block) // 4), block))
    return (total & 0xffffffff) + (total >> 32) & 0xffffffff


def md_members(out, same=False):
    """A thousand members, each of an array of its own."""
    n, size = 1000, 16 * MIB
    out.truncate(n * size + 4 * MIB)
    gpt(out, [(2 * MIB + i * size, size) for i in range(n)])
    for i in range(n):
        block = bytearray(258)
        struct.pack_into("<III", block, 0, 0xa92b4efc, 1, 0)
        block[16:32] = uuid(0 if same else i)[16:]
        struct.pack_into("<IIQ", block, 72, 1, 0, 20000)
        struct.pack_into("<I", block, 92, 1000 if same else 1)
        struct.pack_into("<QQQ", block, 128, 2048, 20000, 8)
        struct.pack_into("<I", block, 160, 0)
        struct.pack_into("<QQ", block, 200, 7, 0xffffffffffffffff)
        struct.pack_into("<I", block, 220, 1)
        total = sum(struct.unpack("<64I", block[:256])) + struct.unpack("<H", block[256:258])[0]
        struct.pack_into("<I", block, 216, (total & 0xffffffff) + (total >> 32) & 0xffffffff)
        out.seek(2 * MIB + i * size + 4096)
        out.write(block)


def md_one(out):
    """A thousand members of one array."""
    md_members(out, True)


def ext_super(blocks, groups, incompat, desc_bytes):
    s = bytearray(1024)
    struct.pack_into("<II", s, 0, groups & 0xffffffff, blocks & 0xffffffff)
    struct.pack_into("<I", s, 0x14, 1)
    struct.pack_into("<III", s, 0x20, 8, 8, 1)
    struct.pack_into("<HH", s, 0x38, 0xef53, 1)
    struct.pack_into("<I", s, 0x4c, 1)
    struct.pack_into("<H", s, 0x58, 128)
    struct.pack_into("<II", s, 0x60, incompat, 1)
    struct.pack_into("<H", s, 0xfe, desc_bytes)
    struct.pack_into("<I", s, 0x150, blocks >> 32)
    return s


def ext_groups(out):
    """2^30 groups of eight blocks, with blocks of descriptors scattered among them."""
    out.truncate(1 << 43)
    groups = (1 << 43) // 1024 // 8 - 1
    for number in (0, 1, 3, 5, 7, 9, 25, 27):
        out.seek((1 + number * 8) * 1024)
        out.write(ext_super(groups * 8 + 1, groups, 0x80 | 0x10, 64))  # 64bit, meta_bg


def ext_scattered(out):
    """Groups of eight blocks, all free, whose bitmaps lie far from each other."""
    groups = 131072
    out.truncate(2 << 30)
    backup = ext_super(groups * 8 + 1, groups, 0, 0)
    out.seek(2048)
    out.write(b"".join(struct.pack("<IIIHHHH12x", 100000 + i * 65537 % 900000, 3, 3, 8, 0, 0, 0)
                       for i in range(groups)))
    for number in (0, 1, 3, 5, 7, 9, 25, 27):
        out.seek((1 + number * 8) * 1024)
        out.write(backup)


def fat_chain(out):
    """FAT32 of the smallest clusters, each second one free."""
    clusters, table = 60 * MIB // 512 * 4, 0
    table = (clusters + 2 + 127) // 128
    b = bytearray(512)
    struct.pack_into("<HBHB", b, 11, 512, 1, 32, 2)
    b[21] = 0xf8
    struct.pack_into("<II", b, 32, 32 + 2 * table + clusters, table)
    b[82:87] = b"FAT32"
    b[510:] = b"\x55\xaa"
    out.truncate((32 + 2 * table + clusters) * 512)
    out.write(b)
    fat = struct.pack("<2I", 0x0ffffff8, 0x0fffffff) + struct.pack("<2I", 0, 0x0fffffff) * (clusters // 2)
    for i in range(2):
        out.seek((32 + i * table) * 512)
        out.write(fat)


def exfat(out, clusters, chain, root, extra=b""):
    """exFAT of clusters of 512 bytes; chain: the table from the third cluster behind the root on."""
    bitmap_bytes = (clusters + 7) // 8
    at_bitmap, n_bitmap = 2, (bitmap_bytes + 511) // 512
    upcase, first = at_bitmap + n_bitmap, at_bitmap + n_bitmap + 1
    fat_sectors = ((clusters + 2) * 4 + 511) // 512
    heap = 24 + fat_sectors
    b = bytearray(512)
    b[0:11] = b"\xeb\x76\x90EXFAT   "
    struct.pack_into("<QQIIIIIIHHBBBB", b, 64, 0, heap + clusters, 24, fat_sectors, heap, clusters, first, 1, 0x100,
                     0, 9, 0, 1, 0x80)
    b[510:] = b"\x55\xaa"
    region = bytes(b) + bytes(10 * 512)
    total = 0
    for i, byte in enumerate(region):
        if i not in (106, 107, 112):
            total = ((total << 31 | total >> 1) + byte) & 0xffffffff
    region += struct.pack("<I", total) * 128
    out.truncate((heap + clusters) * 512)
    out.write(region + region)
    fat = [0xfffffff8, 0xffffffff] + [at_bitmap + i + 1 for i in range(n_bitmap - 1)] + [0xffffffff, 0xffffffff]
    fat += chain(first)
    out.seek(24 * 512)
    out.write(struct.pack("<%dI" % len(fat), *fat))
    out.seek(heap * 512)
    out.write(b"\xff" * bitmap_bytes)
    entries = struct.pack("<B19xIQ", 0x81, at_bitmap, bitmap_bytes)
    entries += struct.pack("<B19xIQ", 0x82, upcase, 512)
    out.seek((heap + first - 2) * 512)
    out.write((entries + root(first)).ljust(512, b"\0"))
    return heap


def exfat_file(first, size, folder):
    return struct.pack("<BBHH26x", 0x85, 1, 0, 0x10 if folder else 0x20) + struct.pack(
        "<BBH16xIQ", 0xc0, 1, 0, first, size)


def exfat_jumps(out):
    """A file whose chain jumps to and fro in the table."""
    n = 1 << 22
    step = 1048573  # a prime: each link is far from the one before

    def chain(first):
        links = [0xffffffff] * (n - first - 1)
        at = 0
        for _ in range(len(links) - 1):
            nxt = (at + step) % len(links)
            links[at] = first + 1 + nxt
            at = nxt
        return [0xffffffff] + links
    exfat(out, n, chain, lambda first: exfat_file(first + 1, n * 256, 0))


def exfat_folders(out):
    """A folder that is in itself, many times."""
    def root(first):
        return exfat_file(first, 512, 1) * 6
    exfat(out, 1 << 16, lambda first: [0xffffffff], root)


KINDS = {name: value for name, value in globals().items()
         if callable(value) and value.__doc__ and name not in ("physical_volume", "exfat")}

if __name__ == "__main__":
    if len(sys.argv) != 3:
        for name, value in KINDS.items():
            print("%-14s %s" % (name, value.__doc__))
    else:
        with open(sys.argv[2], "w+b") as file:
            KINDS[sys.argv[1]](file)
