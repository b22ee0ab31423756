#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges how the sources hang together, by the symbols of their objects: prints each place that breaks the rule.

lint_symbols.py circles   files that need each other in a circle; data that is referred to counts as calls do
lint_symbols.py users     external functions and data that no other file uses
lint_symbols.py twice     what has the name of something else: external symbols, types of headers, files

It reads build/efi/FOLDER/*.o and build/linux/FOLDER/*.o of sources that exist. Each flavour is a graph of its own,
since both define the same platform. A function that only tests call is one whose header says so: the comment above
its declaration, or the one at the head of the header, has the word "tests". Names that are known in one source file
only are free. tests/lint_allowed has the exceptions."""

import fnmatch
import glob
import os
import re
import subprocess
import sys

FOLDERS = ("base", "boot", "drivers", "finalize", "image", "linux", "migrate", "net", "replica")
FLAVOURS = {"efi": "llvm-nm", "linux": "nm"}
UNLINKED = "base/platform_stub.c"  # compiled as a check, and part of no program
ENTRIES = {"main", "efi_main"}
# What the compiler makes for itself: strings, constants, marks.
MADE = re.compile(r"^(\?\?_C@|__real@|__xmm@|__ymm@|_fltused$|\.)")
TAG = re.compile(r"^\s*(?:static |const |typedef )*(?:struct|enum|union) (\w+) *\{", re.M)


# ---- The objects -------------------------------------------------------------------------------

def source_of(path, flavour):
    """The source of an object: ours, or third-party code below build/. None if it is gone or in no program."""
    source = os.path.relpath(path, f"build/{flavour}")[:-2] + ".c"
    if source.startswith("third_party/"):
        return "build/" + source
    ours = source.split("/")[0] in FOLDERS and os.path.isfile(source) and source != UNLINKED
    return source if ours else None


def is_ours(source):
    return not source.startswith("build/")


def read_flavour(flavour):
    """What each source defines and what it leaves to others: two of {source: {symbol}}."""
    objects = [o for o in glob.glob(f"build/{flavour}/**/*.o", recursive=True) if source_of(o, flavour)]
    defined, wanted = {}, {}
    if not objects:
        return defined, wanted
    text = subprocess.run([FLAVOURS[flavour], "-A", "-P", *sorted(objects)], check=True, capture_output=True,
                          text=True).stdout
    for line in text.splitlines():
        path, name, letter = line.split()[:3]
        side = wanted if letter in "Uw" else defined if letter.isupper() else None
        if side is not None and not MADE.match(name):
            side.setdefault(source_of(path.rstrip(":"), flavour), set()).add(name)
    return defined, wanted


def homes_of(defined):
    """{symbol: our sources that define it}."""
    homes = {}
    for source, names in sorted(defined.items()):
        for name in names if is_ours(source) else ():
            homes.setdefault(name, []).append(source)
    return homes


# ---- Exceptions --------------------------------------------------------------------------------

