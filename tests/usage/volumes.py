#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the volumes of an LVM2 group lie, by what lvm(8) says, so that they can be written and read
where the kernel has no device-mapper, and maps be judged.

volumes.py layout VG DEVICE=OFFSET@NUMBER...   asks lvm, prints the layout (JSON): each device is
                                        OFFSET bytes into the disk of that number
volumes.py put LAYOUT LV IMAGE DISK...  writes IMAGE to where the volume lies on these disks
volumes.py get LAYOUT LV IMAGE DISK...  reads it into IMAGE; `-` for a disk that is not there
volumes.py judge LAYOUT NUMBER MAP [LV=IMAGE | LV=START]...
                                        MAP of that disk is within free extents, what dumpe2fs calls
                                        free in these images, and all from START on; and 95 % of it
volumes.py edit DISK OFFSET OLD NEW     changes the text of the group, which lvm itself would not
                                        do; what LVM2 sums is summed again
"""
import json
import os
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare import free_of_ext, judge, read_map  # noqa: E402


def report(command, *options):
    text = subprocess.run(["lvm", command, "--driverloaded", "n", "--reportformat", "json", "--units", "b",
                           "--nosuffix", *options], check=True, capture_output=True, text=True).stdout
    return json.loads(text)["report"][0]


def layout(vg, devices):
    where = {}
    for device in devices:
        name, _, place = device.partition("=")
        offset, _, number = place.partition("@")
        where[name] = (int(number), int(offset))
    extent = int(report("vgs", "-o", "vg_extent_size", vg)["vg"][0]["vg_extent_size"])
    start = {p["pv_name"]: int(p["pe_start"]) for p in report("pvs", "-o", "pv_name,pe_start")["pv"]}

    def at(device, number):
        disk, offset = where[device]
        return [disk, offset + start[device] + number * extent]

    free = [at(s["pv_name"], int(s["pvseg_start"])) + [int(s["pvseg_size"]) * extent]
            for s in report("pvs", "--segments", "-o", "pv_name,pvseg_start,pvseg_size,segtype")["pvseg"]
            if s["segtype"] == "free"]
    volumes = {}
    columns = "lv_name,segtype,stripe_size,seg_start_pe,seg_size_pe,seg_pe_ranges"
    for s in report("lvs", "-a", "--segments", "-o", columns, vg)["seg"]:
        if s["segtype"] not in ("linear", "striped"):
            continue
        legs = [r.rpartition(":") for r in s["seg_pe_ranges"].split()]
        volumes.setdefault(s["lv_name"], []).append({
            "at": int(s["seg_start_pe"]) * extent, "bytes": int(s["seg_size_pe"]) * extent,
            "stripe": int(s["stripe_size"]),
            "legs": [at(device, int(pes.split("-")[0])) for device, _, pes in legs]})
    json.dump({"free": free, "volumes": volumes}, sys.stdout)
    return True


def pieces(segments):
    """(offset in the volume, disk, offset on the disk, bytes), in order of the volume."""
    for s in sorted(segments, key=lambda s: s["at"]):
        step = s["stripe"] or s["bytes"]
        for number, at in enumerate(range(0, s["bytes"], step)):
            disk, first = s["legs"][number % len(s["legs"])]
            yield s["at"] + at, disk, first + number // len(s["legs"]) * step, step


def copy(plan, name, image, disks, put):
    files = [None if d == "-" else open(d, "r+b" if put else "rb") for d in disks]
    with open(image, "rb" if put else "wb") as volume:
        for at, disk, first, size in pieces(plan["volumes"][name]):
            volume.seek(at)
            files[disk].seek(first)
            if put:
                files[disk].write(volume.read(size))
            else:
                volume.write(files[disk].read(size))
    for f in filter(None, files):
        f.close()
    return True


def judge_disk(plan, number, ours, volumes):
    theirs = [(at, at + size) for disk, at, size in plan["free"] if disk == number]
    for volume in volumes:
        name, _, what = volume.partition("=")
        size = sum(s["bytes"] for s in plan["volumes"][name])
        free = [(int(what), size)] if what.isdigit() else free_of_ext(what, 0)
        for at, disk, first, length in pieces(plan["volumes"][name]):
            if disk == number:
                theirs += [(first + max(a, at) - at, first + min(b, at + length) - at)
                           for a, b in free if a < at + length and b > at]
    return judge(ours, sorted(theirs))


def crc(data):
    return ~zlib.crc32(data, ~0xF597A6CF & 0xFFFFFFFF) & 0xFFFFFFFF


def edit(path, area, old, new):
    """The header of a metadata area is 4 + 16 + 4 + 8 + 8 bytes, then the location of the text."""
    with open(path, "r+b") as disk:
        disk.seek(area)
        header = bytearray(disk.read(512))
        at, size, total = struct.unpack_from("<QQI", header, 40)
        disk.seek(area + at)
        text = disk.read(size)
        assert crc(text) == total and old in text
        text = text.replace(old, new, 1)
        struct.pack_into("<QI", header, 48, len(text), crc(text))
        struct.pack_into("<I", header, 0, crc(bytes(header[4:])))
        disk.seek(area)
        disk.write(header)
        disk.seek(area + at)
        disk.write(text)
    return True


def main():
    command, args = sys.argv[1], sys.argv[2:]
    if command == "layout":
        return layout(args[0], args[1:])
    if command == "edit":
        return edit(args[0], int(args[1]) + 4096, *(a.encode().decode("unicode_escape").encode() for a in args[2:]))
    with open(args[0]) as f:
        plan = json.load(f)
    if command == "judge":
        return judge_disk(plan, int(args[1]), read_map(args[2]), args[3:])
    return copy(plan, args[1], args[2], args[3:], command == "put")


sys.exit(0 if main() else 1)
