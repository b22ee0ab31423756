# SPDX-License-Identifier: Apache-2.0
"""The judge: what the map of a disk leaves out must be nobody's but of one file system that wipefs,
blkid and the tools of that file system agree on, and the copy must be as good as the disk for it.

The copy is the image without what the map leaves out. For half of the seeds it has zeros there, as a
point has; for the others other bytes, so that a loss of zeros is noticed, too.
"""
import collections
import os
import shutil
import struct
import subprocess

import files
from disk import SECTOR, Failed, Place, data_extents, loop, mounted, owners, partitions, poison, punch, status

# What a map may be read of, and how its own tool looks at it; each as blkid names it.
CHECKS = {
    "ext2": ["e2fsck", "-fn"], "ext3": ["e2fsck", "-fn"], "ext4": ["e2fsck", "-fn"],
    "xfs": ["xfs_repair", "-n"], "btrfs": ["btrfs", "check", "--readonly", "--force", "--check-data-csum"],
    "ntfs": ["ntfsfix", "-n"], "vfat": ["fsck.fat", "-n"], "exfat": ["fsck.exfat", "-n"],
    "f2fs": ["fsck.f2fs", "--dry-run"], "swap": ["swaplabel"], "LVM2_member": None,
}
# After a recovery from the journal.
RECOVERING = {"ext3": "rw", "ext4": "rw", "xfs": "nouuid", "btrfs": "rw", "ntfs": "rw"}
MOUNTS = {"ext2": "ro", "ext3": "ro,noload", "ext4": "ro,noload", "xfs": "ro,norecovery,nouuid",
          "btrfs": "ro", "ntfs": "ro", "exfat": "ro"}

# Disks of Windows' own volume managers: LDM, its data on GPT, its metadata, Storage Spaces.
DYNAMIC = {"0x42", "af9b60a0-1431-4f62-bc68-3311714a69ad", "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3",
           "e75caf8f-f680-4cee-afa3-b001e56efc2d"}

Living = collections.namedtuple("Living", "place name tree")  # what was made last, and its files
Inner = collections.namedtuple("Inner", "outer owner place")  # a place within the one that begins at `outer`


Verdict = collections.namedtuple("Verdict", "map files whole")  # whole: places that could have had a map


class Lost(Exception):
    """The map is wrong, and where."""


def read_map(tool, paths, number, block):
    """Of the disk of that number, beside the others."""
    command = [tool, "-b", str(block), "-d", str(number), *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Lost(f"usage_map ended with {done.returncode}: {done.stderr[-300:]}")
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()], done.stderr


def within(ranges, first, end):
    return [(max(a, first), min(b, end)) for a, b in ranges if a < end and b > first]


def outside(ranges, allowed):
    """The first part of `ranges` that lies in none of the places allowed."""
    for a, b in ranges:
        for first, end in sorted((p.first, p.end) for p in allowed):
            if first <= a < end:
                a = min(end, b)
        if a < b:
            return a, b
    return None


# ---- Whose a place is --------------------------------------------------------------------------

def overlaps(place, others):
    return any(p is not place and p.first < place.end and place.first < p.end for p in others)


