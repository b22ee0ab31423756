#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a program into the first sector of a disk: it says a sentence on the first serial port, and then writes 4 KiB
every eighth of a second, each beside the last, for ever. No kernel, so a machine is running within a second."""
import sys

ORIGIN = 0x7C00
code = bytearray()
labels, fixes = {}, []


def emit(text, label=None, kind=None):
    """Bytes in hexadecimal; the last ones are replaced by the place of a label."""
    code.extend(bytes.fromhex(text))
    if label:
        fixes.append((len(code), label, kind))


def here(name):
    labels[name] = len(code)


emit("fa 31c0 8ed8 8ec0 8ed0 bc007c fb")     # cli; ds = es = ss = 0; sp = 7c00; sti
emit("8816 007e")                            # mov [7e00], dl: the disk
emit("be 0000", "sentence", "absolute")      # mov si, sentence
here("next")
emit("ac 84c0 74 00", "write", "relative")   # lodsb; test al, al; jz write
emit("88c1 bafd03")                          # mov cl, al; mov dx, 3fd
here("busy")
emit("ec a820 74 00", "busy", "relative")    # in al, dx; test al, 20; jz busy
emit("baf803 88c8 ee")                       # mov dx, 3f8; mov al, cl; out dx, al
emit("eb 00", "next", "relative")
here("write")
emit("be 0000", "packet", "absolute")        # mov si, packet
emit("8a16 007e b80043 cd13")                # mov dl, [7e00]; int 13, extended write
emit("6683 06 0000", "block", "absolute")    # add dword [block], 8
emit("08")
emit("b486 b90100 ba48e8 cd15")              # int 15: wait 125 ms
emit("eb 00", "write", "relative")
here("sentence")
code.extend(b"the machine runs\r\n\0")
here("packet")
emit("1000 0800 0080 0000")                  # 8 sectors from 0000:8000
here("block")
emit("0008000000000000")                     # from sector 2048
for at, label, kind in fixes:
    if kind == "absolute":
        code[at - 2:at] = (ORIGIN + labels[label]).to_bytes(2, "little")
    else:
        code[at - 1] = (labels[label] - at) & 0xFF
assert len(code) <= 440
with open(sys.argv[1], "r+b") as disk:
    disk.write(code + bytes(510 - len(code)) + b"\x55\xaa")
