#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Digests of every file in an XFS image, read without mounting it: xfs_db tells where they are.

xfs_files.py IMAGE   one line for each file with blocks: its digest, size and path
"""
import hashlib
import re
import subprocess
import sys


def ask(image, commands):
    return subprocess.run(["xfs_db", "-r", "-f", image], input=commands, check=True,
                          capture_output=True, text=True).stdout


def main(image):
    names = re.findall(r"^ *(\d+) (\S+)$", ask(image, "blockget -n\nncheck\n").replace("xfs_db> ", ""),
                       re.M)
    text = ask(image, "sb 0\np blocksize agblocks agblklog\n" +
               "".join(f"inode {n}\np core.mode core.size\nbmap\n" for n, _ in names))
    size, group = (int(re.search(rf"{w} = (\d+)", text).group(1)) for w in ("blocksize", "agblocks"))
    files = re.split(r"core\.mode = ", text)[1:]
    with open(image, "rb") as disk:
        for (_, path), file in zip(names, files, strict=True):
            if not file.startswith("010"):
                continue
            length = int(re.search(r"core\.size = (\d+)", file).group(1))
            digest = hashlib.sha256()
            for at, ag, block, count, flag in re.findall(
                    r"data offset (\d+) startblock \d+ \((\d+)/(\d+)\) count (\d+) flag (\d)", file):
                disk.seek((int(ag) * group + int(block)) * size)
                digest.update(f"{at} {count} {flag}".encode())
                digest.update(disk.read(int(count) * size))
            print(digest.hexdigest(), length, path)


main(sys.argv[1])
