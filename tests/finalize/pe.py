#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes and takes apart EFI programs for tests.

pe.py make OUT MACHINE NAME=FILE...   a PE32+ image with these sections; MACHINE is x64, aa64, ia32, ...
pe.py vendor OUT CERT.der             what a shim has in its section .vendor_cert
pe.py level OUT LEVEL LATER           what a shim has in its section .sbatlevel, of two texts
pe.py check FILE                      fails where an image breaks the rules of its format; prints its sections
pe.py section FILE NAME               writes a section's content to standard output
"""
import struct
import sys

MACHINES = {"x64": 0x8664, "aa64": 0xAA64, "ia32": 0x14C, "arm": 0x1C2, "riscv64": 0x5064}
ALIGN, FILE_ALIGN = 4096, 512


def up(value, to):
    return (value + to - 1) // to * to


def make(out, machine, sections):
    strings, entries, data = b"", b"", b""
    headers = up(64 + 24 + 240 + 40 * len(sections), FILE_ALIGN)
    address, at = ALIGN, headers
    for name, content in sections:
        encoded = name.encode()
        if len(encoded) > 8:
            encoded = b"/%d" % (4 + len(strings))
            strings += name.encode() + b"\0"
        size = up(len(content), FILE_ALIGN)
        entries += struct.pack("<8sIIIIIIHHI", encoded, len(content), address, size, at, 0, 0, 0, 0, 0x40000040)
        data += content + bytes(size - len(content))
        address, at = up(address + len(content), ALIGN), at + size
    symbols = at if strings else 0
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", MACHINES[machine], len(sections), 0, symbols, 0, 240, 0x206)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 2, 0, 0, len(data), 0, 0, ALIGN, 0, ALIGN, FILE_ALIGN,
                           0, 0, 0, 0, 0, 0, 0, address, headers, 0, 10, 0, 0, 0, 0, 0, 0, 16) + bytes(128)
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    image = (dos + coff + optional + entries).ljust(headers, b"\0") + data
    if strings:
        image += struct.pack("<I", 4 + len(strings)) + strings
    with open(out, "wb") as file:
        file.write(image.ljust(up(len(image), 8), b"\0"))


class Image:
    def __init__(self, path):
        self.bytes = data = open(path, "rb").read()
        pe = struct.unpack_from("<I", data, 60)[0]
        assert data[:2] == b"MZ" and data[pe:pe + 4] == b"PE\0\0", "no image"
        count, size = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
        self.optional = pe + 24
        self.align, self.file_align = struct.unpack_from("<II", data, self.optional + 32)
        self.size, self.headers, self.checksum = struct.unpack_from("<III", data, self.optional + 56)
        table = self.optional + size
        self.table_end = table + 40 * count
        self.sections = [struct.unpack_from("<8sIIII", data, table + 40 * i) for i in range(count)]

    def section(self, name):
        for title, memory, _, size, at in self.sections:
            if title.rstrip(b"\0") == name.encode():
                return self.bytes[at:at + min(memory, size)]
        raise SystemExit("no section " + name)

    def sum(self):
        data = self.bytes + b"\0" * (len(self.bytes) % 2)
        total, skip = 0, (self.optional + 64) // 2
        for i, (word,) in enumerate(struct.iter_unpack("<H", data)):
            total += 0 if i in (skip, skip + 1) else word
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.bytes)

    def check(self):
        assert self.headers % self.file_align == 0 and self.table_end <= self.headers, "headers"
        end, used = 0, [(0, self.headers)]
        for title, memory, address, size, at in self.sections:
            name = title.rstrip(b"\0").decode()
            print("%s %#x %#x %#x %#x" % (name, memory, address, size, at))
            assert address >= end, name + ": overlaps, or is out of order"
            assert memory <= size or name == ".linux", name + ": more in memory than in the file"
            assert at % self.file_align == 0 and size % self.file_align == 0, name + ": alignment in the file"
            assert at + size <= len(self.bytes), name + ": beyond the file"
            end = address + max(memory, 1)
            used.append((at, at + size))
        assert up(end, self.align) == self.size, "SizeOfImage is %#x, not %#x" % (self.size, up(end, self.align))
        used.sort()
        assert all(a[1] <= b[0] for a, b in zip(used, used[1:])), "two sections share bytes of the file"
        assert self.checksum in (0, self.sum()), "checksum"


def main(mode, *args):
    if mode == "make":
        pairs = [a.split("=", 1) for a in args[2:]]
        make(args[0], args[1], [(name, open(file, "rb").read()) for name, file in pairs])
    elif mode == "vendor":
        cert = open(args[1], "rb").read()
        open(args[0], "wb").write(struct.pack("<IIII", len(cert), 0, 16, 16 + len(cert)) + cert)
    elif mode == "level":
        first, second = (t.encode().decode("unicode_escape").encode() + b"\0" for t in args[1:])
        open(args[0], "wb").write(struct.pack("<III", 0, 8, 8 + len(first)) + first + second)
    elif mode == "check":
        Image(args[0]).check()
    elif mode == "section":
        sys.stdout.buffer.write(Image(args[0]).section(args[1]))


main(*sys.argv[1:])
