#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A switch with two ports, each a connection of QEMU's socket network (frames behind a length of four bytes): what goes
in at port A leaves at port B, and the other way round.

    switch.py vlan=ID FILE     A carries that VLAN tagged, B the same untagged; anything else is dropped
    switch.py block=SECONDS FILE  nothing passes until so long after the first frame from A (spanning tree)

Prints the two TCP ports. Keeps FILE up to date, a line of NAME=NUMBER: frames passed and dropped per direction, the
longest frame of each that passed, and those from A that were untagged after the first tagged one."""
import os
import select
import socket
import struct
import sys
import time

TAG = b"\x81\x00"
seen = {"a_passed": 0, "a_dropped": 0, "a_longest": 0, "b_passed": 0, "b_dropped": 0, "b_longest": 0, "late_untagged": 0}


def vlan_rule(vlan):
    tag = TAG + struct.pack(">H", vlan)

    def from_a(frame):
        if frame[12:14] != TAG and seen["a_passed"]:
            seen["late_untagged"] += 1
        # the priority's bits are not the VLAN's
        if frame[12:14] != TAG or struct.unpack(">H", frame[14:16])[0] & 0xFFF != vlan:
            return None
        return (frame[:12] + frame[16:]).ljust(60, b"\0")

    def from_b(frame):
        return frame[:12] + tag + frame[12:]

    return from_a, from_b


def block_rule(seconds):
    began = []

    def passes(frame):
        return frame if began and time.monotonic() - began[0] >= seconds else None

    def from_a(frame):
        began or began.append(time.monotonic())
        return passes(frame)

    return from_a, passes


def keep(path):
    with open(path + ".new", "w") as f:
        f.write(" ".join(f"{k}={v}" for k, v in seen.items()) + "\n")
    os.rename(path + ".new", path)


def frames(connection, buffer):
    """The whole frames that have come in, or None at the end."""
    data = connection.recv(1 << 18)
    if not data:
        return None
    buffer += data
    found = []
    while len(buffer) >= 4 and len(buffer) >= 4 + (size := struct.unpack(">I", buffer[:4])[0]):
        found.append(bytes(buffer[4 : 4 + size]))
        del buffer[: 4 + size]
    return found


def relay(side, frame, rule, to):
    out = rule(frame)
    seen[side + ("_passed" if out else "_dropped")] += 1
    if out:
        on_a = frame if side == "a" else out
        seen[side + "_longest"] = max(seen[side + "_longest"], len(on_a))
        to.sendall(struct.pack(">I", len(out)) + out)


def main():
    kind, value = sys.argv[1].split("=")
    from_a, from_b = vlan_rule(int(value)) if kind == "vlan" else block_rule(float(value))
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in "ab"]
    print(*(s.getsockname()[1] for s in listeners), flush=True)
    a, b = (s.accept()[0] for s in listeners)
    buffers = {a: bytearray(), b: bytearray()}
    told = 0.0
    while True:
        for c in select.select([a, b], [], [], 0.5)[0]:
            found = frames(c, buffers[c])
            if found is None:
                return keep(sys.argv[2])
            for frame in found:
                relay("a" if c is a else "b", frame, from_a if c is a else from_b, b if c is a else a)
        if time.monotonic() - told > 0.5:
            told = time.monotonic()
            keep(sys.argv[2])


main()
