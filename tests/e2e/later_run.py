#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the scenario of a later run does to disks and stored files, and what it counts.

later_run.py change DISK FILES PERCENT SEED   writes noise into this share of the chunks that files fill, and prints
                                              CHANGED COMPRESSED USED: chunks, their bytes by zstd -1, bytes of files
later_run.py damage LAYER DISK SEED           turns over bytes of one chunk of the disk in a stored layer
later_run.py tables LAYER                     turns over every entry of the layer's second-level tables
later_run.py lie WORKING DISK FILES SEED      copies one chunk of the disk over another, and its record with it: the
                                              server seems to have what it does not have

FILES is what `debugfs blocks` printed: the file system's blocks of 4 KiB that files fill. Nothing here is ours but the
position of the records in the working manifest (docs/formats.md).
"""
import random
import subprocess
import sys

CHUNK, BLOCK = 65536, 4096


def chunks(path):
    with open(path, "rb") as disk:
        while part := disk.read(CHUNK):
            yield part


def packed(data):
    return len(subprocess.run(["zstd", "-1", "-c", "-q"], input=data, stdout=subprocess.PIPE, check=True).stdout)


def file_blocks(files):
    by_chunk = {}
    for line in open(files):
        if line[0].isdigit():
            for block in {int(b) for b in line.split()}:
                by_chunk.setdefault(block * BLOCK // CHUNK, []).append(block)
    return by_chunk


def change(disk, files, percent, seed):
    dice = random.Random(int(seed))
    by_chunk = file_blocks(files)
    chosen = dice.sample(sorted(by_chunk), max(1, len(by_chunk) * int(percent) // 100))
    compressed = 0
    with open(disk, "r+b") as f:
        for chunk in chosen:
            f.seek(dice.choice(by_chunk[chunk]) * BLOCK)
            f.write(dice.randbytes(BLOCK))
        for chunk in chosen:
            f.seek(chunk * CHUNK)
            compressed += packed(f.read(CHUNK))
    print(len(chosen), compressed, sum(map(len, by_chunk.values())) * BLOCK)


def damage(layer, disk, seed):
    dice = random.Random(int(seed))
    stored = {part: i for i, part in enumerate(chunks(layer)) if any(part)}
    found = [stored[part] for part in chunks(disk) if part in stored]
    assert found, "no chunk of the disk is in the layer"
    with open(layer, "r+b") as f:
        f.seek(dice.choice(found) * CHUNK + 1000)
        f.write(dice.randbytes(16))


def tables(layer):
    with open(layer, "r+b") as f:
        header = f.read(48)
        number = lambda at, size: int.from_bytes(header[at : at + size], "big")
        cluster, count, first = 1 << number(20, 4), number(36, 4), number(40, 8)
        f.seek(first)
        for entry in [f.read(8) for _ in range(count)]:
            at = int.from_bytes(entry, "big") & 0x00FFFFFFFFFFFE00
            if at:
                f.seek(at)
                old = f.read(cluster)
                f.seek(at)
                f.write(bytes(b ^ 0x5A for b in old))


def lie(working, disk, files, seed):
    whole = [chunk for chunk, blocks in file_blocks(files).items() if len(blocks) == CHUNK // BLOCK]
    there, here = random.Random(int(seed)).sample(sorted(whole), 2)
    with open(disk, "r+b") as f:
        size = f.seek(0, 2)
        f.seek(there * CHUNK)
        data = f.read(CHUNK)
        f.seek(here * CHUNK)
        f.write(data)
    windows = -(-size // (256 << 20))
    records = -(-(8192 + windows) // 4096) * 4096
    with open(working, "r+b") as f:
        f.seek(records + 32 * there)
        record = f.read(32)
        assert any(record[:31]), "the chunk has no digest"
        f.seek(records + 32 * here)
        f.write(record)


globals()[sys.argv[1]](*sys.argv[2:])
