#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""XFS, Btrfs, NTFS and F2FS that ask for as much work as they can, or are merely large. Each was made by the real
mkfs; then its trees are others, with every checksum right.

hostile_fs.py KIND FILE    makes a sparse file; without arguments lists the kinds
"""
import hashlib
import struct
import subprocess
import sys

import f2fs_patch
from hostile import MIB, gpt
from ntfs_patch import Volume, attribute, get, patch_log, protect


def shifted(crc, zeros):
    """A CRC behind zeros, of which each of its bits makes what `zeros` says."""
    after = 0
    for bit in range(32):
        after ^= zeros[bit] if crc >> bit & 1 else 0
    return after


TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)
# What 2^i bytes of zeros make of each bit of a CRC.
ZEROS = [[(1 << bit) >> 8 ^ TABLE[1 << bit & 255] for bit in range(32)]]
for _ in range(16):
    ZEROS.append([shifted(bit, ZEROS[-1]) for bit in ZEROS[-1]])


def crc32c(data):
    crc, text = 0xffffffff, data.rstrip(b"\0")
    for byte in text:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    for i, zeros in enumerate(ZEROS):
        if len(data) - len(text) >> i & 1:
            crc = shifted(crc, zeros)
    return crc ^ 0xffffffff


def mkfs(kind, *options):
    subprocess.run(["mkfs." + kind, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def parts(leaves, most):
    """In pieces of at most so many."""
    return [leaves[i:i + most] for i in range(0, len(leaves), most)]


# ---- XFS ---------------------------------------------------------------------------------------


class Xfs:
    """The groups of an XFS, of which the trees of free space are made anew."""

    def __init__(self, path, size, *options):
        with open(path, "wb") as new:
            new.truncate(size)
        mkfs("xfs", "-f", "-K", "--unsupported", *options, path)
        self.file = open(path, "r+b")
        self.super = self.read(0, 512)
        self.block, = struct.unpack_from(">I", self.super, 4)
        self.uuid = self.super[32:48]
        self.ag_blocks, self.ags = struct.unpack_from(">II", self.super, 84)
        self.sums = self.super[101] & 15 == 5
        self.header = 56 if self.sums else 16

    def read(self, at, size):
        self.file.seek(at)
        return bytearray(self.file.read(size))

    def write(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def write_summed(self, at, data, sum_at):
        if self.sums:
            data[sum_at:sum_at + 4] = bytes(4)
            struct.pack_into("<I", data, sum_at, crc32c(data))
        self.write(at, data)

    def put_block(self, group, block, magic, level, siblings, records, children=()):
        place = group * self.ag_blocks + block
        b = bytearray(self.block)
        struct.pack_into(">4sHHII", b, 0, magic, level, len(records), *siblings)
        if self.sums:
            struct.pack_into(">QQ16sI", b, 16, place * self.block // 512, 0, bytes(self.uuid), group)
        for i, record in enumerate(records):
            struct.pack_into(">II", b, self.header + i * 8, *record)
        pointers = self.header + (self.block - self.header) // 12 * 8
        struct.pack_into(">%dI" % len(children), b, pointers, *children)
        self.write_summed(place * self.block, b, 52)

    def put_level(self, group, at, magic, level, nodes):
        """nodes: lists of records with children. Returns what the level above says of them."""
        none, last = 0xffffffff, len(nodes) - 1
        for i, (records, children) in enumerate(nodes):
            siblings = (at + i - 1 if i else none, at + i + 1 if i < last else none)
            self.put_block(group, at + i, magic, level, siblings, records, children)
        return [(records[0], at + i) for i, (records, _) in enumerate(nodes)]

    def tree(self, group, at, leaves, levels, magic=None):
        """Of free space, in blocks from `at` on, leaf by leaf; returns its root."""
        magic = magic or (b"AB3B" if self.sums else b"ABTB")
        below = self.put_level(group, at, magic, 0, [(leaf, ()) for leaf in leaves])
        at += len(below)
        for level in range(1, levels):
            nodes = [([r for r, _ in part], [b for _, b in part])
                     for part in parts(below, (self.block - self.header) // 12)]
            below = self.put_level(group, at, magic, level, nodes)
            at += len(below)
        return below[0][1]

    def header_of(self, group, records, roots, levels):
        """The group's header says what the trees say. roots, levels: by block and by size; None as it is."""
        at = group * self.ag_blocks * self.block + 512
        s = self.read(at, 512)
        for i in range(2):
            if roots[i]:
                struct.pack_into(">I", s, 16 + 4 * i, roots[i])
                struct.pack_into(">I", s, 28 + 4 * i, levels[i])
        struct.pack_into(">II", s, 52, sum(n for _, n in records), max(n for _, n in records))
        struct.pack_into(">I", s, 60, 0)
        self.write_summed(at, s, 216)


