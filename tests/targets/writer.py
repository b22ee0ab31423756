#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The smallest guest that writes: a boot sector for a BIOS. It counts, and writes each number, 128 times, into one of
4096 sectors of its first disk and then of its second, and a dot to the serial port after every 64 numbers. So a disk is
a function of the last number on it, the second is at most one behind, and what the port has seen is on both.

    writer.py make FILE FILE                two disks of 24 MiB, random data in the middle of each
    writer.py judge CONSOLE FILE FILE FILE FILE   disks (raw), then the two originals: what is wrong with them
"""
import os
import struct
import sys

SIZE, DATA, FIRST, SECTORS = 24 << 20, (4 << 20, 6 << 20), 64, 4096

# .code16, at 0x7c00:
#   cli; xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,0x7c00; sti; prints "WRITER"
#   again: inc dword [count]; 128 times count to 0x8000; [lba] = 64 + (count & 0xfff)
#   for dl = 0x80, 0x81: int 0x13 with ah=0x43 (extended write) of [dap]; on carry: prints '!' and halts
#   test byte [count],0x3f; jnz again; prints '.'; jmp again
# putc waits for bit 5 of port 0x3fd, and writes to port 0x3f8.
CODE = bytes.fromhex(
    "fa31c08ed88ec08ed0bc007cfbbe8c7cac08c07405e84f00ebf666ff0678"
    "7c66a1787cbf0080b9800066f3ab66a1787c6625ff0f00006683c04066a3"
    "847cb280be7c7cb80043cd137215fec280fa8275eff606787c3f75c2b02e"
    "e80a00ebbbb021e80300f4ebfd5250bafd03eca82074fb58baf803ee5ac3"
    "00000000100001000080000000000000000000005752495445520d0a00")


def make(names):
    for number, name in enumerate(names):
        disk = bytearray(SIZE)
        disk[DATA[0] : DATA[1]] = os.urandom(DATA[1] - DATA[0])
        if number == 0:
            disk[: len(CODE)] = CODE
            disk[510:512] = b"\x55\xaa"
        with open(name, "wb") as f:
            f.write(disk)


def last_number(disk):
    at = FIRST * 512
    return max(struct.unpack_from("<I", disk, at + i * 512)[0] for i in range(SECTORS))


def as_written(original, last):
    disk = bytearray(original)
    for number in range(max(1, last - SECTORS + 1), last + 1):
        at = (FIRST + number % SECTORS) * 512
        disk[at : at + 512] = struct.pack("<I", number) * 128
    return disk


def judge(console, files):
    disks = [open(name, "rb").read() for name in files[:2]]
    originals = [open(name, "rb").read() for name in files[2:]]
    dots = open(console, "rb").read().count(b".")
    last = [last_number(disk) for disk in disks]
    print(f"last numbers {last[0]} and {last[1]}, {dots} dots")
    wrong = []
    for number, disk in enumerate(disks):
        if disk != as_written(originals[number], last[number]):
            wrong.append(f"disk {number} is not what was written up to {last[number]}")
    if not 0 <= last[0] - last[1] <= 1:
        wrong.append("the disks are of different times")
    if last[1] < 64 * dots:
        wrong.append("what the port has seen is not on the disks")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2:4])
    else:
        sys.exit(judge(sys.argv[2], sys.argv[3:7]))
