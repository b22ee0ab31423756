# SPDX-License-Identifier: Apache-2.0
"""Files whose every sector is like no other, so that they can be found again on a disk."""
import hashlib
import os

from disk import SECTOR


def tree(rng, folder, total):
    """Some files of sizes from nothing to several chunks; the bytes that they need, about."""
    os.makedirs(os.path.join(folder, "deep", "er"), exist_ok=True)
    number = 0
    while total > 0 and number < 60:
        size = rng.choice([0, 1, 700, 4096, 9000, 40000, 65536, 200000, 700000])
        size = min(size, total)
        under = rng.choice(["", "deep", "deep/er"])
        with open(os.path.join(folder, under, f"file-{number}"), "wb") as f:
            f.write(rng.randbytes(size))
        total -= size + 2048
        number += 1


def digests(folder):
    """Of every file that can be read there; of the others, why not."""
    found = {}
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            path = os.path.join(where, name)
            key = os.path.relpath(path, folder)
            try:
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                with open(path, "rb") as f:
                    found[key] = hashlib.sha256(f.read()).hexdigest()
            except OSError as fault:
                found[key] = f"cannot be read: {fault.strerror}"
    return found


def needles(folder):
    """Every whole sector of the files there, and of which file it is."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.islink(path):
                continue
            with open(path, "rb") as f:
                bytes_ = f.read()
            for at in range(0, len(bytes_) - SECTOR + 1, SECTOR):
                found[bytes_[at:at + SECTOR]] = (os.path.relpath(path, folder), at)
    return found