def xfs_deep(path):
    """Each extent in a leaf of its own, below eight nodes of 64 KiB."""
    x = Xfs(path, 1 << 30, "-b", "size=65536", "-d", "agcount=2", "-m", "reflink=0,rmapbt=0")
    records = [(3000 + 2 * i, 1) for i in range(500)]
    root = x.tree(0, 100, [[r] for r in records], 9)
    x.header_of(0, records, (root, None), (9, None))


def xfs_sizes(path):
    """Version 4: each extent is looked up in a tree by size of nine levels."""
    x = Xfs(path, 1 << 30, "-b", "size=65536", "-d", "agcount=2", "-m", "crc=0")
    records = [(200 + 2 * i, 1) for i in range(3000)]
    root = x.tree(0, 100, [records], 1)
    other = x.tree(0, 110, [records], 9, b"ABTC")
    x.header_of(0, records, (root, other), (1, 9))


def xfs_groups(path):
    """Groups of 64 KiB."""
    x = Xfs(path, 1 << 30, "-b", "size=1024", "-d", "agcount=2", "-m", "reflink=0,rmapbt=0,finobt=0")
    start, = struct.unpack_from(">Q", x.super, 48)
    log = ((start >> x.super[124]) * x.ag_blocks + (start & (1 << x.super[124]) - 1)) * x.block
    unmounted, header = x.read(log, 1024), x.read(512, 512)
    size = 256 * MIB
    x.ag_blocks, x.ags = 64, size // 65536
    struct.pack_into(">Q", x.super, 8, size // 1024)
    struct.pack_into(">Q", x.super, 48, 16)  # block of the log
    struct.pack_into(">II", x.super, 84, x.ag_blocks, x.ags)
    struct.pack_into(">I", x.super, 96, 8)  # blocks of the log
    x.super[124] = 6
    x.write_summed(0, x.super, 224)
    x.file.truncate(16 * 1024)
    x.file.truncate(size)
    x.write(16 * 1024, unmounted)
    inode, = struct.unpack_from(">Q", x.super, 56)
    first = 40 if inode >> x.super[123] < 40 else 60
    for group in range(x.ags):
        x.write(group * 65536, x.super)
        struct.pack_into(">II", header, 8, group, 64)
        x.write(group * 65536 + 512, header)
        x.header_of(group, [(first, 2)], (x.tree(group, 6, [[(first, 2)]], 1), 7), (1, 1))


def xfs_extents(path):
    """Extents of one block, one right behind the other."""
    x = Xfs(path, 1 << 30, "-b", "size=1024", "-d", "agcount=2", "-m", "reflink=0,rmapbt=0")
    records = [(200000 + i, 1) for i in range(300000)]
    root = x.tree(0, 100000, parts(records, 121), 3)
    x.header_of(0, records, (root, None), (3, None))


def xfs_child(path):
    """A node that has the same leaf as its child three hundred times."""
    x = Xfs(path, 1 << 30, "-d", "agcount=2", "-m", "reflink=0,rmapbt=0")
    records = [(20000 + 2 * i, 1) for i in range(300)]
    x.put_block(0, 100, b"AB3B", 0, (0xffffffff, 0xffffffff), records[:1])
    x.put_block(0, 101, b"AB3B", 1, (0xffffffff, 0xffffffff), records, [100] * 300)
    x.header_of(0, records, (101, None), (2, None))


def xfs_log(path):
    """A long log, whose last record is as long as it may be and has a wrong checksum."""
    x = Xfs(path, 1 << 30, "-l", "size=128m", "-d", "agcount=2")
    start, = struct.unpack_from(">Q", x.super, 48)
    log = ((start >> x.super[124]) * x.ag_blocks + (start & (1 << x.super[124]) - 1)) * x.block
    sectors, data, head = 128 * MIB // 512, 512, 131072
    record = head - 8 - data
    text = bytearray(b"".join(struct.pack(">I508x", 2 if i < head else 1) for i in range(sectors)))
    header = bytearray(512)
    struct.pack_into(">IIIIQQI", header, 0, 0xfeedbabe, 2, 2, data * 512, 2 << 32 | record, 2 << 32, 1)
    struct.pack_into(">I", header, 40, 1)
    struct.pack_into(">I16sI", header, 300, 1, bytes(x.uuid), data * 512)
    text[record * 512:record * 512 + 512] = header
    text[(record + 8) * 512 + 9] = 0x20
    text[(record + 8) * 512 + 12:(record + 8) * 512 + 14] = b"\x6e\x55"
    x.write(log, text)


# ---- Btrfs -------------------------------------------------------------------------------------

ROOTS, EXTENTS, CHUNKS, DEVICES = 1, 2, 3, 4
DATA, SYSTEM, METADATA = 1, 2, 4


class Btrfs:
    """All trees of a Btrfs, made anew beside its superblock. Addresses are those of the first device."""

    def __init__(self, path, size, node=16384, system=8 * MIB, metadata=64 * MIB):
        with open(path, "wb") as new:
            new.truncate(size)
        mkfs("btrfs", "-K", "--csum", "sha256", "-m", "single", "-n", str(node), path)
        self.file = open(path, "r+b")
        self.file.seek(65536)
        self.super = bytearray(self.file.read(4096))
        self.node, self.size, self.devices = node, size, [(1, bytes(self.super[0xc9 + 66:0xc9 + 82]))]
        self.uuid, self.generation = bytes(self.super[32:48]), struct.unpack_from("<Q", self.super, 0x48)[0]
        # Metadata first, since its nodes may not lie where the superblock's copy is.
        self.chunks = [(65 * MIB, system, SYSTEM), (65 * MIB + system, metadata, METADATA)]
        self.next = {SYSTEM: 65 * MIB, METADATA: 65 * MIB + system}
        self.end = 65 * MIB + system + metadata

    def put_node(self, owner, level, items):
        kind = SYSTEM if owner == CHUNKS else METADATA
        at = self.next[kind]
        self.next[kind] += self.node
        b = bytearray(self.node)
        b[32:48] = self.uuid
        struct.pack_into("<QQ16sQQIB", b, 48, at, 1, self.uuid, self.generation, owner, len(items), level)
        end = self.node - 101
        for i, (key, data) in enumerate(items):
            if level:
                struct.pack_into("<QBQQQ", b, 101 + i * 33, *key, data, self.generation)
                continue
            end -= len(data)
            struct.pack_into("<QBQII", b, 101 + i * 25, *key, end, len(data))
            b[101 + end:101 + end + len(data)] = data
        b[:32] = hashlib.sha256(b[32:]).digest()
        self.file.seek(at)
        self.file.write(b)
        return items[0][0], at

    def leaves(self, items, most):
        leaf, size = [], 0
        for key, data in items:
            if leaf and (len(leaf) == most or size + 25 + len(data) > self.node - 101):
                yield leaf
                leaf, size = [], 0
            leaf.append((key, data))
            size += 25 + len(data)
        yield leaf

    def tree(self, owner, items, levels=1, most=1 << 30):
        """Of at least so many levels, with at most so many items in a leaf. Returns its root and level."""
        below = [self.put_node(owner, 0, leaf) for leaf in self.leaves(sorted(items), most)]
        level = 0
        while len(below) > 1 or level + 1 < levels:
            level += 1
            below = [self.put_node(owner, level, part) for part in parts(below, (self.node - 101) // 33)]
        return below[0][1], level

    def chunk_item(self, chunk):
        at, length, kind = chunk
        item = struct.pack("<QQQQIIIHH", length, 2, 65536, kind, 4096, 4096, 4096, 1, 1)
        return item + struct.pack("<QQ16s", 1, at, self.devices[0][1])

    def finish(self, chunks=(1, 1 << 30), extents=(1, 1 << 30), items=()):
        """Writes the trees. chunks, extents: levels, and items in a leaf. items: of the extent tree."""
        used = sum(length for _, length, _ in self.chunks)
        device = struct.pack("<QQQIIIQQQIBB16s16s", 1, self.size, used, 4096, 4096, 4096, 0, 0, 0, 0, 0, 0,
                             self.devices[0][1], self.uuid)
        root, level = self.tree(CHUNKS, [((1, 216, 1), device)] + [
            ((256, 228, c[0]), self.chunk_item(c)) for c in self.chunks], *chunks)
        struct.pack_into("<Q", self.super, 0x58, root)
        self.super[0xc7] = level
        stripes = [((1, 204, at), struct.pack("<QQQQ16s", 3, 256, at, length, self.uuid))
                   for at, length, _ in self.chunks]
        roots = {EXTENTS: self.tree(EXTENTS, items or [((1, 1, 1), b"")], *extents),
                 DEVICES: self.tree(DEVICES, stripes)}
        root, level = self.tree(ROOTS, [((owner, 132, 0), self.root_item(*where)) for owner, where in roots.items()])
        struct.pack_into("<Q", self.super, 0x50, root)
        self.super[0xc6] = level
        first = struct.pack("<QBQ", 256, 228, self.chunks[0][0]) + self.chunk_item(self.chunks[0])
        struct.pack_into("<I", self.super, 0xa0, len(first))
        self.super[0x32b:0x32b + len(first)] = first
        struct.pack_into("<Q", self.super, 0xa4, self.generation)
        self.put_super()

    def root_item(self, at, level):
        item = bytearray(439)
        struct.pack_into("<QQQ", item, 160, self.generation, 0, at)
        item[238] = level
        return bytes(item)

    def put_super(self, base=0):
        for at in (65536, 64 * MIB, 256 << 30):
            if self.size > at + 4096:
                struct.pack_into("<Q", self.super, 48, at)
                self.super[:32] = hashlib.sha256(self.super[32:]).digest()
                self.file.seek(base + at)
                self.file.write(self.super)


def block_group(at, length, kind, used=0):
    return (at, 192, length), struct.pack("<QQQ", used, 256, kind)


def btrfs_chunks(path):
    """Not hostile: sixty thousand chunks."""
    b = Btrfs(path, 1 << 40, system=16 * MIB)
    b.chunks += [(b.end + i * 16 * MIB, 16 * MIB, DATA) for i in range(60000)]
    b.finish(items=[block_group(*c) for c in b.chunks])


def btrfs_child(path):
    """A node that has the same leaf as its child four hundred times."""
    b = Btrfs(path, 1 << 30)
    b.finish()
    key, leaf = b.put_node(CHUNKS, 0, [((256, 228, c[0]), b.chunk_item(c)) for c in b.chunks])
    root = b.put_node(CHUNKS, 1, [((*key[:2], key[2] + i), leaf) for i in range(400)])[1]
    struct.pack_into("<Q", b.super, 0x58, root)
    b.super[0xc7] = 1
    b.put_super()


def btrfs_deep(path):
    """Each chunk in a leaf of its own, below seven nodes of 64 KiB."""
    b = Btrfs(path, 1 << 30, 65536, system=160 * MIB)
    b.chunks += [(b.end + i * 8192, 8192, DATA) for i in range(2000)]
    b.finish(chunks=(8, 1))


def btrfs_sums(path):
    """The same with nodes of 16 KiB close to each other, so that there is less to read and more to check."""
    b = Btrfs(path, 1 << 30, 16384, system=160 * MIB)
    b.chunks += [(b.end + i * 8192, 8192, DATA) for i in range(8000)]
    b.finish(chunks=(8, 1))


def btrfs_extents(path):
    """Each extent of each chunk in a leaf of its own, below seven nodes."""
    b = Btrfs(path, 1 << 30, 16384, metadata=160 * MIB)
    b.chunks += [(b.end + i * MIB, MIB, DATA) for i in range(60)]
    items = [((at + i * 8192, 168, 4096), bytes(24)) for at, _, _ in b.chunks[2:] for i in range(128)]
    b.finish(extents=(8, 1), items=items + [block_group(*c, 128 * 4096) for c in b.chunks])


def btrfs_strangers(path):
    """Two hundred devices, each of a file system of its own that should have another one."""
    n, size = 200, 120 * MIB
    b = Btrfs(path, size)
    b.size = 1 * MIB
    struct.pack_into("<Q", b.super, 0xc9 + 8, b.size)
    struct.pack_into("<Q", b.super, 0x88, 2)  # devices
    b.file.truncate(0)
    b.file.truncate((n + 4) * MIB)
    gpt(b.file, [((2 + i) * MIB, MIB) for i in range(n)])
    for i in range(n):
        for at in (32, 0xc9 + 82):
            struct.pack_into("<I", b.super, at, i)
        b.put_super((2 + i) * MIB)


# ---- NTFS --------------------------------------------------------------------------------------


class Ntfs(Volume):
    def __init__(self, path, size):
        with open(path, "wb") as new:
            new.truncate(size)
        mkfs("ntfs", "-F", "-f", "-s", "512", "-c", "512", "-p", "0", "-H", "0", "-S", "0", path)
        super().__init__(open(path, "r+b"))
        self.clusters = size // 512 - 1

    def set_runs(self, number, kind, runs, size):
        """The stream of an attribute: these runs (first cluster, count), so many bytes."""
        r = self.record(number)
        at = attribute(r, kind)
        old, used, pairs = get(r, at + 4, 4), get(r, 24, 4), get(r, at + 32, 2)
        new = r[at:at + pairs] + encode(runs)
        new += bytes(-len(new) % 8)
        struct.pack_into("<I", new, 4, len(new))
        struct.pack_into("<Q", new, 24, sum(n for _, n in runs) - 1)
        struct.pack_into("<QQQ", new, 40, sum(n for _, n in runs) * 512, size, size)
        rest = r[at + old:used]
        if at + len(new) + len(rest) > len(r):
            raise SystemExit("record %d is too small" % number)
        r[at:at + len(new) + len(rest)] = new + rest
        struct.pack_into("<I", r, 24, at + len(new) + len(rest))
        self.put_record(number, r)

    def new_record(self, runs):
        """A file of these runs, as bytes."""
        r = bytearray(1024)
        data = encode(runs)
        data += bytes(-len(data) % 8)
        struct.pack_into("<4sHHQHHHHII", r, 0, b"FILE", 48, 3, 0, 1, 1, 56, 1, 56 + 64 + len(data) + 8, 1024)
        struct.pack_into("<IIBBH", r, 56, 0x80, 64 + len(data), 1, 0, 64)
        struct.pack_into("<QQHH4xQQQ", r, 56 + 16, 0, sum(n for _, n in runs) - 1, 64, 0,
                         *[sum(n for _, n in runs) * 512] * 3)
        r[120:120 + len(data)] = data
        struct.pack_into("<II", r, 120 + len(data), 0xffffffff, 0)
        protect(r)
        return r

    def grow_table(self, records):
        """More records behind those of the file table, at cluster 131072."""
        first = self.mft // 512
        self.set_runs(0, 0x80, [(first, 54), (131072, 2 * len(records))], 27 * 1024 + 1024 * len(records))
        self.write(131072 * 512, b"".join(records))

    def scatter_bitmap(self, pieces, step):
        """The bitmap in so many runs, far from each other; all clusters are used."""
        size = (self.clusters + 7) // 8 + 7 & ~7
        each = (size + 511) // 512 // pieces
        last = (size + 511) // 512 - each * (pieces - 1)
        runs = [(300000 + i * step, each if i < pieces - 1 else last) for i in range(pieces)]
        self.set_runs(6, 0x80, runs, size)
        for first, count in runs:
            self.write(first * 512, b"\xff" * (count * 512))
        return each * 4096


def encode(runs):
    text, last = b"", 0
    for first, count in runs:
        move = (first - last).to_bytes(4, "little", signed=True)
        while len(move) > 1 and int.from_bytes(move[:-1], "little", signed=True) == first - last:
            move = move[:-1]
        length = count.to_bytes((count.bit_length() + 7) // 8, "little")
        text += bytes([len(move) << 4 | len(length)]) + length + move
        last = first
    return text + b"\0"


def ntfs_jumps(path):
    """Files whose clusters jump between the pieces of the bitmap, which are far from each other."""
    v = Ntfs(path, 1 << 30)
    covered = v.scatter_bitmap(64, 1024)
    v.grow_table([v.new_record([(1000 + (i * 150 + k) * 2 % covered + k * 13 % 60 * covered, 1) for k in range(150)])
                  for i in range(400)])


def ntfs_runs(path):
    """Files of as many runs as there is room for, beside a bitmap of many runs."""
    v = Ntfs(path, 1 << 30)
    v.scatter_bitmap(120, 8)
    v.grow_table([v.new_record([(1000 + k * 2, 1) for k in range(250)])] * 6000)


def ntfs_holes(path):
    """A file table of 64 MiB, each file with as many holes as there is room for."""
    v = Ntfs(path, 1 << 30)
    v.scatter_bitmap(4, 1024)
    r = v.new_record([(100, 1)])
    used = 880
    r[510:512], r[1022:1024] = r[50:52], r[52:54]
    struct.pack_into("<I", r, 24, 56 + 64 + used + 8)
    struct.pack_into("<I", r, 60, 64 + used)
    r[120:120 + used - 2] = b"\1\1" * ((used - 2) // 2)
    struct.pack_into("<II", r, 120 + used, 0xffffffff, 0)
    protect(r)
    v.grow_table([r] * (65536 - 27))


def ntfs_large(path):
    """Not hostile: a file of nearly 2 TiB in clusters of 512 bytes, closed with a log."""
    v = Ntfs(path, 1 << 30)
    patch_log(v, "clean")
    v.clusters = (2 << 40) // 512 - 8
    boot = v.read(0, 512)
    struct.pack_into("<Q", boot, 40, v.clusters)
    v.write(0, boot)
    v.file.truncate(2 << 40)
    ones, zeros = (1200000, 8192), (1208192, 65536)  # for brevity the same 4 MiB many times
    v.set_runs(6, 0x80, [ones] * 120 + [zeros], v.clusters // 8 + 7 & ~7)
    v.write(ones[0] * 512, b"\xff" * 4 * MIB)
    v.grow_table([v.new_record([(1 << 22, (15 << 28) - (1 << 24))])])


# ---- F2FS --------------------------------------------------------------------------------------


def f2fs_segments(path):
    """Not hostile: nearly as many segments as are counted."""
    with open(path, "wb") as new:
        new.truncate(1700 << 30)
    mkfs("f2fs", "-t", "0", path)


def f2fs_blocks(path):
    """Every other block valid, the blocks of the table in turn in the one and the other copy, and a full journal."""
    with open(path, "wb") as new:
        new.truncate(4 << 30)
    mkfs("f2fs", "-t", "0", path)
    with open(path, "r+b") as file:
        v = f2fs_patch.Volume(file)
        segments, = struct.unpack_from("<I", v.super, 68)
        entry = struct.pack("<H64sQ", 256, b"\xaa" * 64, 0)
        blocks = (segments + 54) // 55
        for at in (v.sit_at, v.sit_at + v.copy):
            v.write(at, (entry * 55).ljust(4096, b"\0") * blocks)
        v.write(v.journal_at(), struct.pack("<H", 6) + (struct.pack("<I", segments - 1) + entry) * 6)
        v.cp[192:192 + blocks // 8] = b"\x55" * (blocks // 8)
        struct.pack_into("<Q", v.cp, 16, segments * 256)
        struct.pack_into("<I", v.cp, 32, 0)
        struct.pack_into("<I", v.cp, 144, 0)
        v.write_cp()


KINDS = {name: value for name, value in globals().items()
         if callable(value) and value.__doc__ and name.split("_")[0] in ("xfs", "btrfs", "ntfs", "f2fs")}

if __name__ == "__main__":
    if len(sys.argv) != 3:
        for name, value in KINDS.items():
            print("%-16s %s" % (name, value.__doc__))
    else:
        KINDS[sys.argv[1]](sys.argv[2])
