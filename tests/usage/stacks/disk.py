# SPDX-License-Identifier: Apache-2.0
"""A disk image, the places on it, and the tools that are run on them.

A place is a range of the image. The tools see it as a loop device of its own, so that a discard of
theirs reaches the image. Which partitions Linux would make is answered by libblkid (partx) and, for
an MBR, also by the rules of the kernel's block/partitions/msdos.c, which libblkid does not follow in
everything: the kernel makes partitions of type 0, and cuts those that end behind the disk.
"""
import contextlib
import ctypes
import os
import re
import struct
import subprocess
import sys
from collections import namedtuple

KIB, MIB = 1 << 10, 1 << 20
SECTOR = 512
EXTENDED = (0x05, 0x0F, 0x85)
TIMEOUT = 120

missing = set()  # tools that are not installed here
stopping = False  # by a signal: no further tool is run, but what is attached or mounted is let go
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A tool did not do what it was asked for."""


def stop(*_):
    global stopping
    stopping = True


class Place(namedtuple("Place", "first bytes name")):
    @property
    def end(self):
        return self.first + self.bytes


def have(tool):
    folders = os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]
    if any(os.access(os.path.join(f, tool), os.X_OK) for f in folders):
        return True
    missing.add(tool)
    return False


def tool(command, always=False, **more):
    """A finished process. A signal to all of the test does not reach it: it comes to its own end."""
    if stopping and not always:
        sys.exit(1)
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", timeout=TIMEOUT,
                          start_new_session=True, **more)


def run(*command, text=None, ok=(0,), always=False, **more):
    """Standard output of a command; Failed when its exit status is none of `ok`."""
    said = " ".join(map(str, command))
    try:
        done = tool(command, always, input=text, **more)
    except (subprocess.TimeoutExpired, FileNotFoundError) as fault:
        raise Failed(f"{said}: {fault}") from fault
    if ok and done.returncode not in ok:
        raise Failed(f"{said}: status {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def status(*command):
    """(exit status, output) of a judge, whatever it answers; (127, "") when it is not here."""
    if not have(command[0]):
        return 127, ""
    done = tool(command, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@contextlib.contextmanager
def loop(path, place=None, block=SECTOR, readonly=False):
    command = ["losetup", "-f", "--show", "-b", block]
    if readonly:
        command.append("-r")
    if place:
        command += ["-o", place.first, "--sizelimit", place.bytes]
    device = None
    for attempt in range(5):  # another process may have taken the free one
        try:
            device = run(*command, path).strip()
            break
        except Failed:
            if attempt == 4:
                raise
    try:
        yield device
    finally:
        if not readonly:  # somebody else may have it open: then its last close would come too late
            with open(device, "rb") as still:
                os.fsync(still.fileno())
        run("losetup", "-d", device, always=True)


@contextlib.contextmanager
def mounted(device, folder, kind, options):
    os.makedirs(folder, exist_ok=True)
    helper = {"ntfs": "ntfs-3g", "exfat": "mount.exfat-fuse"}.get(kind)
    run(*([helper] if helper else ["mount", "-t", kind]), "-o", options, device, folder)
    try:
        yield folder
    finally:
        run("umount", folder, always=True)


# ---- What Linux makes of a disk ----------------------------------------------------------------

def cut(first, count, block, size):
    """A partition as Linux makes it: what ends behind the disk is cut there."""
    first, last = first * block, (first + count) * block
    return (first, min(last, size)) if first < size and first < last else None


def entries(record, primary=True):
    """(type, first, count) of the four entries of an MBR or EBR; nothing when it is none."""
    if len(record) < SECTOR or record[510:512] != b"\x55\xaa":
        return []
    fields = [struct.unpack_from("<B3xB3xII", record, 446 + 16 * i) for i in range(4)]
    if primary and any(status & 0x7F for status, *_ in fields):
        return []
    return [(kind, first, count) for _, kind, first, count in fields]


class Tables:
    """Where the tables of a disk lie, and what an MBR says by the kernel's rules."""

    def __init__(self, path, block):
        self.block, self.size = block, os.stat(path).st_size
        self.found, self.extended, self.records = [], [], []
        with open(path, "rb") as image:
            self.image = image
            self.read_mbr()

    def read(self, lba):
        self.image.seek(lba * self.block)
        return self.image.read(max(self.block, SECTOR))

    def read_mbr(self):
        mbr = entries(self.read(0))
        self.records.append((0, self.block))
        self.used = [e for e in mbr if any(e)]
        if any(kind == 0xEE for kind, *_ in mbr):
            return
        for number, (kind, first, count) in enumerate(mbr, 1):
            if count and kind in EXTENDED:
                self.extended.append((first * self.block, min((first + count) * self.block, self.size)))
                self.read_chain(first, first, count)
            elif count:
                self.add(number, first, count)

    def read_chain(self, base, at, count):
        for _ in range(100):
            if at * self.block >= self.size:
                return
            record = entries(self.read(at), primary=False)
            self.records.append((at * self.block, self.block))
            following = None
            for i, (kind, first, length) in enumerate(record):
                if length and kind in EXTENDED:
                    following = following or base + first
                elif length and (i < 2 or base <= at + first <= base + count - length):
                    self.add(5, at + first, length)
            if following is None:
                return
            at = following

    def add(self, number, first, count):
        span = cut(first, count, self.block, self.size)
        if span:
            self.found.append((number, *span))


