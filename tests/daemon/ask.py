#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ask.py STATE: prints what the daemon of this state answers at its control socket when it is asked for its status."""
import os
import socket
import sys

os.chdir(os.path.join(sys.argv[1], "run"))  # the path of a socket has to be short
with socket.socket(socket.AF_UNIX) as control:
    control.connect("control")
    control.sendall(b"status\n")
    while piece := control.recv(65536):
        sys.stdout.write(piece.decode())
