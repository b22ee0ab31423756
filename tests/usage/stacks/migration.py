# SPDX-License-Identifier: Apache-2.0
"""The whole way instead of the map alone: the disk is pushed to a daemon and exported again."""
import os
import re

from disk import Failed, run
from judge import Lost

CHUNK = 65536  # of disks of this size, docs/formats.md
PORT = os.environ.get("BF_STACKS_PORT")


def check_export(path, out, map_):
    """Equal to the disk, but zero where a whole chunk is in the map."""
    with open(path, "rb") as a, open(out, "rb") as b:
        at = i = 0
        while data := a.read(CHUNK):
            got = b.read(CHUNK)
            while i < len(map_) and map_[i][1] <= at:
                i += 1
            unused = i < len(map_) and map_[i][0] <= at and at + len(data) <= map_[i][1]
            if got != (bytes(len(data)) if unused else data):
                raise Lost(f"the exported disk differs in the chunk at byte {at}")
            at += len(data)
        if b.read(1):
            raise Lost("the exported disk is longer")


def migrate(top, seed, path, block, map_, folder):
    """Lost when the disk that comes back is not what the map says."""
    if not PORT or block != 512:  # what an image is counted in cannot be told to it
        return False
    bootferry, machine = os.path.join(top, "build", "bootferry"), f"seed-{seed}"
    conf, out = os.path.join(folder, "conf"), os.path.join(folder, "exported.raw")
    try:
        run(bootferry, "machine", "add", machine)
        run(bootferry, "media", machine, "--conf", conf, "--set", f"server=127.0.0.1:{PORT}")
        text = run(os.path.join(top, "build", "bootferry-push"), "--conf", conf, "--disk", path)
        run(bootferry, "export", machine, "--disk", "0", "--format", "raw", out)
    except Failed as fault:
        raise Lost(f"the migration failed: {fault}") from fault
    check_export(path, out, map_)
    unused = re.findall(r" event=progress .* unused=(\d+) ", text)
    if bool(unused and int(unused[-1])) != any(a // CHUNK + (a % CHUNK > 0) < b // CHUNK for a, b in map_):
        raise Lost(f"the migration left out {unused} bytes, which does not go with the map")
    os.unlink(out)
    return True
