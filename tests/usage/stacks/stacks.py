#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disks made by chance: two or three owners and tables over each other in the same place, each by its
own tool, and the maps judged by the tools of the last one.

stacks.py seeds FIRST COUNT FOLDER   so many seeds from FIRST on; a failing one keeps its image in FOLDER
stacks.py marks FOLDER               the marks that are written here are what blkid and wipefs take them for

A seed always gives the same stack; identifiers and times in it are the tools' own, and differ.
"""
import os
import random
import shutil
import signal
import subprocess
import sys

import groups
import judge
import marks
import migration
import owners
import tables
from disk import MIB, SECTOR, Failed, Place, fill, have, libc, loop, missing, partitions, run, stop
from disk import owners as seen_by

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
MAP = os.path.join(TOP, "build", "tests", "usage_map")
PR_SET_PDEATHSIG = 1
SIZES = (32, 40, 64, 64, 96, 120, 128, 160, 200, 320, 400)


class Stack:
    """A disk under work, and what is known of it."""

    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.seed, self.folder = seed, folder
        self.path = os.path.join(folder, "disk.raw")
        self.words, self.living, self.inner, self.verity, self.in_use = [], [], [], None, False
        self.paths, self.equal = [self.path], False
        self.block = 4096 if self.rng.random() < 0.06 else SECTOR
        size = self.rng.choice(SIZES) * MIB + self.rng.choice([0, 0, 0, 512, 4096, 61440]) // self.block * self.block
        with open(self.path, "wb") as image:
            image.truncate(size)
        self.log(f"{size / MIB:g} MiB" + (", blocks of 4096" if self.block > SECTOR else ""))
        if self.rng.random() < 0.6:
            fill(self.path, 0, min(size, 96 * MIB))
            self.log("not empty")
        self.disk = tables.Disk(self.rng, self.path, self.block, self.log)

    def log(self, *words):
        self.words.extend(w for w in words if w)

    def whole(self):
        return Place(0, self.disk.bytes, "whole")

    def parts(self):
        with loop(self.path, block=self.block) as device:
            return partitions(device, self.path, self.block)[0]

    # ---- Steps

    def step(self, function, *args):
        """One more, or a word that it did not go."""
        self.log("|")
        try:
            function(*args)
        except (Failed, OSError, subprocess.SubprocessError) as fault:
            self.log(f"(not done: {' '.join(str(fault).split())[-110:]})")

    def visible(self):
        """A place that Linux would make, or the whole disk."""
        parts = self.parts()
        if parts and self.rng.random() < 0.93:
            return self.rng.choice(parts)
        return self.whole()

    def hidden(self):
        """A place that was a partition once."""
        size = self.disk.bytes
        first = self.rng.choice([0, 63 * SECTOR, MIB, MIB, 2 * MIB, self.rng.randrange(size // MIB // 2) * MIB])
        first = first // self.block * self.block
        end = self.rng.choice([size, size - MIB, first + (size - first) * self.rng.randint(40, 90) // 100])
        return Place(first, (end - first) // 4096 * 4096, "former partition")

    def own(self, place, names=None):
        name = owners.choose(self.rng, place.bytes, names)
        if not name:
            raise Failed(f"nothing fits into {place.bytes} bytes")
        self.log(f"{place.name} {place.first}+{place.bytes}:")
        self.forget(place)
        work = owners.Work(self.rng, self.folder, place, self.block, self.log)
        taken = self.path + ".taken"
        work.snapshot = lambda: subprocess.run(["cp", "--sparse=always", self.path, taken], check=True)
        with loop(self.path, place, self.block) as device:
            tree = owners.make(name, work, device)
        if os.path.exists(taken):
            os.replace(taken, self.path)
            self.in_use = True
        self.living.append(judge.Living(place, name, tree))

    def forget(self, place):
        """Whatever lies under it is gone."""
        self.living = [t for t in self.living if t.place.end <= place.first or place.end <= t.place.first]

    def group(self, place):
        if not have("lvm") or place.bytes < 24 * MIB:
            raise Failed("no group")
        self.log(f"{place.name} {place.first}+{place.bytes}: lvm")
        self.forget(place)
        with loop(self.path, place, self.block) as device:
            made = groups.volumes(owners.Work(self.rng, self.folder, place, self.block, self.log), device)
        self.inner = [i for i in self.inner if i.outer != place.first]
        self.inner += [judge.Inner(place.first, "LVM2_member", volume) for volume in made]
        for volume in made:
            self.own(volume, ("ext", "ext", "swap", "fat", "ntfs", "btrfs", "xfs"))

    def mark(self, place):
        name = marks.choose(self.rng)
        marks.write(name, self.path, place.first, place.bytes)
        self.log(f"{place.name}: mark of {name}")

    def hashes(self):
        """A tree of hashes of one partition in another, as images with dm-verity have it."""
        parts = [p for p in self.parts() if p.bytes >= 2 * MIB]
        if len(parts) < 2 or not have("veritysetup"):
            raise Failed("no two partitions")
        data, tree = self.rng.sample(parts, 2)
        with loop(self.path, data) as a, loop(self.path, tree) as b:
            if seen_by(a)[0] == {"swap"}:
                raise Failed("nobody verifies swap")
            text = run("veritysetup", "format", a, b)
        root = text.split("Root hash:")[1].split()[0]
        self.forget(tree)

        def verify(path):
            with loop(path, data) as a, loop(path, tree) as b:
                return judge.status("veritysetup", "verify", a, b, root)[0]
        self.verity = verify
        self.log(f"hashes of {data.name} in {tree.name}")

    def mirror(self):
        """Two disks with the halves of an array in the same place, which may have become different."""
        place, other = self.visible(), os.path.join(self.folder, "other.raw")
        if place.bytes < 20 * MIB:
            raise Failed("too small for an array")
        subprocess.run(["cp", "--sparse=always", self.path, other], check=True)
        version = self.rng.choice(["0.90", "1.0", "1.1", "1.2"])
        first, size = marks.halves(version, [self.path, other], place, self.rng.choice([0, 0, 1]))
        self.log(f"two disks: {place.name} {place.first}+{place.bytes}: md {version}")
        data = Place(first, size, "array")
        self.inner = [judge.Inner(place.first, "linux_raid_member", data)]
        self.paths.append(other)
        self.own(data, owners.MAPPED)
        with open(self.path, "rb") as a, open(other, "r+b") as b:
            a.seek(first)
            b.seek(first)
            shutil.copyfileobj(a, b, MIB) if place.end == self.disk.bytes else b.write(a.read(size))
        self.equal = True
        self.part(other, place, data, version)

    def part(self, other, place, data, version):
        """What happens to one half, and not to the other."""
        how = self.rng.choice(["nothing", "nothing", "older", "other owner", "gone"])
        self.equal = how == "nothing"
        self.log(f"other half: {how}")
        if how == "older":
            marks.halves(version, [other], place, 0, events=5)
        elif how == "other owner":
            with loop(other, self.rng.choice([place, data]), self.block) as device:
                run("mkfs.fat", "-I", device)
        elif how == "gone":
            self.paths.pop()
            self.inner = []

    def live(self):
        """An ISO image on the disk, and what it keeps behind it."""
        self.own(self.whole(), ("iso",))
        with open(self.path, "rb") as image:
            image.seek(32768 + 80)
            end = int.from_bytes(image.read(4), "little") * 2048
        tables.behind(self.disk, end)
        self.own(self.parts()[-1], ("ext", "ext", "fat", "ntfs", "xfs"))

    # ---- A whole stack

    def before(self):
        kind = self.rng.choices(["own", "hidden", "table", "mark", "group", "change"], [6, 4, 5, 3, 2, 2])[0]
        if kind == "own":
            self.step(lambda: self.own(self.visible(), self.rng.choice([owners.MAPPED, None])))
        elif kind == "hidden":
            self.step(lambda: self.own(self.hidden(), self.rng.choice([owners.MAPPED, None])))
        elif kind == "table":
            self.step(tables.new, self.disk)
            self.step(lambda: self.own(self.visible()))
        elif kind == "mark":
            self.step(lambda: self.mark(self.rng.choice([self.visible(), self.whole()])))
        elif kind == "group":
            self.step(lambda: self.group(self.visible()))
        else:
            self.step(tables.change, self.disk)

    def after(self):
        kind = self.rng.choices(["change", "mark", "hashes", "resized"], [5, 3, 1, 2])[0]
        if kind == "change":
            self.step(tables.change, self.disk)
        elif kind == "mark":
            self.step(lambda: self.mark(self.rng.choice([self.visible(), self.whole()])))
        elif kind == "hashes":
            self.step(self.hashes)
        else:
            self.step(tables.resized, self.disk)

    def seen_otherwise(self):
        """As when an image comes from a disk with other blocks: Linux reads the table as it is told to."""
        chance = 0.35 if self.block > SECTOR else 0.04
        if self.rng.random() < chance and self.disk.bytes % 4096 == 0 and len(self.paths) == 1:
            self.block = self.disk.block = SECTOR if self.block > SECTOR else 4096
            self.log(f"| seen with blocks of {self.block}")

    def build(self):
        self.layers()
        self.seen_otherwise()

    def layers(self):
        for _ in range(self.rng.choice([0, 1, 1, 1, 2])):
            self.before()
        if self.rng.random() < 0.35:
            self.step(tables.new, self.disk)
        last = self.rng.random()
        if last < 0.11:
            self.step(self.live if last < 0.05 else self.mirror)
            return
        for place in [self.visible()] if self.rng.random() < 0.7 else self.parts() or [self.whole()]:
            if self.rng.random() < 0.1:
                self.step(self.group, place)
            else:
                self.step(self.own, place, owners.MAPPED if self.rng.random() < 0.8 else owners.UNMAPPED)
        if self.rng.random() < 0.45:
            self.after()


def one(seed, keep):
    """Whether the copy of this stack is right; one line on it, and where it is not, the image is kept."""
    folder = os.path.join(keep, f"seed-{seed}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    stack = Stack(seed, folder)
    stack.build()
    said = " ".join(stack.words)
    try:
        found = judge.judge(MAP, stack, seed)
        pushed = seed % 5 == 0 and len(stack.paths) == 1 and migration.migrate(TOP, seed, stack.path, stack.block, found.map, folder)
    except judge.Lost as fault:
        print("\n".join("# " + line for line in f"{fault}\nimage: {stack.path}".splitlines()))
        print(f"not ok seed {seed}: {said}", flush=True)
        for name in os.listdir(folder):
            if name != "disk.raw":
                path = os.path.join(folder, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        return False
    print(f"ok seed {seed}: {said} => {sum(b - a for a, b in found.map)} bytes left out, {found.files} files equal"
          + (", migrated" if pushed else "") + "".join(f", whole: {place}" for place in found.whole), flush=True)
    shutil.rmtree(folder)
    return True


def main():
    signal.signal(signal.SIGTERM, stop)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # so that loop devices are let go when the script is killed
    if sys.argv[1] == "marks":
        wrong = marks.selftest(sys.argv[2])
        print("\n".join(wrong))
        return 1 if wrong else 0
    first, count, keep = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    good = [one(seed, keep) for seed in range(first, first + count)]
    for tool in sorted(missing):
        print(f"missing: {tool}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