class View:
    """What Linux and libblkid see on a disk."""

    def __init__(self, path, block):
        self.path, self.block = path, block
        self.arrays = {}  # by where a half begins of which the other is there, too
        self.whole = Place(0, os.stat(path).st_size, "the whole disk")
        with loop(path, block=block, readonly=True) as device:
            self.parts, self.tables = partitions(device, path, block)
            self.seen = {self.whole: owners(device)}
        for part in self.parts:
            with loop(path, part, block, readonly=True) as device:
                self.seen[part] = owners(device)

    def text(self):
        return "; ".join(f"{p.name} {p.first}+{p.bytes}: {' '.join(sorted(fs | tables)) or '-'}"
                         for p, (fs, tables) in self.seen.items())

    def doubt(self, place):
        """Why a place can have no map; None if it can."""
        found, tables = self.seen[place]
        array = self.arrays.get(place.first)
        if array and "linux_raid_member" in found and array.place.first == place.first:
            found, tables = {"linux_raid_member"}, set()  # what is on the array is seen on its half
        if len(found) != 1:
            return f"{len(found)} owners ({' '.join(sorted(found)) or 'none'})"
        if not found <= set(CHECKS) and not (array and found == {"linux_raid_member"}):
            return f"it is {' '.join(found)}"
        if tables:
            return f"{' '.join(found)} and a table ({' '.join(sorted(tables))})"
        if self.hashed(place):
            return "a tree of hashes may be of it"
        if self.tables.types.get(place) in DYNAMIC:
            return "it belongs to a dynamic disk of Windows"
        if place is not self.whole:
            if overlaps(place, self.parts):
                return "it overlaps another partition"
            if any(a < place.end and place.first < a + SECTOR for a, _ in self.tables.extended):
                return "it overlaps the start of an extended partition"
        elif self.tables.used:
            return "there is a table with entries"
        return None

    def hashed(self, place):
        """Whether a tree of hashes of dm-verity may be of this place: it does not say of which it is."""
        for other, (found, _) in self.seen.items():
            if "DM_verity_hash" in found and self.seen[place][0] != {"swap"}:
                with open(self.path, "rb") as image:
                    image.seek(other.first + 64)
                    size, _, blocks = struct.unpack("<IIQ", image.read(16))
                if size * blocks <= place.bytes:
                    return True
        return False

    def doubt_of_disk(self):
        """Why nothing on the disk can have a map; None if it can."""
        if any("swsuspend" in found for found, _ in self.seen.values()):
            return "a system is hibernated"
        tables = self.seen[self.whole][1]
        hybrid = {(first * self.block, (first + count) * self.block)
                  for kind, first, count in self.tables.used if kind != 0xEE}
        if "gpt" in tables and self.parts and hybrid - {(p.first, p.end) for p in self.parts}:
            return "the MBR says something else than the GPT"
        return None

    def allowed(self):
        """Places that may have a map, and why the others may not."""
        fake = self.fat_with_fake_table()
        if fake:
            return [self.whole], {}
        reasons = {}
        everywhere = self.doubt_of_disk()
        claims = self.seen[self.whole][0]
        for place in self.parts or [self.whole]:
            reason = self.doubt(place)
            if self.parts and claims and place.first < self.claimed(claims):
                reason = f"the whole disk is also {' '.join(sorted(claims))}"
            reasons[place] = reason or everywhere
        return [p for p, reason in reasons.items() if not reason], reasons

    def claimed(self, claims):
        """Where what the owner of the whole disk claims ends: an ISO 9660 image says how large it is."""
        if claims != {"iso9660"}:
            return self.whole.end
        with open(self.path, "rb") as image:
            image.seek(32768 + 80)
            return int.from_bytes(image.read(4), "little") * 2048

    def fat_with_fake_table(self):
        """mkfs.fat --mbr: one entry, of the whole disk from its first sector on."""
        return (self.seen[self.whole][0] == {"vfat"} and len(self.tables.used) == 1
                and self.tables.used[0][1] == 0)


# ---- What the copy must be ---------------------------------------------------------------------

def read_tree(device, kind, folder, options=MOUNTS):
    """Digests of the files on a device."""
    if kind == "vfat":
        os.makedirs(folder, exist_ok=True)
        status("mcopy", "-s", "-Q", "-n", "-i", device, "::*", folder)
        found = files.digests(folder)
        shutil.rmtree(folder)
        return found
    if kind not in options:
        return {}
    try:
        with mounted(device, folder, kind, options[kind]):
            return files.digests(folder)
    except Failed:  # a feature that this kernel does not have, or it is as broken on the disk
        if not kind.startswith("ext"):
            return {}
    finally:
        if kind == "btrfs":
            status("btrfs", "device", "scan", "--forget", device)
    status("debugfs", "-R", f"rdump / {folder}", device)
    found = files.digests(folder)
    shutil.rmtree(folder)
    return found


def look(path, place, block, kind, folder):
    with loop(path, place, block, readonly=True) as device:
        command = CHECKS.get(kind)
        answer = status(*command, device) if command else (0, "")
        return answer, read_tree(device, kind, folder)


def recover(path, place, block, kind, folder):
    """Digests as they are after the recovery of a file system that was in use."""
    other = folder + ".raw"
    subprocess.run(["cp", "--sparse=always", path, other], check=True)
    with loop(other, place, block) as device:
        tree = read_tree(device, kind, folder, RECOVERING)
    os.unlink(other)
    return tree


def compare(path, copy, place, block, kind, folder):
    """The tools of the owner see the same on both."""
    was, before = look(path, place, block, kind, folder)
    now, after = look(copy, place, block, kind, folder)
    if was[0] != now[0]:
        raise Lost(f"{place.name}: {CHECKS[kind][0]} ended with {was[0]}, on the copy with {now[0]}: {now[1][-400:]}")
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            raise Lost(f"{place.name}: file {name!r} differs on the copy: {before.get(name)} {after.get(name)}")
    return len(before)


def tables_of(path, block):
    with loop(path, block=block, readonly=True) as device:
        text = status("sfdisk", "-d", device)[1] + status("partx", "--show", device)[1]
        if "label: gpt" in text:  # of any other disk it prints a new identifier each time
            text += status("sgdisk", "-p", device)[1] + status("sgdisk", "-v", device)[1]
        return text.replace(device, "DISK")


