#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""continued.py STATE PORT CERTIFICATE KEY: a source that was being copied when its server was killed comes back, with
the session, the boot number and the disks that the state's database has. Prints whether the server goes on with the
session, and the chunk from which it wants each disk."""
import contextlib
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import BYE, Client, frame, text


def recorded(state):
    """Session, boot and the disks' identities, as the server wrote them."""
    with contextlib.closing(sqlite3.connect(state + "/db.sqlite")) as database:
        session, boot = database.execute("SELECT id, boot FROM sessions WHERE ended = 0").fetchone()
        disks = database.execute("SELECT identity FROM disks ORDER BY number").fetchall()
    return session, boot, [identity + bytes([1, 0]) + text("file") + text("") for identity, in disks]


def main(state, port, certificate, key):
    session, boot, disks = recorded(state)
    with Client(int(port), state + "/pki/root.pem", (certificate, key)) as client:
        same, resumed, chunks = client.session(boot, disks, session)
        client.send(frame(BYE, b"\1"))
    words = " ".join(f"disk {number} from {chunk}" for number, chunk in sorted(chunks.items()))
    print("goes on:" if same == session and resumed else "another session:", words)


main(*sys.argv[1:])
