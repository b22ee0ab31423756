#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""crash.py SOCKET IMAGE PROCESSOR invalid|page-fault|division

Makes a processor (1 is the first) of a machine under QEMU meet an exception inside the boot image: by QEMU's gdb stub
at SOCKET it is stopped while it runs the image's code, and sent on to an instruction of that image that fails with the
registers it is given. Where the image lies is found by comparing memory with the file. Prints the exception's number,
and its place as an offset into the image, as the linker's map has it.
"""
import socket
import struct
import sys
import time

RAX, RCX, RIP = 0, 2, 16  # gdb's numbers
NOWHERE = 0x7F0000000010  # behind what any firmware maps
# Number, instruction, register and its value.
FAILING = {
    "invalid": (6, b"\x0f\x0b", RCX, 0),  # ud2
    "page-fault": (14, b"\x48\x8b\x00", RAX, NOWHERE),  # mov (%rax),%rax
    "division": (0, b"\xf7\xf1", RCX, 0),  # div %ecx
}


class Stub:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        # Single registers are for those who know the description of all.
        self.ask("qXfer:features:read:target.xml:0,fff")

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 255))

    def answer(self):
        while self.file.read(1) != b"$":
            pass
        data = bytearray()
        while (byte := self.file.read(1)) != b"#":
            data += byte
        self.file.read(2)
        self.socket.sendall(b"+")
        return data.decode()

    def ask(self, text):
        self.send(text)
        while (answer := self.answer()).startswith("T"):
            pass  # it says at the beginning that it stopped, unasked
        return answer

    def stop(self):
        self.socket.sendall(b"\x03")
        while not self.answer().startswith("T"):
            pass

    def go_on(self):
        self.send("c")

    def register(self, number):
        return struct.unpack("<Q", bytes.fromhex(self.ask(f"p{number:x}")))[0]

    def set_register(self, number, value):
        assert self.ask(f"P{number:x}={struct.pack('<Q', value).hex()}") == "OK"

    def memory(self, address, size):
        answer = self.ask(f"m{address:x},{size:x}")
        return b"" if answer.startswith("E") else bytes.fromhex(answer)


def text_section(image):
    """Address and contents of .text."""
    pe = struct.unpack_from("<I", image, 0x3C)[0]
    count, optional = struct.unpack_from("<H", image, pe + 6)[0], struct.unpack_from("<H", image, pe + 20)[0]
    for at in range(pe + 24 + optional, pe + 24 + optional + 40 * count, 40):
        size, address, _, raw = struct.unpack_from("<IIII", image, at + 8)
        if image[at : at + 8].rstrip(b"\0") == b".text":
            return address, image[raw : raw + size]
    raise SystemExit("no .text")


def base_of(stub, address, code):
    """Where the image begins, when this processor runs its code now."""
    rip = stub.register(RIP)
    around = stub.memory(rip, 48)
    at = code.find(around) if len(around) == 48 else -1
    return None if at < 0 or code.find(around, at + 1) >= 0 else rip - at - address


def main():
    path, image, processor, kind = sys.argv[1:]
    number, instruction, register, value = FAILING[kind]
    with open(image, "rb") as file:
        address, code = text_section(file.read())
    stub = Stub(path)  # which stops the machine
    end = time.monotonic() + 120
    while time.monotonic() < end:
        stub.ask(f"Hg{processor}")
        base = base_of(stub, address, code)
        if base is not None:
            at = address + code.index(instruction)
            stub.set_register(register, value)
            stub.set_register(RIP, base + at)
            stub.send("D")
            print(number, f"image+0x{at:x}")
            return
        stub.go_on()
        time.sleep(0.05)
        stub.stop()
    raise SystemExit("the processor was never seen in the image")


main()
