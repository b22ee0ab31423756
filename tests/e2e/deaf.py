#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A port of 127.0.0.1, printed, on which nobody takes connections: they wait in the kernel until its queue is full, and
what comes after that is dropped without an answer, as behind a firewall. Ends with its parent."""
import socket
import time

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
print(listener.getsockname()[1], flush=True)
while True:
    time.sleep(3600)
