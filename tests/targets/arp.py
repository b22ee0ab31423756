#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks who has an IPv4 address: INTERFACE OWN-ADDRESS ADDRESS. Exit status 0: somebody answered within a second."""
import socket
import struct
import sys
import time

interface, own, wanted = sys.argv[1], socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as s:
    s.bind((interface, 0x0806))
    mac = s.getsockname()[4]
    s.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + own + bytes(6) + wanted)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            frame = s.recv(2048)
        except TimeoutError:
            break
        if frame[20:22] == b"\0\2" and frame[28:32] == wanted:
            sys.exit(0)
sys.exit(1)
