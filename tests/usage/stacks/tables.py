# SPDX-License-Identifier: Apache-2.0
"""Partition tables: made by sfdisk and sgdisk, changed by them, and bent where no tool would."""
import os
import re
import struct

from disk import MIB, SECTOR, Failed, entries, have, loop, run

GPT_TYPES = ("8300", "8300", "8300", "8300", "8300", "8300", "8300", "8300", "0700", "0700", "0700", "0700", "8200", "8e00", "ef00", "fd00", "8319", "4200", "4202")
MBR_TYPES = ("83", "83", "7", "c", "82", "8e", "fd", "ef", "6", "da")
QUIET = ("--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never")


class Disk:
    """A whole disk under work."""

    def __init__(self, rng, path, block, log):
        self.rng, self.path, self.block, self.log = rng, path, block, log

    @property
    def bytes(self):
        return os.stat(self.path).st_size

    def spans(self, count, end_gap=MIB):
        """Up to `count` ranges in order, aligned in several manners, as (first, blocks) in blocks."""
        align = self.rng.choice([MIB, MIB, MIB, 63 * SECTOR, 4096, 65536]) // self.block or 1
        total = (self.bytes - end_gap) // self.block
        at = max(align, MIB // self.block if self.rng.random() < 0.8 else 64 * SECTOR // self.block)
        found = []
        for left in range(count, 0, -1):
            room = total - at
            size = room if left == 1 and self.rng.random() < 0.5 else room * self.rng.randint(30, 90) // 100 // left
            size = size // align * align
            if size * self.block < 2 * MIB:
                break
            found.append((at, size))
            at += size + self.rng.choice([0, align, 2 * MIB // self.block])
        return found


def sfdisk(disk, script, *options):
    with loop(disk.path, block=disk.block) as device:
        run("sfdisk", *QUIET, *options, device, text=script)


def sgdisk(disk, *options, ok=(0,)):
    with loop(disk.path, block=disk.block) as device:
        run("sgdisk", *options, device, ok=ok)


# ---- MBR ---------------------------------------------------------------------------------------

def mbr(disk):
    logical = disk.rng.random() < 0.4
    spans = disk.spans(disk.rng.randint(1, 5 if logical else 4), end_gap=0)
    lines = ["label: dos"]
    gap = MIB // disk.block
    primary = disk.rng.randint(0, min(2, len(spans) - 1)) if logical else len(spans)
    for number, (first, count) in enumerate(spans):
        kind = disk.rng.choice(MBR_TYPES)
        if number == primary:
            last = spans[-1][0] + spans[-1][1]
            lines.append(f"start={first}, size={last - first}, type={disk.rng.choice(['5', 'f', '85'])}")
        if number >= primary:
            first, count = first + gap, count - gap
        if count > 0:
            lines.append(f"start={first}, size={count}, type={kind}")
    disk.log(f"mbr of {len(spans)}" + (f", logical from {primary + 1}" if logical else ""))
    sfdisk(disk, "\n".join(lines) + "\n")


def patch_entry(disk, number, kind=None, first=None, count=None):
    """An entry as no tool would leave it."""
    with open(disk.path, "r+b") as image:
        record = bytearray(image.read(SECTOR))
        if record[510:] != b"\x55\xaa":
            raise Failed("no MBR")
        at = 446 + 16 * number
        old = struct.unpack_from("<B3xB3xII", record, at)
        struct.pack_into("<B3xB3xII", record, at, old[0], old[1] if kind is None else kind,
                         old[2] if first is None else first, old[3] if count is None else count)
        image.seek(0)
        image.write(record)


def bent_mbr(disk):
    """Of type 0, behind the end of the disk, overlapping, of other sectors, ending in an EBR."""
    with open(disk.path, "rb") as image:
        found = entries(image.read(SECTOR))
    used = [i for i, e in enumerate(found) if e[2]]
    if not used:
        mbr(disk)
        return
    number, blocks = disk.rng.choice(used), disk.bytes // disk.block
    _, first, count = found[number]
    how = disk.rng.choice(["type 0", "behind the end", "all behind the end", "over the end", "overlap", "4096",
                           "type 0x42"])
    disk.log(f"entry {number + 1} {how}")
    if how == "type 0":
        patch_entry(disk, number, kind=0)
    elif how == "type 0x42":
        patch_entry(disk, number, kind=0x42)
    elif how == "behind the end":
        patch_entry(disk, number, first=blocks + disk.rng.choice([0, 8, 2048]))
    elif how == "all behind the end":
        for i in used:
            patch_entry(disk, i, first=blocks + 2048 * i)
    elif how == "over the end":
        patch_entry(disk, number, count=blocks - first + disk.rng.choice([1, 8, 40960]))
    elif how == "overlap":
        free = [i for i in range(4) if i not in used]
        shift = disk.rng.choice([0, 8, 2048, count // 2])
        patch_entry(disk, free[0] if free else number, kind=0x83, first=first + shift, count=count)
    else:
        patch_entry(disk, number, first=max(first // 8, 1), count=max(count // 8, 1))


def chain(disk):
    """Logical partitions whose EBRs lie where tools seldom put them: inside the partition before."""
    spans = disk.spans(3, end_gap=0)
    if len(spans) < 2:
        raise Failed("too small")
    base, last = spans[0][0], spans[-1][0] + spans[-1][1]
    places = [base] + [first + count - disk.rng.choice([1, 8, 64, count // 2, count * 3 // 4])
                       for first, count in spans[:-1]]

    def record(rows):
        return b"".join(struct.pack("<BBBBBBBBII", 0, 254, 255, 255, kind, 254, 255, 255, first, count)
                        for kind, first, count in rows).ljust(64, b"\0") + b"\x55\xaa"
    with open(disk.path, "r+b") as image:
        image.seek(446)
        image.write(record([(0x0F, base, last - base)]))
        for i, (first, count) in enumerate(spans):
            first, count = (first + 1, count - 1) if i == 0 else (first, count)
            rows = [(0x83, first - places[i], count)]
            if i + 1 < len(spans):
                rows.append((0x05, places[i + 1] - base, last - places[i + 1]))
            image.seek(places[i] * disk.block + 446)
            image.write(record(rows))
    disk.log(f"mbr with {len(spans)} logical, each EBR in the partition before")


def behind(disk, end):
    """A live system: the table of an image that was written to the disk, and a partition behind it."""
    gap = MIB // disk.block
    first = (end // MIB + 1) * gap
    size = (disk.bytes // disk.block - first) // gap * gap
    if size < 4 * gap:
        raise Failed("no room behind it")
    disk.log("mbr with a partition behind it")
    sfdisk(disk, f"label: dos\nstart=64, size={first - gap - 64}, type=17\nstart={first}, size={size}, type=83\n")


# ---- GPT ---------------------------------------------------------------------------------------

def gpt(disk):
    spans = disk.spans(disk.rng.randint(1, 4), end_gap=2 * MIB)
    count = disk.rng.choice([None, None, None, 4, 56, 256])
    options = [["-o"]] + ([["-S", count]] if count else [])
    rows = []
    for first, blocks in spans:
        number = len(rows) + 1 if count != 256 or disk.rng.random() < 0.5 else 129 + len(rows)
        rows.append(number)
        options.append(["-a", 1, "-n", f"{number}:{first}:{first + blocks - 1}",
                        "-t", f"{number}:{disk.rng.choice(GPT_TYPES)}"])
    hybrid = disk.rng.random() < 0.2 and rows and rows[-1] < 128
    disk.log(f"gpt of {len(spans)}" + (f", {count} entries" if count else "") + (", hybrid" if hybrid else ""))
    sgdisk(disk, "-Z", ok=None)  # it does not make a new table over what only looks like one
    for part in options:
        sgdisk(disk, *part)
    if hybrid:
        sgdisk(disk, "-h", ":".join(str(n) for n in rows[:2]))


def out_of_step(disk):
    """A hybrid MBR whose entry is none of the GPT's, or no longer."""
    with open(disk.path, "rb") as image:
        found = entries(image.read(SECTOR))
    hybrid = [i for i, (kind, _, count) in enumerate(found) if count and kind != 0xEE]
    free = [i for i, (*_, count) in enumerate(found) if not count]
    blocks = disk.bytes // disk.block
    if hybrid and disk.rng.random() < 0.6:
        patch_entry(disk, hybrid[0], first=found[hybrid[0]][1] + disk.rng.choice([8, 2048]))
    elif free:
        first = disk.rng.randrange(64, blocks // 2)
        patch_entry(disk, free[0], kind=0x83, first=first, count=disk.rng.randrange(4096, blocks - first))
    disk.log("hybrid MBR out of step")


def changed_gpt(disk):
    how = disk.rng.choice(["-e", "-G", "-d 1", "-Z", "-z", "-k"])
    disk.log(f"sgdisk {how}")
    if how == "-k":
        sgdisk(disk, "-j", disk.rng.choice([16, 1024]))
    else:
        sgdisk(disk, *how.split())


# ---- Any ---------------------------------------------------------------------------------------

def shifted(disk):
    """The same table once more, some sectors further."""
    by = disk.rng.choice([-8, -1, 1, 8, 63, 2048, 4096])
    with loop(disk.path, block=disk.block) as device:
        text = run("sfdisk", "-d", device)

    def moved(match):
        return f"start={max(int(match.group(1)) + by, 1):>10}"
    text = re.sub(r"start=\s*(\d+)", moved, text)
    text = re.sub(r"^(first-lba|last-lba|device):.*\n", "", text, flags=re.M)
    disk.log(f"table shifted by {by}")
    sfdisk(disk, text, "--force")


def dropped(disk):
    number = disk.rng.randint(1, 3)
    with loop(disk.path, block=disk.block) as device:
        run("sfdisk", *QUIET, "--delete", device, number)
    disk.log(f"partition {number} deleted")


def resized(disk):
    """The file grows or is cut, as when an image goes to another disk."""
    by = disk.rng.choice([-8 * MIB, -MIB, -SECTOR * 8, 8 * MIB, 4096, 65536])
    size = max(disk.bytes + by, 24 * MIB) // disk.block * disk.block
    os.truncate(disk.path, size)
    disk.log(f"{'grown' if by > 0 else 'cut'} by {abs(by)}")


def new(disk):
    maker = disk.rng.choices([mbr, gpt, chain], [5, 5, 2])[0]
    if not have("sgdisk" if maker is gpt else "sfdisk"):
        raise Failed("no tool")
    maker(disk)


def change(disk):
    """Something that the table which is there allows."""
    with loop(disk.path, block=disk.block) as device:
        text = run("sfdisk", "-d", device, ok=None)
    if "label: dos" in text:
        kinds = [bent_mbr, bent_mbr, shifted, shifted, dropped, resized, new]
    elif "label: gpt" in text:
        kinds = [changed_gpt, changed_gpt, out_of_step, shifted, shifted, dropped, resized, new]
    else:
        kinds = [resized, new]
    disk.rng.choice(kinds)(disk)
