#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""trickle.py HOST PORT [tcp|head|body]: a client that is slow, in its handshake, in the head of a request or in its body.
Prints "there" when it is, and then how many seconds it was borne with, rounded."""
import contextlib
import socket
import ssl
import sys
import time

host, port, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
begun = time.monotonic()
connection = socket.create_connection((host, port), timeout=60)
with contextlib.suppress(OSError):
    if where != "tcp":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = context.wrap_socket(connection)
        connection.sendall(b"POST / HTTP/1.1\r\n")
    if where == "body":
        connection.sendall(b"Host: x\r\nContent-Length: 60000\r\n\r\n")
    print("there", flush=True)
    connection.settimeout(1)
    while True:
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                break
        connection.sendall({"tcp": b"\x16", "head": b"x", "body": b"x"}[where])
print(round(time.monotonic() - begun))
