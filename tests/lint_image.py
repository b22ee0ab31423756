#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What the boot image is made of: bytes per folder and per object file from the linker's map, as comments and, to compare
# two of them, in build/bootferry.sizes. Then the rules: the image's limit, and that the size which documents state is the
# real one, to 1 % (another compiler makes another image). Called by tests/lint.sh.
import collections
import glob
import os
import re
import subprocess
import sys

IMAGE, MAP, TABLE, OBJECTS = "build/bootferry.efi", "build/bootferry.map", "build/bootferry.sizes", "build/efi"
LIMIT = 1044480
STATED = re.compile(r"[Tt]he boot image has ([0-9,]+) bytes")

failed = False


def judge(rule, places):
    global failed
    for place in places:
        print("# " + place)
    print(("not ok" if places else "ok") + " lint: " + rule)
    failed = failed or bool(places)


def read_map(lines):
    """Sections as (number, begin, end, has bytes in the file), and symbols as (number, offset, name, object)."""
    sections, symbols = [], []
    for line in lines:
        section = re.match(r" (\w{4}):(\w{8}) (\w{8})H (\S+)", line)
        symbol = re.match(r" (\w{4}):(\w{8})\s+(\S+)\s+\w{16}\s+(\S+)", line)
        if section:
            begin = int(section[2], 16)
            sections.append((int(section[1], 16), begin, begin + int(section[3], 16), section[4] != ".bss"))
        elif symbol:
            symbols.append((int(symbol[1], 16), int(symbol[2], 16), symbol[3], symbol[4].split(":")[-1]))
    return sections, sorted(symbols)


def objects_by_name():
    found = collections.defaultdict(list)
    for path in glob.glob(OBJECTS + "/**/*.o", recursive=True):
        found[os.path.basename(path)].append(path)
    return found


def defined(path):
    out = subprocess.run(["llvm-nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line}


class Places:
    """The path of an object. The map has its last part only; where several have the same, the symbol decides."""

    def __init__(self):
        self.by_name, self.symbols = objects_by_name(), {}

    def of(self, name, symbol):
        paths = self.by_name.get(name, [name])
        for path in paths if len(paths) > 1 else []:
            if path not in self.symbols:
                self.symbols[path] = defined(path)
            if symbol in self.symbols[path]:
                return path
        return paths[0]


def bytes_per_object(lines):
    sections, symbols = read_map(lines)
    places, total = Places(), collections.Counter()
    for i, (number, offset, symbol, name) in enumerate(symbols):
        around = [s for s in sections if s[0] == number and s[1] <= offset < s[2]]
        if not around or not around[0][3]:
            continue
        end = around[0][2]
        if i + 1 < len(symbols) and symbols[i + 1][0] == number:
            end = min(end, symbols[i + 1][1])
        total[os.path.relpath(places.of(name, symbol), OBJECTS)] += end - offset
    return total


def folder(path):
    parts = path.split("/")
    return "/".join(parts[:2] if parts[0] == "third_party" else parts[:1])


def row(count, name):
    return f"{count:9,}  {name}"


def table(total, size):
    """The lines of the table: folders, the whole image, objects."""
    folders = collections.Counter()
    for path, count in total.items():
        folders[folder(path)] += count
    folders["constants without a name, headers, alignment"] = size - sum(total.values())
    sums = [row(count, name) for name, count in folders.most_common()]
    return sums + [row(size, "all of it"), ""] + [row(count, path) for path, count in total.most_common()]


def statements(size):
    """Where a document states another size, or that none states it."""
    wrong, found = [], 0
    for path in ["README.md"] + sorted(glob.glob("docs/**/*.md", recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = " ".join(file.read().split())
        for stated in STATED.findall(text):
            found += 1
            if abs(int(stated.replace(",", "")) - size) > size // 100:
                wrong.append(f"{path}: says {stated} bytes, it has {size:,}")
    return wrong if found else ["no document says: the boot image has ... bytes"]


def main():
    size = os.path.getsize(IMAGE)
    with open(MAP, encoding="utf-8") as file:
        lines = table(bytes_per_object(file), size)
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"# bytes of the boot image, as in {TABLE}:")
    for line in lines:
        print(("# " + line).rstrip())
    judge(f"the boot image has at most {LIMIT:,} bytes", [f"{IMAGE}: {size:,}"] if size > LIMIT else [])
    judge("documents state the size that the boot image has", statements(size))
    return failed


sys.exit(main())