def partitions(device, path, block):
    """Places of what Linux makes of the disk, and its Tables."""
    tables = Tables(path, block)
    spans = {(first, end): f"partition {number}" for number, first, end in tables.found}
    types = {}
    _, text = status("partx", "--noheadings", "--raw", "--output", "NR,START,SECTORS,TYPE", device)
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 3 or not all(f.isdigit() for f in fields[:3]):
            continue
        number, first, sectors = map(int, fields[:3])
        types[first * SECTOR] = fields[3] if len(fields) > 3 else None
        span = (first * SECTOR, min((first + sectors) * SECTOR, tables.size))
        if span[0] < span[1] and not (span[0],) in [(e[0],) for e in tables.extended]:
            spans[span] = f"partition {number}"
    places = [Place(a, b - a, name) for (a, b), name in sorted(spans.items())]
    tables.types = {p: types.get(p.first) for p in places}
    return places, tables


def owners(device):
    """Names of all who have left a valid signature there, by wipefs and blkid, and those of tables.

    An MBR without any entry is none: wipefs sees one in every boot sector of mkntfs, blkid, too, in
    that of mkfs.exfat, and Linux makes nothing of it.
    """
    found = set(run("wipefs", "-n", "--noheadings", "-p", "-O", "TYPE", device, ok=None).split())
    answer, text = status("blkid", "-p", "-o", "export", device)
    found |= set(re.findall(r"^(?:TYPE|PTTYPE)=(.*)$", text, re.M))
    if answer == 8:
        found.add("ambivalent")
    with open(device, "rb") as disk:
        if not any(any(entry) for entry in entries(disk.read(SECTOR))):
            found.discard("dos")
    tables = found & {"dos", "gpt", "PMBR", "mac", "bsd", "sun", "sgi", "atari", "minix-pt"}
    return found - tables, tables


# ---- Bytes of an image -------------------------------------------------------------------------

def fill(path, first, length):
    """Data of long ago, by which what was left out can be told."""
    line = b"this was deleted long ago\n"
    with open(path, "r+b") as image:
        image.seek(first)
        piece = (line * (65536 // len(line) + 1))[:65536]
        while length > 0:
            image.write(piece[:length])
            length -= len(piece)


def punch(path, ranges):
    fd = os.open(path, os.O_RDWR)
    for first, end in ranges:
        if libc.fallocate(fd, 3, ctypes.c_int64(first), ctypes.c_int64(end - first)):
            raise OSError(ctypes.get_errno(), "fallocate")
    os.close(fd)


def poison(path, ranges):
    """Not zeros: whoever needs a zero there notices, too."""
    with open(path, "r+b") as image:
        for first, end in ranges:
            image.seek(first)
            while first < end:
                first += image.write(b"\x5a" * min(end - first, MIB))


def data_extents(path, ranges):
    """The parts of these ranges that are no holes of the file."""
    fd = os.open(path, os.O_RDONLY)
    for first, end in ranges:
        while first < end:
            try:
                first = os.lseek(fd, first, os.SEEK_DATA)
            except OSError:
                break
            last = min(os.lseek(fd, first, os.SEEK_HOLE), end) if first < end else end
            if first < last:
                yield first, last
            first = last
    os.close(fd)