def search(path, map_, living):
    """Sectors of files that are alive, in what is left out."""
    needles = {}
    for thing in living:
        if thing.tree:
            needles |= files.needles(thing.tree)
    if not needles:
        return 0
    with open(path, "rb") as image:
        for first, end in data_extents(path, map_):
            image.seek(first)
            data = image.read(end - first)
            for at in range(-first % SECTOR, len(data) - SECTOR + 1, SECTOR):
                found = needles.get(data[at:at + SECTOR])
                if found:
                    raise Lost(f"byte {first + at} is left out: it is byte {found[1]} of {found[0]!r}")
    return len(needles)


def kind_of(path, place, block):
    with loop(path, place, block, readonly=True) as device:
        found, tables = owners(device)
    return next(iter(found)) if len(found) == 1 and not tables else None


def within_others(path, map_, block, view, inner):
    """What of the map lies in volumes of a group, or on an array: the same rule as for partitions."""
    for thing in inner:
        part = within(map_, thing.place.first, thing.place.end)
        outer = [p for p in view.seen if p.first == thing.outer and thing.owner in view.seen[p][0]]
        if not part or not outer:
            continue
        kind = kind_of(path, thing.place, block)
        if kind not in CHECKS:
            raise Lost(f"bytes {part[0][0]} to {part[0][1]} are left out of {thing.place.name}, which is {kind}")
        yield thing.place, kind


def allowed_only(view, map_, log):
    """The places that may have a map; no other has."""
    allowed, reasons = view.allowed()
    lost = outside(map_, allowed)
    if lost:
        why = [f"{p.name}: {r}" for p, r in reasons.items() if r and p.first < lost[1] and p.end > lost[0]]
        raise Lost(f"bytes {lost[0]} to {lost[1]} are left out, of which nothing may be: "
                   f"{'; '.join(why) or 'of no partition'}\n{view.text()}\n{log}")
    for first, bytes_ in view.tables.records:
        if within(map_, first, first + bytes_):
            raise Lost(f"the table at byte {first} is left out")
    return allowed


def compare_all(stack, path, copy, view, places):
    """How many files are equal; Lost when any of the judges sees a difference."""
    if tables_of(path, stack.block) != tables_of(copy, stack.block):
        raise Lost("sfdisk, sgdisk or partx see another table on the copy")
    folder = os.path.join(stack.folder, "look")
    count = sum(compare(path, copy, place, stack.block, kind, folder) for place, kind in places)
    for place, kind in (places if stack.in_use else []):
        if recover(path, place, stack.block, kind, folder) != recover(copy, place, stack.block, kind, folder):
            raise Lost(f"{place.name}: files differ on the copy after a recovery")
    again = View(copy, stack.block)
    if again.text() != view.text():
        raise Lost(f"wipefs and blkid see something else on the copy: {again.text()} instead of {view.text()}")
    if stack.verity and stack.verity(path) == 0 != stack.verity(copy):
        raise Lost("veritysetup does not verify the copy")
    return count


def arrays(stack, views):
    """Those of which every disk has a half."""
    return [i for i in stack.inner if i.owner == "linux_raid_member" and all(
        any(p.first == i.outer and i.owner in found for p, (found, _) in view.seen.items()) for view in views)]


def judge_disk(tool, stack, seed, number, view):
    """Verdict on one of the disks."""
    path = stack.paths[number]
    map_, log = read_map(tool, stack.paths, number, stack.block)
    allowed = allowed_only(view, map_, log)
    whole = [f"{p.name} {' '.join(sorted(view.seen[p][0]))}" for p in allowed if not within(map_, p.first, p.end)]
    if not map_:
        return Verdict(map_, 0, whole)
    places = [(p, next(iter(view.seen[p][0]))) for p in allowed
              if within(map_, p.first, p.end) and p.first not in view.arrays]
    places += within_others(path, map_, stack.block, view, stack.inner)
    seen = {p.first for p, _ in places}
    search(path, map_, [thing for thing in stack.living if thing.place.first in seen])
    copy = os.path.join(stack.folder, "copy.raw")
    subprocess.run(["cp", "--sparse=always", path, copy], check=True)
    (poison if seed % 2 else punch)(copy, map_)
    return Verdict(map_, compare_all(stack, path, copy, view, places), whole)


def judge(tool, stack, seed):
    """Verdict of the first disk, with the files of all; Lost when something would be."""
    views = [View(path, stack.block) for path in stack.paths]
    for view in views:
        view.arrays = {a.outer: a for a in arrays(stack, views)}
    verdicts = [judge_disk(tool, stack, seed, number, view) for number, view in enumerate(views)]
    for thing in stack.inner if stack.equal else []:
        maps = [within(v.map, thing.place.first, thing.place.end) for v in verdicts]
        if maps[0] != maps[1]:
            raise Lost(f"two halves of {thing.place.name} that are equal would not stay so: {maps}")
    return Verdict(verdicts[0].map, sum(v.files for v in verdicts), verdicts[0].whole)
