#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges maps of what is used against a second opinion.

compare.py ext IMAGE MAP [OFFSET]   MAP (lines "FIRST END") within what dumpe2fs calls free, and at
                                    least 95 % of it
compare.py xfs IMAGE MAP [LEAST]     the same beside xfs_db, of which it must be LEAST
compare.py ntfs IMAGE MAP            the same beside $Bitmap, as ntfs-3g reads it
compare.py fat IMAGE MAP             MAP is as much as fsck.fat counts as free
compare.py f2fs IMAGE MAP            the same beside the blocks that dump.f2fs has as valid, all of it
compare.py exfat IMAGE MAP           MAP is as much as dump.exfat counts as free
compare.py copy SOURCE COPY MAP CHUNK
                                    COPY is SOURCE where a chunk is not wholly in MAP, and zero there
compare.py maps MAP OTHER           MAP within OTHER, and at least 95 % of it
compare.py none MAP                 MAP is empty
"""
import re
import struct
import subprocess
import sys


def read_map(path):
    with open(path) as lines:
        return [tuple(map(int, line.split())) for line in lines]


def free_of_ext(image, offset):
    """Extents that dumpe2fs lists as free, in bytes of the disk."""
    target = f"{image}?offset={offset}" if offset else image
    text = subprocess.run(["dumpe2fs", target], check=True, capture_output=True, text=True).stdout
    size = int(re.search(r"^Block size:\s+(\d+)", text, re.M).group(1))
    # With bigalloc a range ends with the first block of its last cluster.
    cluster = re.search(r"^Cluster size:\s+(\d+)", text, re.M)
    ratio = int(cluster.group(1)) // size if cluster else 1
    blocks = []
    for line in re.findall(r"^  Free blocks: (.*)$", text, re.M):
        for part in filter(None, line.strip().split(", ")):
            first, _, last = part.partition("-")
            blocks.append((int(first), int(last or first) + ratio))
    end = int(re.search(r"^Block count:\s+(\d+)", text, re.M).group(1))
    return [(offset + a * size, offset + min(b, end) * size) for a, b in sorted(blocks)]


def free_of_xfs(image):
    """Extents that xfs_db finds in the trees of free space, and blocks kept for these trees."""
    command = ["xfs_db", "-r", "-c", "sb 0", "-c", "p blocksize agblocks", "-c", "freesp -d", image]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    size, group = (int(re.search(rf"^{name} = (\d+)", text, re.M).group(1))
                   for name in ("blocksize", "agblocks"))
    extents = [(int(a) * group + int(b), int(n))
               for a, b, n in re.findall(r"^ *(\d+) +(\d+) +(\d+)$", text, re.M)]
    return sorted((first * size, (first + count) * size) for first, count in extents)


def free_of_ntfs(image):
    """Runs of zeros in $Bitmap, of the clusters that there are."""
    text = subprocess.run(["ntfsinfo", "-f", "-m", image], check=True, capture_output=True,
                          text=True).stdout
    size, clusters = (int(re.search(rf"{name}: (\d+)", text).group(1))
                      for name in ("Cluster Size", "Volume Size in Clusters"))
    bits = subprocess.run(["ntfscat", "-f", image, "$Bitmap"], check=True, capture_output=True).stdout
    text = "".join(f"{byte:08b}"[::-1] for byte in bits)[:clusters]
    return [(run.start() * size, run.end() * size) for run in re.finditer("0+", text)]


def free_of_f2fs(image):
    """What is not valid in the table that dump.f2fs leaves in the current folder."""
    with open(image, "rb") as file:
        segments, main = struct.unpack_from("<I20xI", file.read(4096), 1024 + 68)
    subprocess.run(["dump.f2fs", "-s", f"0~{segments}", image], check=True, capture_output=True)
    bits = ["0" * 512] * segments
    with open("dump_sit") as table:
        for part in table.read().split("segno:")[1:]:
            number = int(part.split()[0])
            text = "".join(re.findall(r"^((?:  [0-9a-f]{2})+)$", part, re.M))
            if text and number < segments:
                bits[number] = "".join(f"{int(byte, 16):08b}" for byte in text.split())
    return [((main + run.start()) * 4096, (main + run.end()) * 4096)
            for run in re.finditer("0+", "".join(bits))]


def within(ours, theirs):
    """Bytes of ours that are outside of theirs; theirs may touch each other."""
    joined = []
    for a, b in theirs:
        if joined and joined[-1][1] == a:
            joined[-1][1] = b
        else:
            joined.append([a, b])
    outside, i = 0, 0
    for a, b in ours:
        while i < len(joined) and joined[i][1] <= a:
            i += 1
        inside, k = 0, i
        while k < len(joined) and joined[k][0] < b:
            inside += min(b, joined[k][1]) - max(a, joined[k][0])
            k += 1
        outside += (b - a) - inside
    return outside


def judge(ours, theirs, least=0.95):
    mine, all_free = sum(b - a for a, b in ours), sum(b - a for a, b in theirs)
    outside = within(ours, theirs)
    print(f"unused here {mine}, free there {all_free}, outside of it {outside}")
    return outside == 0 and all_free > 0 and mine >= least * all_free


def judge_fat(image, ours):
    text = subprocess.run(["fsck.fat", "-nv", image], check=True, capture_output=True, text=True).stdout
    size = int(re.search(r"(\d+) bytes per cluster", text).group(1))
    used, total = map(int, re.search(r"(\d+)/(\d+) clusters", text).groups())
    mine = sum(b - a for a, b in ours)
    print(f"unused here {mine}, free there {(total - used) * size}")
    return mine == (total - used) * size and mine > 0


def judge_exfat(image, ours):
    text = subprocess.run(["dump.exfat", image], check=True, capture_output=True, text=True).stdout
    size, free = (int(re.search(rf"{name}:\s+(\d+)", text).group(1))
                  for name in ("Cluster size", "Free Clusters"))
    mine = sum(b - a for a, b in ours)
    print(f"unused here {mine}, free there {free * size}")
    return mine == free * size and mine > 0


def judge_copy(source, copy, ours, chunk):
    wrong = left_out = number = 0
    i = 0
    with open(source, "rb") as a, open(copy, "rb") as b:
        while True:
            x, y = a.read(chunk), b.read(chunk)
            if len(x) != len(y):
                return False
            if not x:
                break
            at, number = number * chunk, number + 1
            while i < len(ours) and ours[i][1] <= at:
                i += 1
            unused = i < len(ours) and ours[i][0] <= at and at + len(x) <= ours[i][1]
            left_out += unused
            wrong += y != (bytes(len(x)) if unused else x)
    print(f"{number} chunks, {left_out} left out, {wrong} wrong")
    return wrong == 0


def main():
    kind, args = sys.argv[1], sys.argv[2:]
    if kind == "ext":
        offset = int(args[2]) if len(args) > 2 else 0
        return judge(read_map(args[1]), free_of_ext(args[0], offset))
    if kind == "xfs":
        least = float(args[2]) if len(args) > 2 else 0.95
        return judge(read_map(args[1]), free_of_xfs(args[0]), least)
    if kind == "ntfs":
        return judge(read_map(args[1]), free_of_ntfs(args[0]), 1)
    if kind == "f2fs":
        return judge(read_map(args[1]), free_of_f2fs(args[0]), 1)
    if kind == "fat":
        return judge_fat(args[0], read_map(args[1]))
    if kind == "exfat":
        return judge_exfat(args[0], read_map(args[1]))
    if kind == "copy":
        return judge_copy(args[0], args[1], read_map(args[2]), int(args[3]))
    if kind == "maps":
        return judge(read_map(args[0]), read_map(args[1]))
    if kind == "none":
        return not read_map(args[0])
    return False


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
