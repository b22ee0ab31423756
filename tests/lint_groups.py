#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lint_groups.py HEADER...: a header that says which file has what is right. Declarations are grouped by a comment that
begins with file names, "// file.c", "// file.c: what it does", "// one.c and other.c", or by a ruler with one,
"// ---- What (file.c) ----". Files are in the header's folder, or named from the top of the tree. Prints each function or
variable of a group that none of its files defines, and each file that is not there."""

import os
import re
import sys

FILE = r"[a-z0-9_/]+\.c"
GROUP = re.compile(rf"// ({FILE}(?:(?:, | and ){FILE})*)(?:[:.]|$)|// -{{4}} (?:.*\()?({FILE})[):]")
RULER = re.compile(r"// -{4}")
# From the first column to the semicolon. Types, macros and inline functions are at home in the header.
DECLARED = re.compile(r"^(?!typedef|static|struct \w+;|struct \w+ \{|enum \w* ?\{|union|#|//|[ {}])[^{};#]*?;", re.M)
NAME = re.compile(r"(\w+)(?=\()|(\w+)(?=(?:\[[^\]]*\])*;$)")


def groups(text):
    """(number of the line, file names, text) of each group."""
    found = []
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = None if before.startswith("//") else GROUP.match(line)
        if match:
            found.append([number, re.findall(FILE, match[1] or match[2]), ""])
        elif RULER.match(line):
            found.append([number, [], ""])
        elif found:
            found[-1][2] += line + "\n"
        before = line
    return [group for group in found if group[1]]


def path_of(header, name):
    beside = os.path.join(os.path.dirname(header), name)
    return next((path for path in (beside, name) if os.path.isfile(path)), None)


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def defines(text, name):
    """A function, or a variable, at the beginning of a line and not static."""
    function = rf"^(?!static)\w[\w \*\n]*\b{name}\([^;{{}}]*\)\s*\{{"
    variable = rf"^(?!static|extern)\w[\w \*]*\b{name}(\[[^\]]*\])*( =[^=]|;)"
    return re.search(function, text, re.M) or re.search(variable, text, re.M)


def judge(header):
    with open(header, encoding="utf-8") as file:
        text = file.read()
    for number, names, part in groups(text):
        paths = {name: path_of(header, name) for name in names}
        missing = [name for name, path in paths.items() if not path]
        for name in missing:
            print(f"{header}:{number}: there is no {name}")
        if missing:
            continue
        sources = ""
        for path in paths.values():
            with open(path, encoding="utf-8") as file:
                sources += without_comments(file.read())
        for declared in DECLARED.findall(without_comments(part)):
            match = NAME.search(declared)
            name = match and (match[1] or match[2])
            if name and not defines(sources, name):
                print(f"{header}:{number}: {name} is not in {' or '.join(names)}")


for argument in sys.argv[1:]:
    judge(argument)