class Allowed:
    """The lines of tests/lint_allowed of one kind: `KIND WORD...: reason`. Each has to be of use."""

    def __init__(self, kind):
        self.rows = []
        with open("tests/lint_allowed", encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                words = line.split("#")[0].split(":")[0].replace("->", " ").split()
                if words and words[0] == kind:
                    self.rows.append([number, words[1:], False])

    def match(self, *names):
        rows = [r for r in self.rows
                if len(r[1]) == len(names) and all(map(fnmatch.fnmatchcase, names, r[1]))]
        for row in rows:
            row[2] = True
        return bool(rows)

    def print_idle(self):
        for number, words, used in self.rows:
            if not used:
                print(f"tests/lint_allowed:{number}: {' '.join(words)} is no exception any more")


# ---- Circles -----------------------------------------------------------------------------------

def edges_of(flavour):
    """{(file, file): symbols}: who needs what of whom, among our own files."""
    defined, wanted = read_flavour(flavour)
    homes, edges = homes_of(defined), {}
    for source, names in wanted.items():
        for name in names if is_ours(source) else ():
            for home in homes.get(name, []):
                if home != source:
                    edges.setdefault((source, home), set()).add(name)
    return edges


def knots_of(edges):
    """The strongly connected parts of more than one file (Tarjan's algorithm)."""
    after, index, low, stack, knots = {}, {}, {}, [], []
    for a, b in sorted(edges):
        after.setdefault(a, []).append(b)

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in after.get(file, []):
            if other not in index:
                visit(other)
            if other in stack:
                low[file] = min(low[file], low[other])
        if low[file] == index[file]:
            at = stack.index(file)
            if len(stack) - at > 1:
                knots.append(set(stack[at:]))
            del stack[at:]

    for file in sorted(after):
        if file not in index:
            visit(file)
    return knots


def circles():
    allowed = Allowed("circle")
    for flavour in FLAVOURS:
        edges = edges_of(flavour)
        within = [e for knot in knots_of(edges) for e in edges if e[0] in knot and e[1] in knot]
        kept = {e: edges[e] for e in within if not allowed.match(*e)}
        for knot in knots_of(kept):
            print(f"{flavour}: a circle of {len(knot)} files")
            for (a, b), names in sorted(kept.items()):
                if a in knot and b in knot:
                    print(f"    {a} -> {b}: {' '.join(sorted(names))}")
    allowed.print_idle()


# ---- Users -------------------------------------------------------------------------------------

def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def sources(*patterns):
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    return [n for n in names if n and os.path.isfile(n)]


def says_tests(lines, at):
    """Whether the comment above line `at` or its group, beside it, or at the head of the header speaks of tests."""
    above, head = at, 0
    while above > 0 and lines[above - 1] and not lines[above - 1].startswith("//"):
        above -= 1
    while above > 0 and lines[above - 1].startswith("//"):
        above -= 1
    while head < len(lines) and lines[head].startswith("//"):
        head += 1
    beside = lines[at].partition("//")[2]
    return re.search(r"\btests?\b", " ".join(lines[above:at] + lines[:head] + [beside]), re.I) is not None


def names_for_tests():
    """What headers of ours declare for tests."""
    found = set()
    for header in sources("*.h"):
        if header.split("/")[0] not in FOLDERS:
            continue
        lines = read(header).split("\n")
        for at, line in enumerate(lines):
            names = re.findall(r"\b(\w+)(?:\(|\[|;|,)", line) if re.match(r"[A-Za-z]", line) else []
            if names and says_tests(lines, at):
                found.update(names)
    return found


def users():
    allowed, wanted_by, homes = Allowed("unused"), {}, {}
    for flavour in FLAVOURS:
        defined, wanted = read_flavour(flavour)
        for source, names in wanted.items():
            for name in names:
                wanted_by.setdefault(name, set()).add(source)
        for name, files in homes_of(defined).items():
            homes.setdefault(name, set()).update(files)
    tests = set(re.findall(r"\w+", " ".join(read(f) for f in sources("tests/*.c", "tests/*.h"))))
    for_tests = names_for_tests()
    for name, files in sorted(homes.items(), key=lambda item: (sorted(item[1]), item[0])):
        for file in sorted(files):
            if name in ENTRIES or wanted_by.get(name, set()) - {file}:
                continue
            if (name in for_tests and name in tests) or allowed.match(file, name):
                continue
            only = "only tests use it, and its header does not say so" if name in tests else "no other file uses it"
            print(f"{file}: {name}: {only}")
    allowed.print_idle()


# ---- Names -------------------------------------------------------------------------------------

def print_twice(places, allowed, what):
    for name, files in sorted(places.items()):
        if len(files) > 1 and not allowed.match(what, name):
            print(f"{what} {name}: {' '.join(sorted(files))}")


def tags():
    """{tag: files} of what headers define, with every file that defines it too."""
    places = {}
    for file in sources("*.c", "*.h"):
        for tag in TAG.findall(read(file)):
            places.setdefault(tag, set()).add(file)
    return {t: f for t, f in places.items() if t.startswith("bf_") or any(n.endswith(".h") for n in f)}


def file_names():
    """{name without its ending: files} of the top folders. In a room a file has the room's name before its own."""
    places = {}
    for file in sources(*(f"{folder}/*.[ch]" for folder in FOLDERS)):
        folder, name = os.path.split(file)
        if "/" in folder:
            continue
        places.setdefault(os.path.splitext(name)[0], {}).setdefault(folder, file)
    return {n: set(f.values()) for n, f in places.items()}


def twice():
    allowed = Allowed("twice")
    for flavour in FLAVOURS:
        homes = homes_of(read_flavour(flavour)[0])
        print_twice({n: set(f) for n, f in homes.items() if n not in ENTRIES}, allowed, "symbol")
    print_twice(tags(), allowed, "type")
    print_twice(file_names(), allowed, "file")
    allowed.print_idle()


if __name__ == "__main__":
    {"circles": circles, "users": users, "twice": twice}[sys.argv[1]]()
